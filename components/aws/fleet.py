"""Fleet: the machines as the last state has them and as AWS says they are today. What was stopped is started."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from settings.birth import STARTS, Past
from settings.tags import CLUSTER_TAG

LIVING = ("pending", "running", "stopping", "stopped")
STOPPED = ("stopping", "stopped")


@dataclass(frozen=True, kw_only=True)
class FleetArgs:
    """`image_rollout` moves living machines to today's image too."""

    cluster_name: str
    past: Past
    image_rollout: bool


class Fleet(pulumi.ComponentResource):
    """What is known of a machine by its resource's name. Those that are stopped are `started` at once, whoever waits.

    `starts` counts how often this program had to start a machine, so that the steps that prove it run again. It is kept
    before anything is started: an update that ends in between proves it the next time.
    """

    starts: Mapping[str, int]
    started: Sequence[pulumi.Resource]

    def __init__(self, name: str, args: FleetArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kubeadm:index:Fleet", name, None, opts)
        self._args, past = args, args.past
        living, stopped = (_identities(args, states) if past.machines else () for states in (LIVING, STOPPED))
        self._living = {name: machine for name, machine in past.machines.items() if machine.identity in living}
        counts = {
            name: past.starts.get(name, 0) + (machine.identity in stopped) for name, machine in self._living.items()
        }
        self.starts = {name: count for name, count in counts.items() if count}
        self.register_outputs({STARTS: self.starts})
        self._running = {
            name: self._start(name, machine.identity)
            for name, machine in self._living.items()
            if machine.identity in stopped
        }
        self.started = list(self._running.values())

    def lives(self, name: str) -> bool:
        """Is it the machine that it was at the last update?"""
        return name in self._living

    def image(self, name: str, today: pulumi.Input[str], replaced_by: str | None = None) -> pulumi.Input[str]:
        """A living machine keeps the image that it was made from, so that no calendar replaces it.

        `replaced_by` is the type of a machine that no other type may change in place.
        """
        known = self._living.get(name)
        if known is None or self._args.image_rollout or replaced_by not in (None, known.instance_type):
            return today
        return known.image

    def running(self, name: str, machine: aws.ec2.Instance) -> pulumi.Resource:
        """What holds the machine in the state `running`."""
        return self._running.get(name) or self._start(name, machine.id)

    def _start(self, name: str, identity: pulumi.Input[str]) -> pulumi.Resource:
        return aws.ec2transitgateway.InstanceState(
            f"{name}-running", instance_id=identity, state="running", opts=pulumi.ResourceOptions(parent=self)
        )


def _identities(args: FleetArgs, states: tuple[str, ...]) -> Sequence[str]:
    tags = {CLUSTER_TAG: args.cluster_name}
    return aws.ec2.get_instances(instance_tags=tags, instance_state_names=list(states)).ids
