"""What the controller makes of a World, over a machine that only notes what it is asked."""

import dataclasses
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from worlds import VPC

from region.cloud import controller
from region.cloud.controller import Controller, Pause
from region.cloud.world import World
from region.fabric import balancers, names, router
from region.fabric.hosts import HostSpec

WORLD = World(vpcs=(VPC,))
IMAGE = Path("/image")


class Machine:
    """Hosts that exist as names."""

    def __init__(self) -> None:
        self.alive: set[str] = set()
        self.disks: set[str] = set()
        self.specs: list[HostSpec] = []
        self.slow = threading.Event()
        self.slow.set()

    def start(self, spec: HostSpec, image: Path) -> None:
        assert self.slow.wait(5) or True
        if spec.instance_id == "i-broken":
            raise RuntimeError("no such image")
        self.specs.append(spec)
        self.alive.add(spec.instance_id)
        self.disks.add(spec.instance_id)

    def power_off(self, instance_id: str) -> None:
        self.alive.discard(instance_id)

    def stop(self, instance_id: str) -> None:
        self.power_off(instance_id)
        self.disks.discard(instance_id)

    def running(self) -> set[str]:
        return set(self.alive)

    def all_known(self) -> set[str]:
        return self.alive | self.disks


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was asked of the network, the balancers and the names, in order."""
    done: list[str] = []

    def note(what: str) -> Callable[..., None]:
        return lambda subject, *_: done.append(
            f"{what} {getattr(subject, 'vpc_id', getattr(subject, 'name', subject))}"
        )

    for module, functions in ((router, ("create", "update", "load", "delete")), (names, ("apply", "remove"))):
        for name in functions:
            monkeypatch.setattr(module, name, note(f"{module.__name__.rpartition('.')[2]}.{name}"))
    for name in ("apply", "remove"):
        monkeypatch.setattr(balancers, name, note(f"balancers.{name}"))
    monkeypatch.setattr(router, "vpc_ids", lambda: {"vpc-stray"})
    monkeypatch.setattr(controller, "running_names", lambda: {"daemon", "balancer-stray", "names-vpc-stray"})
    return done


def settle(of: Controller, world: World) -> None:
    of.reconcile(world)
    for move in list(of._moving.values()):
        move.result(5)


def test_the_network_is_there_before_hosts_and_strays_go_last(machine: Machine, done: list[str]) -> None:
    settle(Controller(lambda: WORLD, machine, IMAGE), WORLD)
    vpc = VPC.vpc_id
    assert done[:5] == [
        f"router.create {vpc}",
        f"router.update {vpc}",
        f"router.load {vpc}",
        f"names.apply {vpc}",
        "balancers.apply x-api",
    ]
    assert done[5:7] == ["balancers.remove stray", "names.remove vpc-stray"]
    assert machine.alive == {"i-bastion", "i-master", "i-worker"}


def test_a_host_is_started_as_its_instance_says(machine: Machine, done: list[str]) -> None:
    settle(Controller(lambda: WORLD, machine, IMAGE), WORLD)
    master = next(spec for spec in machine.specs if spec.instance_id == "i-master")
    assert master == HostSpec(
        instance_id="i-master",
        hostname="ip-10-0-16-16",
        private_address="10.0.16.16",
        prefix_length=20,
        gateway="10.0.16.1",
        resolver="10.0.0.2",
        router_namespace=f"ka-{VPC.vpc_id}",
        memory_bytes=4 << 30,
        cpus=2,
        user_data="",
    )


def test_what_runs_is_adopted_and_rules_are_loaded_once(machine: Machine, done: list[str]) -> None:
    machine.alive = machine.disks = {"i-bastion", "i-master", "i-worker"}
    subject = Controller(lambda: WORLD, machine, IMAGE)
    settle(subject, WORLD)
    settle(subject, WORLD)
    assert machine.specs == []
    assert done.count(f"router.load {VPC.vpc_id}") == 1


def test_terminated_goes_and_stopped_keeps_its_disk(machine: Machine, done: list[str]) -> None:
    machine.alive, machine.disks = {"i-bastion", "i-master", "i-gone"}, {"i-bastion", "i-master", "i-gone"}
    hosts = tuple(host for host in VPC.hosts if host.instance_id == "i-master")
    world = World(vpcs=(dataclasses.replace(VPC, hosts=hosts),), stopped=frozenset({"i-bastion"}))
    settle(Controller(lambda: world, machine, IMAGE), world)
    assert machine.alive == {"i-master"}
    assert machine.disks == {"i-master", "i-bastion"}


def test_a_vpcs_router_stays_while_hosts_are_left(machine: Machine, done: list[str]) -> None:
    machine.alive = machine.disks = {"i-gone"}
    subject = Controller(lambda: World(vpcs=()), machine, IMAGE)
    subject.reconcile(World(vpcs=()))
    settle(subject, World(vpcs=()))
    settle(subject, World(vpcs=()))
    assert done.count("router.delete vpc-stray") >= 1
    assert machine.disks == set()


def test_one_broken_host_hinders_nobody_and_is_not_tried_in_a_loop(
    machine: Machine, done: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    broken = dataclasses.replace(VPC.hosts[0], instance_id="i-broken")
    world = World(vpcs=(dataclasses.replace(VPC, hosts=(broken, *VPC.hosts)),))
    subject = Controller(lambda: world, machine, IMAGE)
    settle(subject, world)
    settle(subject, world)
    assert machine.alive == {"i-bastion", "i-master", "i-worker"}
    assert caplog.text.count("start of host i-broken failed") == 1


def test_a_slow_start_delays_nothing_else(machine: Machine, done: list[str]) -> None:
    machine.slow.clear()
    subject = Controller(lambda: WORLD, machine, IMAGE)
    subject.reconcile(WORLD)
    assert "balancers.apply x-api" in done
    assert machine.alive == set()
    machine.slow.set()


def test_a_failing_part_is_said_and_the_rest_goes_on(
    machine: Machine, done: list[str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise OSError("no dnsmasq")

    monkeypatch.setattr(names, "apply", fail)
    settle(Controller(lambda: WORLD, machine, IMAGE), WORLD)
    assert "no dnsmasq" in caplog.text
    assert "balancers.apply x-api" in done


def test_pauses_grow_and_start_over(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(controller.time, "monotonic", lambda: now[0])
    pause, attempts = Pause(), []
    for second in range(200):
        now[0] = float(second)
        if pause.over():
            attempts.append(second)
    assert attempts == [0, 5, 15, 35, 75, 135, 195]
    now[0] = 1000
    assert pause.over()
    now[0] = 1005
    assert pause.over()
