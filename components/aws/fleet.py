"""Fleet: the machines as the last state has them and as AWS says they are today. What was stopped is started."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from settings.birth import CHANGES, STARTS, Machine, Past
from settings.tags import CLUSTER_TAG
from settings.values import MachineSettings

LIVING = ("pending", "running", "stopping", "stopped")
STOPPED = ("stopping", "stopped")


@dataclass(frozen=True, kw_only=True)
class FleetArgs:
    """`image_rollout` moves living machines to `image`, today's, too.

    `asked` are those, by their resources' names, that do not change before the others were asked.
    """

    cluster_name: str
    past: Past
    image: str
    image_rollout: bool
    asked: Mapping[str, MachineSettings]


class Fleet(pulumi.ComponentResource):
    """What is known of a machine by its resource's name. Those that are stopped are `started` at once, whoever waits.

    `starts` counts how often this program had to start a machine, `changes` how often it set out to change one that is
    asked for, so that the steps that ask and prove run again. Both are kept before anything is done: what is left to do
    by an update that ends in between is asked and proved the next time.
    """

    starts: Mapping[str, int]
    changes: Mapping[str, int]
    started: Sequence[pulumi.Resource]

    def __init__(self, name: str, args: FleetArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kubeadm:index:Fleet", name, None, opts)
        self._args, past = args, args.past
        living, stopped = (_identities(args, states) if past.machines else () for states in (LIVING, STOPPED))
        self._living = {name: machine for name, machine in past.machines.items() if machine.identity in living}
        self.starts = self._counted(past.starts, lambda name, machine: machine.identity in stopped)
        self.changes = self._counted(past.changes, self._shall_change)
        self.register_outputs({STARTS: self.starts, CHANGES: self.changes})
        self._running = {
            name: self._start(name, machine.identity)
            for name, machine in self._living.items()
            if machine.identity in stopped
        }
        self.started = list(self._running.values())

    def lives(self, name: str) -> bool:
        """Is it the machine that it was at the last update?"""
        return name in self._living

    def image(self, name: str, replaced_by: MachineSettings | None = None, given: str | None = None) -> str:
        """A living machine keeps the image that it was made from, so that no calendar replaces it.

        But one that is `replaced_by` another type or disk gets today's, and an image `given` for its pool always wins.
        """
        known = self._living.get(name)
        if given or known is None or self._args.image_rollout:
            return given or self._args.image
        stays = replaced_by is None or (replaced_by.instance_type, replaced_by.disk_gib) == (
            known.instance_type,
            known.disk_gib,
        )
        return known.image if stays else self._args.image

    def running(self, name: str, machine: aws.ec2.Instance) -> pulumi.Resource:
        """What holds the machine in the state `running`."""
        return self._running.get(name) or self._start(name, machine.id)

    def _counted(self, before: Mapping[str, int], happens: Callable[[str, Machine], bool]) -> Mapping[str, int]:
        counts = {name: before.get(name, 0) + happens(name, machine) for name, machine in self._living.items()}
        return {name: count for name, count in counts.items() if count}

    def _shall_change(self, name: str, machine: Machine) -> bool:
        wanted = self._args.asked.get(name)
        moves = self._args.image_rollout and machine.image != self._args.image
        return wanted is not None and (moves or machine.instance_type != wanted.instance_type)

    def _start(self, name: str, identity: pulumi.Input[str]) -> pulumi.Resource:
        return aws.ec2transitgateway.InstanceState(
            f"{name}-running", instance_id=identity, state="running", opts=pulumi.ResourceOptions(parent=self)
        )


def _identities(args: FleetArgs, states: tuple[str, ...]) -> Sequence[str]:
    tags = {CLUSTER_TAG: args.cluster_name}
    return aws.ec2.get_instances(instance_tags=tags, instance_state_names=list(states)).ids
