"""Fleet: what becomes of the machines of the last state. Those that were stopped are started."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.aws.today import Today
from settings.birth import CHANGES, IMAGES, STARTS, Machine, Past
from settings.values import MachineSettings, WorkerPool


@dataclass(frozen=True, kw_only=True)
class FleetArgs:
    """`image_rollout` moves living machines to today's image too.

    `asked` are those, by their resources' names, that do not change before the others were asked.
    """

    past: Past
    today: Today
    image_rollout: bool
    pools: Sequence[WorkerPool]
    asked: Mapping[str, MachineSettings]


class Fleet(pulumi.ComponentResource):
    """What is known of a machine by its resource's name. Those that are stopped are started at once, whoever waits.

    `started` are those of them that a quorum may need.
    `starts` counts how often this program had to start a machine, `changes` how often it set out to change one that is
    asked for, so that the steps that ask and prove run again. Both are kept before anything is done: what is left to do
    by an update that ends in between is asked and proved the next time.
    """

    starts: Mapping[str, int]
    changes: Mapping[str, int]
    started: Sequence[pulumi.Resource]

    def __init__(self, name: str, args: FleetArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kubeadm:index:Fleet", name, None, opts)
        self._args, self._living = args, args.today.living
        self.starts = self._counted(args.past.starts, lambda name, _: name in args.today.stopped)
        self.changes = self._counted(args.past.changes, self._shall_change)
        images = {pool.name: pool.image for pool in args.pools if pool.image}
        self.register_outputs({STARTS: self.starts, CHANGES: self.changes, IMAGES: images})
        self._running = {
            name: self._start(name, machine.identity)
            for name, machine in self._living.items()
            if name in args.today.stopped
        }
        self.started = [step for name, step in self._running.items() if name in args.asked]

    def lives(self, name: str) -> bool:
        """Is it the machine that it was at the last update?"""
        return name in self._living

    def image(self, name: str, zone: str = "", pool: WorkerPool | None = None) -> str:
        """A living machine keeps the image that it was made from, so that no calendar replaces it.

        But a worker that is replaced for its `pool` or `zone` gets today's; an image of the pool's own always wins.
        """
        known, today = self._living.get(name), self._args.today.image
        if pool and pool.image:
            return pool.image
        if known is None or self._args.image_rollout:
            return today
        stays = pool is None or (_is_of(pool, zone, known) and pool.name not in self._args.past.pool_images)
        return known.image if stays else today

    def running(self, name: str, machine: aws.ec2.Instance) -> pulumi.Resource:
        """What holds the machine in the state `running`."""
        return self._running.get(name) or self._start(name, machine.id)

    def _counted(self, before: Mapping[str, int], happens: Callable[[str, Machine], bool]) -> Mapping[str, int]:
        counts = {name: before.get(name, 0) + happens(name, machine) for name, machine in self._living.items()}
        return {name: count for name, count in counts.items() if count}

    def _shall_change(self, name: str, machine: Machine) -> bool:
        wanted = self._args.asked.get(name)
        moves = self._args.image_rollout and machine.image != self._args.today.image
        return wanted is not None and (moves or machine.instance_type != wanted.instance_type)

    def _start(self, name: str, identity: pulumi.Input[str]) -> pulumi.Resource:
        return aws.ec2transitgateway.InstanceState(
            f"{name}-running", instance_id=identity, state="running", opts=pulumi.ResourceOptions(parent=self)
        )


def _is_of(pool: WorkerPool, zone: str, known: Machine) -> bool:
    wanted = (zone, pool.machines.instance_type, pool.machines.disk_gib, pool.spot)
    return (known.zone, known.instance_type, known.disk_gib, known.spot) == wanted
