"""Makes the machine match what the API says, over and over: routers, rules, names, hosts, balancers.

Level-triggered: each pass looks at what there should be and at what there is, and remembers nothing that it could not
find out again. So it does not matter which change woke it, what an earlier one left undone, or which daemon it was.
"""

import logging
import threading
import time
from collections.abc import Callable, Collection
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Protocol

from region.cloud.world import Host, Vpc, World
from region.fabric import balancers, firewall, names, router
from region.fabric.hosts import HostSpec
from region.fabric.instance_types import INSTANCE_TYPES
from region.fabric.processes import running_names

TICK_SECONDS = 5
LONGEST_PAUSE_SECONDS = 60
"""Between attempts at a host that ends as soon as it is started."""
LOG = logging.getLogger(__name__)


class Hosts(Protocol):
    """What the controller wants of `region.hosts`."""

    def start(self, spec: HostSpec, image: Path) -> None: ...
    def power_off(self, instance_id: str) -> None: ...
    def stop(self, instance_id: str) -> None: ...
    def running(self) -> set[str]: ...
    def all_known(self) -> set[str]: ...


class Controller:
    """`wake` after a change; `run` goes on until `stop`. A pass that fails is logged, and tried again at the next."""

    def __init__(self, world: Callable[[], World], hosts: Hosts, image: Path) -> None:
        self._read_world = world
        self._hosts = hosts
        self._image = image
        self._world = World(vpcs=())
        self._loaded: dict[str, str] = {}
        self._moving: dict[str, Future[None]] = {}
        self._pauses: dict[str, Pause] = {}
        self._movers = ThreadPoolExecutor(max_workers=16, thread_name_prefix="host")
        self._again = False
        self._woken = threading.Event()
        self._stopping = threading.Event()

    def wake(self) -> None:
        self._woken.set()

    def stop(self) -> None:
        """End `run` after its current pass. What runs goes on running."""
        self._stopping.set()
        self._woken.set()

    def run(self) -> None:
        while not self._stopping.is_set():
            woken = self._woken.wait(TICK_SECONDS)
            self._woken.clear()
            try:
                world = self._read_world()
                if not woken or self._again or world != self._world:
                    self._again = False
                    self.reconcile(world)
            except Exception:
                LOG.exception("the world could not be read")
        self._movers.shutdown(wait=True)

    def reconcile(self, world: World) -> None:
        """One pass. Hosts are started and stopped in threads of their own; the rest is done on return."""
        self._world = world
        present = router.vpc_ids()
        ready = [
            vpc for vpc in world.vpcs if self._try(f"network of {vpc.vpc_id}", lambda v=vpc: self._route(v, present))
        ]
        self._move_hosts(world, ready)
        for vpc in ready:
            self._try(f"names of {vpc.vpc_id}", lambda v=vpc: names.apply(v))
            for balancer in vpc.balancers:
                self._try(f"balancer {balancer.name}", lambda v=vpc, b=balancer: balancers.apply(b, v.vpc_id))
        self._remove_strays(world, present)

    def target_state(self, target_group: str, target_id: str) -> str | None:
        """A target's health as its balancer sees it now; None while no balancer knows it."""
        for balancer in self._world.balancers:
            if any(listener.target_group.arn == target_group for listener in balancer.listeners):
                return balancers.states(balancer).get((target_group, target_id))
        return None

    def _route(self, vpc: Vpc, present: Collection[str]) -> None:
        if vpc.vpc_id not in present or vpc.vpc_id not in self._loaded:
            router.create(vpc.vpc_id)
        router.update(vpc)
        rules = firewall.render(vpc)
        if self._loaded.get(vpc.vpc_id) != rules:
            router.load(vpc.vpc_id, rules)
            self._loaded[vpc.vpc_id] = rules

    def _move_hosts(self, world: World, ready: Collection[Vpc]) -> None:
        """Start what should run and does not, switch off what is stopped, take away what is no instance any more."""
        self._moving = {instance_id: move for instance_id, move in self._moving.items() if not move.done()}
        running, wanted = self._hosts.running(), {host.instance_id for host in world.hosts}
        for instance_id in running & world.stopped:
            self._move(instance_id, "power off of host", lambda i=instance_id: self._hosts.power_off(i))
        for instance_id in self._hosts.all_known() - wanted - world.stopped:
            self._move(instance_id, "end of host", lambda i=instance_id: self._hosts.stop(i))
        self._pauses = {instance_id: pause for instance_id, pause in self._pauses.items() if instance_id in wanted}
        # A new host may have the address of one that is just going.
        going = [move for instance_id, move in self._moving.items() if instance_id not in wanted]
        for vpc in ready:
            for host in vpc.hosts:
                pause = self._pauses.setdefault(host.instance_id, Pause())
                if host.instance_id not in running and host.instance_id not in self._moving and pause.over():
                    self._move(host.instance_id, "start of host", lambda h=host, v=vpc: self._start(h, v, going))

    def _move(self, instance_id: str, what: str, action: Callable[[], None]) -> None:
        def move() -> None:
            self._try(f"{what} {instance_id}", action)
            self._again = True
            self._woken.set()

        if instance_id in self._moving:
            return
        LOG.info("%s %s", what, instance_id)
        self._moving[instance_id] = self._movers.submit(move)

    def _start(self, host: Host, vpc: Vpc, after: Collection[Future[None]]) -> None:
        wait(after)
        self._hosts.start(host_spec(host, vpc), self._image)

    def _remove_strays(self, world: World, present: Collection[str]) -> None:
        kept_balancers = {balancer.balancer_id for balancer in world.balancers}
        kept_vpcs = {vpc.vpc_id for vpc in world.vpcs}
        found = running_names()
        for balancer_id in _named(found, balancers.PREFIX) - kept_balancers:
            self._try(f"end of balancer {balancer_id}", lambda b=balancer_id: balancers.remove(b))
        for vpc_id in _named(found, names.PREFIX) - kept_vpcs:
            self._try(f"end of names of {vpc_id}", lambda v=vpc_id: names.remove(v))
        if self._hosts.all_known() <= {host.instance_id for host in world.hosts} | world.stopped:
            for vpc_id in set(present) - kept_vpcs:
                self._loaded.pop(vpc_id, None)
                self._try(f"end of network of {vpc_id}", lambda v=vpc_id: router.delete(v))

    def _try(self, what: str, action: Callable[[], object]) -> bool:
        try:
            action()
        except Exception:
            LOG.exception("%s failed; it is tried again in %d s", what, TICK_SECONDS)
            return False
        return True


