"""What of a founded cluster has ended for good: said before anything is made when no update can bring it back."""

from collections.abc import Sequence

import pulumi

from components.aws.today import Today
from settings.birth import Past
from settings.values import Settings, numbered


class LossError(pulumi.RunError):
    """More of the cluster has ended than an update can bring back; the message says what, and which ways are left."""


def check_losses(settings: Settings, past: Past, today: Today) -> None:
    """Raises LossError when what is left of a founded cluster is no quorum of etcd, or no master."""
    if not past.is_founded:
        return
    problems = []
    for role, machines in settings.quorum_machines.items():
        names = [name for name in numbered(role, machines.count) if _counts(settings, past, name)]
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


def _counts(settings: Settings, past: Past, name: str) -> bool:
    """Where kubeadm makes members, one that has never joined took part in nothing."""
    return settings.etcd.topology.manager != "kubeadm" or name == "master-0" or name in past.joined


def _counted(gone: Sequence[str], names: Sequence[str]) -> str:
    return f"{len(gone)} of {len(names)} machines have ended ({', '.join(gone)})"
