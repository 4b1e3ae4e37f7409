"""Clusters that end before they were whole, or when little of them is left: nobody is asked, nothing stays."""

import signal
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from region.fabric import hosts
from region.paths import STATE
from tests.e2e.background import background_up, wait_until
from tests.e2e.cluster import Cluster, ready
from tests.full.conftest import Region
from tests.full.inventory import inventory
from tests.full.layout import MASTERS, WORKER, change_instances, end_bastion, instances

pytestmark = pytest.mark.parametrize("cluster", ["local"], indirect=True)

MOMENTS: Mapping[str, Callable[[], bool]] = {
    "the first machines are made": lambda: len(hosts.running()) >= 2,
    "machines are prepared": lambda: any(STATE.glob("hosts/*/disk/kubelet")),
    "the cluster is founded": lambda: any(STATE.glob("hosts/*/disk/kubelet/config.yaml")),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_half_built_cluster_is_destroyed(cluster: Cluster, region: Region, moment: str, tmp_path: Path) -> None:
    if cluster.stack in cluster.stacks():
        cluster.destroy()
    with background_up(tmp_path / "log", cluster.checkout) as up:
        wait_until(MOMENTS[moment], up, tmp_path / "log")
    cluster.place("pulumi", "cancel", "--yes", "--stack", cluster.stack)
    cluster.place("python", "-m", "operate", "sweep", "--yes", "--stack", cluster.stack)
    cluster.destroy()
    assert inventory(cluster) == region.empty


def test_a_lost_quorum_is_told_at_once_and_another_cluster_founded(cluster: Cluster) -> None:
    assert cluster.make("up").returncode == 0
    before = instances(cluster)
    change_instances(cluster, "terminate", *MASTERS[:2])
    refused = cluster.try_pulumi("preview")
    assert refused.returncode != 0
    assert "2 of 3 machines have ended (master-0, master-1) with etcd's data" in refused.stdout
    assert cluster.make("reset", CONFIRM=cluster.name).returncode == 0
    assert cluster.make("up").returncode == 0
    after = instances(cluster)
    assert {name for name in before if before[name] != after[name]} == {*MASTERS[:2]}
    assert ready(cluster.get("nodes")) == {*MASTERS, WORKER}
    assert cluster.make("up").returncode == 0
    assert set(cluster.last_changes()) == {"same"}


def test_a_cluster_of_the_dead_is_destroyed_without_them(cluster: Cluster, region: Region) -> None:
    """No quorum, one master stopped, a worker that answers nothing, and no bastion to reach anybody by."""
    change_instances(cluster, "terminate", *MASTERS[:2])
    change_instances(cluster, "stop", MASTERS[2])
    hosts.cgroup(instances(cluster)[WORKER]).signal(signal.SIGSTOP)
    end_bastion(cluster)
    cluster.destroy()
    assert inventory(cluster) == region.empty
