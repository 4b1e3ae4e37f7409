"""Today: what AWS says before anything is made, of the image for new machines and of those in the last state."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import pulumi_aws as aws

from settings.birth import Machine, Past
from settings.machine_states import LIVING, STOPPED
from settings.tags import CLUSTER_TAG
from settings.values import Settings


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


def _identities(cluster_name: str, states: tuple[str, ...]) -> Sequence[str]:
    tags = {CLUSTER_TAG: cluster_name}
    return aws.ec2.get_instances(instance_tags=tags, instance_state_names=list(states)).ids
