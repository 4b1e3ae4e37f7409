"""What verification does with a node that is not Ready: its real step on the real first master, beside real trouble."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.e2e.cluster import Cluster, ready
from tests.full.layout import MASTERS, WORKER

SECONDS_UNTIL_NOTICED = 120
SECONDS_UNTIL_NAMED = 70
"""The node's patience of 50 s, and asking who is not Ready and why."""

CONFIGURATION = "/etc/cni/net.d/10-flannel.conflist"
# The container that keeps the configuration hangs, and the configuration is gone.
LOSE_NETWORK = f"pkill -STOP --full 'while \\[ -e {CONFIGURATION}'; rm -f {CONFIGURATION}"
# Nor could another container write one.
BAR_NETWORK = f"""
pkill -STOP --full 'while \\[ -e {CONFIGURATION}'
mkdir -p /run/nothing && mount --bind /run/nothing /etc/cni/net.d && mount -o remount,bind,ro /etc/cni/net.d
systemctl restart containerd
"""
LET_NETWORK = f"""
umount /etc/cni/net.d
pkill -CONT --full 'while \\[ -e {CONFIGURATION}'
systemctl restart containerd
"""

pytestmark = pytest.mark.parametrize("cluster", ["local"], indirect=True)


def test_a_node_that_lost_its_network_gets_it_back(cluster: Cluster) -> None:
    with trouble(cluster, LOSE_NETWORK):
        done = cluster.ssh_script("master-0", verification(cluster))
        assert done.returncode == 0, done.stdout + done.stderr
    assert f"{WORKER} is not Ready (" in done.stdout
    assert "it gets its network's pod anew" in done.stdout
    assert ready(cluster.get("nodes")) == {*MASTERS, WORKER}


def test_a_node_that_is_silent_is_named_soon_and_alone(cluster: Cluster) -> None:
    with trouble(cluster, "systemctl stop kubelet", "systemctl start kubelet"):
        begin = time.monotonic()
        done = cluster.ssh_script("master-0", verification(cluster))
        assert time.monotonic() - begin < SECONDS_UNTIL_NAMED
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert f"{WORKER}: Kubelet stopped posting node status." in last
    assert "journalctl --unit kubelet" in last
    assert "master" not in last.partition("getting no further")[2]


def test_a_network_that_cannot_be_had_is_named_with_its_own_words(cluster: Cluster) -> None:
    with trouble(cluster, BAR_NETWORK, LET_NETWORK):
        done = cluster.ssh_script("master-0", verification(cluster))
    assert done.returncode == 1
    assert "it gets its network's pod anew" in done.stdout
    assert "container install-cni: " in done.stderr
    assert "Read-only file system" in done.stderr or "read-only file system" in done.stderr
    assert f"{WORKER}: " in done.stderr.strip().splitlines()[-1]


def verification(cluster: Cluster) -> str:
    return cluster.step_text(f"{cluster.name}-verification-master-0")


@contextmanager
def trouble(cluster: Cluster, provoke: str, undo: str = "true") -> Iterator[None]:
    """The worker after the script `provoke`, as soon as its Node says so, until the script `undo`; then it is Ready."""
    try:
        cluster.ssh_script(WORKER, provoke)
        wait_until_ready(cluster, wanted=False)
        yield
    finally:
        cluster.ssh_script(WORKER, undo)
        wait_until_ready(cluster, wanted=True)


def wait_until_ready(cluster: Cluster, *, wanted: bool) -> None:
    deadline = time.monotonic() + SECONDS_UNTIL_NOTICED
    while (WORKER in ready(cluster.get("nodes"))) != wanted:
        assert time.monotonic() < deadline, f"{WORKER} is {'not ' if wanted else ''}Ready after all that time"
        time.sleep(1)