class Pause:
    """None before the first attempt, then one that doubles; a long time without an attempt starts it over."""

    def __init__(self) -> None:
        self._seconds = 0.0
        self._last = float("-inf")

    def over(self) -> bool:
        """Whether the next attempt may be made, which then counts as made."""
        since = time.monotonic() - self._last
        if since < self._seconds:
            return False
        again = since < 2 * LONGEST_PAUSE_SECONDS
        self._seconds = min(max(2 * self._seconds, TICK_SECONDS), LONGEST_PAUSE_SECONDS) if again else TICK_SECONDS
        self._last = time.monotonic()
        return True


def host_spec(host: Host, vpc: Vpc) -> HostSpec:
    """What a host is started with. Raises KeyError for an instance type that the region does not offer."""
    subnet = vpc.subnet(host.subnet_id)
    size = INSTANCE_TYPES[host.instance_type]
    return HostSpec(
        instance_id=host.instance_id,
        hostname=host.dns_name.partition(".")[0],
        private_address=host.address,
        prefix_length=int(subnet.cidr.partition("/")[2]),
        gateway=subnet.gateway,
        resolver=vpc.resolver,
        router_namespace=router.namespace(vpc.vpc_id),
        memory_bytes=size.memory_bytes,
        cpus=size.cpus,
        user_data=host.user_data,
    )


def _named(found: Collection[str], prefix: str) -> set[str]:
    return {name.removeprefix(prefix) for name in found if name.startswith(prefix)}
