"""What `make up` does for members of a living etcd: other flags one by one, a machine that is gone replaced."""

import time
import uuid

import pytest

from region.build.toolchain import Toolchain
from tests.e2e.cluster import Cluster, ready
from tests.full.conftest import Region
from tests.full.health import assert_whole, ids
from tests.full.layout import DEDICATED, MASTERS, WORKER, change_instances, instances, members

HEARTBEAT = "350"
SECONDS_UNTIL_NOTICED = 120


@pytest.mark.parametrize("cluster", DEDICATED, indirect=True)
def test_another_heartbeat_reaches_every_member(cluster: Cluster, region: Region) -> None:
    cluster.write("before-another-heartbeat")
    region.checkout.set(cluster.stack, heartbeatMilliseconds=HEARTBEAT)
    assert cluster.make("up").returncode == 0
    for member in members(cluster):
        flags = cluster.ssh(member, "sudo sh -c 'cat /proc/$(pgrep -x etcd)/cmdline' | tr '\\0' ' '")
        assert f"--heartbeat-interval={HEARTBEAT} " in flags, member
    assert_whole(cluster, "before-another-heartbeat")


@pytest.mark.parametrize("number", range(3))
def test_a_member_whose_machine_is_gone_is_replaced(cluster: Cluster, number: int) -> None:
    name, members_before = members(cluster)[number], ids(cluster)
    assert_healed_by_one_up(cluster, name)
    members_after = ids(cluster)
    assert {member for member in members_before if members_before[member] != members_after[member]} == {name}


def test_a_member_is_replaced_by_the_operators_command(cluster: Cluster) -> None:
    before, name = instances(cluster), members(cluster)[1]
    cluster.write("before-replace")
    assert cluster.make("replace", NAME=name).returncode == 0
    after = instances(cluster)
    assert {machine for machine in before if before[machine] != after[machine]} == {name}
    assert_whole(cluster, "before-replace")


@pytest.mark.parametrize("cluster", DEDICATED, indirect=True)
def test_the_first_master_beside_etcds_machines_is_replaced(cluster: Cluster) -> None:
    assert_healed_by_one_up(cluster, MASTERS[0])


@pytest.mark.parametrize("round", range(3))
def test_a_worker_that_has_just_died_is_replaced(cluster: Cluster, round: int) -> None:
    assert_healed_by_one_up(cluster, WORKER)


def test_a_worker_that_died_a_while_ago_is_replaced(cluster: Cluster) -> None:
    """Its Node says so by then, and its pods are being evicted."""
    assert_healed_by_one_up(cluster, WORKER, noticed=True)


def test_a_master_and_a_worker_that_are_gone_are_replaced_together(cluster: Cluster) -> None:
    assert_healed_by_one_up(cluster, MASTERS[0], WORKER)


def assert_healed_by_one_up(cluster: Cluster, *names: str, noticed: bool = False) -> None:
    """Terminated from outside, these machines are replaced by one `up`, and only they; what was written is there."""
    before, when = instances(cluster), f"{'-'.join(names)}-{uuid.uuid4().hex[:8]}"
    cluster.write(f"before-{when}")
    change_instances(cluster, "terminate", *names)
    cluster.write(f"after-{when}")
    deadline = time.monotonic() + SECONDS_UNTIL_NOTICED
    while noticed and ready(cluster.get("nodes")) & set(names):
        assert time.monotonic() < deadline
        time.sleep(1)
    assert cluster.make("up").returncode == 0
    if MASTERS[0] in names:
        cluster.install_program(MASTERS[0], Toolchain().path("etcdctl"), cluster.etcdctl_program)
    after = instances(cluster)
    assert {machine for machine in before if before[machine] != after[machine]} == set(names)
    assert ready(cluster.get("nodes")) == {*MASTERS, WORKER}
    assert_whole(cluster, f"before-{when}", f"after-{when}")
    assert cluster.make("up").returncode == 0
    assert set(cluster.last_changes()) == {"same"}
