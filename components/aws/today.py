"""Today: what AWS says before anything is made, of the image for new machines and of those in the last state."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from settings.birth import Machine, Past
from settings.tags import CLUSTER_TAG
from settings.values import MachineSettings, Settings

LIVING = ("pending", "running", "stopping", "stopped")
STOPPED = ("stopping", "stopped")


class LossError(pulumi.RunError):
    """More of the cluster has ended than an update can bring back; the message says what, and which ways are left."""


@dataclass(frozen=True, kw_only=True)
class Today:
    """`image` is the one for new machines. Of the last state's, by their resources' names: who is `living`, `stopped`.

    A machine that ended by itself, or by somebody else's hand, is not living.
    """

    image: str
    living: Mapping[str, Machine]
    stopped: Collection[str]


def look_up(settings: Settings, past: Past) -> Today:
    """Ask AWS."""
    name = settings.kubernetes.cluster_name
    living, stopped = (_identities(name, states) if past.machines else () for states in (LIVING, STOPPED))
    return Today(
        image=settings.machine_image or aws.ssm.get_parameter(name=settings.machine_image_parameter).value,
        living={name: machine for name, machine in past.machines.items() if machine.identity in living},
        stopped={name for name, machine in past.machines.items() if machine.identity in stopped},
    )


def check_losses(settings: Settings, past: Past, today: Today) -> None:
    """Raises LossError when what is left of a founded cluster is no quorum of etcd, or no master."""
    if not past.is_founded:
        return
    problems = []
    for role, machines in settings.quorum_machines.items():
        names = [name for name in _names(role, machines) if _counts(settings, past, name)]
        gone = [name for name in names if f"{settings.kubernetes.cluster_name}-{name}" not in today.living]
        has_etcd = role == "etcd" or not settings.etcd.topology.dedicated
        if has_etcd and len(gone) > (len(names) - 1) // 2:
            problems.append(f"{_counted(gone, names)} with etcd's data: what is left is no quorum, and lets nobody in")
        elif len(gone) == len(names):
            problems.append(f"{_counted(gone, names)} with the control plane: nobody is left whom another could join")
    if problems:
        stack = pulumi.get_stack()
        raise LossError(
            f"no update can bring back what cluster {settings.kubernetes.cluster_name} has lost; nothing was made:\n"
            + "".join(f"  - {problem}\n" for problem in problems)
            + f"Start over with 'python -m operate reset --stack {stack}' (on the local region 'make reset') and "
            f"'pulumi up', or end what is left with 'pulumi destroy --stack {stack}'. What reset cannot reach (all "
            "machines, without the bastion), it leaves out when you have terminated it."
        )


def _names(role: str, machines: MachineSettings) -> list[str]:
    """The nodes of a role."""
    return [f"{role}-{ordinal}" for ordinal in range(machines.count)]


def _counts(settings: Settings, past: Past, name: str) -> bool:
    """Where kubeadm makes members, one that has never joined took part in nothing."""
    return settings.etcd.topology.manager != "kubeadm" or name == "master-0" or name in past.joined


def _counted(gone: Sequence[str], names: Sequence[str]) -> str:
    return f"{len(gone)} of {len(names)} machines have ended ({', '.join(gone)})"


def _identities(cluster_name: str, states: tuple[str, ...]) -> Sequence[str]:
    tags = {CLUSTER_TAG: cluster_name}
    return aws.ec2.get_instances(instance_tags=tags, instance_state_names=list(states)).ids
