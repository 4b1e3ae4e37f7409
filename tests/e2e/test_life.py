"""One life of the default cluster, in order: killed half-way, up, unchanged, judged, faulted, gone."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from region import hosts
from region.paths import CHECKOUT, RUN, STATE
from tests.e2e.cluster import Cluster, ready
from tests.e2e.machine import Traces, region_processes

MASTERS = {"master-0", "master-1", "master-2"}
WORKERS = {"worker-0", "worker-1", "worker-2"}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """The local stack; whatever happens, nothing of it is left afterwards."""
    one = Cluster()
    one.make("down")
    yield one
    one.make("down")


@pytest.fixture(scope="module")
def before(cluster: Cluster) -> Traces:
    """The machine as it was before the cluster."""
    return Traces.now()


def test_an_up_that_is_killed_half_way_is_finished_by_the_next(cluster: Cluster, before: Traces) -> None:
    with (STATE.parent / "kubeadm-aws-killed.log").open("wb") as log:
        killed = subprocess.Popen(
            [sys.executable, "-m", "region", "up"],
            cwd=CHECKOUT,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    deadline = time.monotonic() + 300
    while len(hosts.running()) < 4:
        assert killed.poll() is None, "up ended before it could be killed"
        assert time.monotonic() < deadline, "no hosts were started"
        time.sleep(0.2)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    done = cluster.make("up")
    assert done.returncode == 0
    assert 'make kubectl ARGS="get nodes -o wide"' in done.stdout


def test_six_nodes_are_ready_and_masters_are_tainted(cluster: Cluster) -> None:
    nodes = cluster.get("nodes")
    assert ready(nodes) == MASTERS | WORKERS
    tainted = {n["metadata"]["name"] for n in nodes for t in n["spec"].get("taints", []) if t["effect"] == "NoSchedule"}
    assert tainted == MASTERS


def test_another_up_changes_nothing_and_says_so(cluster: Cluster) -> None:
    done = cluster.make("up")
    assert done.returncode == 0
    assert "Nothing changed" in done.stdout
    assert set(cluster.last_changes()) == {"same"}


def test_etcd_has_three_healthy_members_that_agree(cluster: Cluster) -> None:
    health = cluster.etcdctl("endpoint health --cluster")
    assert [member["health"] for member in health] == [True, True, True]
    members = cluster.etcdctl("member list")["members"]
    assert {member["name"] for member in members} == MASTERS
    assert not any(member.get("isLearner") for member in members)
    assert len({one["HashKV"]["hash"] for one in cluster.etcdctl("endpoint hashkv --cluster")}) == 1


def test_cluster_dns_runs_on_two_nodes(cluster: Cluster) -> None:
    pods = cluster.get("pods", "-n", "kube-system", "-l", "k8s-app=kube-dns")
    assert len({pod["spec"]["nodeName"] for pod in pods}) == 2


def test_ssh_reaches_every_node_with_pinned_host_keys(cluster: Cluster) -> None:
    for host in sorted(MASTERS | WORKERS):
        assert cluster.ssh(host, "hostname").strip() == host
    strange = cluster.place("sh", "-c", "pulumi stack output sshKnownHosts --stack local").splitlines()
    assert len(strange) == 7, "the bastion and six nodes are known"


def test_no_certificate_authority_key_of_etcd_is_on_a_host(cluster: Cluster) -> None:
    for host in sorted(MASTERS):
        found = cluster.ssh(host, "sudo find /etc -name 'ca.key' -path '*etcd*'")
        assert found.strip() == ""


def test_a_host_has_no_way_past_its_security_group(cluster: Cluster) -> None:
    worker_to_etcd = "timeout 3 bash -c '</dev/tcp/{}/2379' 2>/dev/null && echo open || echo closed"
    address = next(n["address"] for n in cluster.outputs()["nodes"] if n["name"] == "master-0")
    assert cluster.ssh("worker-0", worker_to_etcd.format(address)).strip() == "closed"
    assert cluster.ssh("master-1", worker_to_etcd.format(address)).strip() == "open"


def test_a_killed_daemon_comes_back_with_the_same_cluster(cluster: Cluster) -> None:
    from region import lifecycle

    before = hosts.running()
    lifecycle.daemon().stop(timeout=0)
    assert hosts.running() == before, "hosts outlive the daemon"
    done = cluster.make("up")
    assert done.returncode == 0
    assert "Nothing changed" in done.stdout
    assert hosts.running() == before


def test_status_and_logs_tell_about_every_host(cluster: Cluster) -> None:
    shown = cluster.make("status").stdout
    for name in MASTERS | WORKERS | {"bastion"}:
        assert name in shown
    journal = subprocess.run(
        [sys.executable, "-m", "region", "logs", "master-0"], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )
    assert "kubelet" in journal.stdout


def test_a_failed_step_names_its_host_and_shows_its_last_lines(cluster: Cluster) -> None:
    # A kubelet that is not there makes verification fail: it is the step that looks at every node.
    cluster.ssh("worker-2", "sudo systemctl stop kubelet")
    try:
        cluster.kubectl("wait", "--for=condition=Ready=Unknown", "node/worker-2", "--timeout=120s")
        broken = cluster.place(
            "sh", "-c", "pulumi up --yes --skip-preview --stack local --target-replace '**-verification**' 2>&1 || true"
        )
        assert "worker-2" in broken
    finally:
        cluster.ssh("worker-2", "sudo systemctl start kubelet")
    assert cluster.make("up").returncode == 0


def test_down_leaves_nothing(cluster: Cluster, before: Traces) -> None:
    assert cluster.make("down").returncode == 0
    assert Traces.now() == before
    assert region_processes() == set()
    assert not STATE.exists()
    assert not RUN.exists()


def test_a_region_killed_whole_is_cleaned_by_down(cluster: Cluster, before: Traces) -> None:
    with contextlib.suppress(subprocess.TimeoutExpired):
        subprocess.run([sys.executable, "-m", "region", "up"], cwd=CHECKOUT, timeout=25, capture_output=True)
    for pid in region_processes():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    assert cluster.make("down").returncode == 0
    assert Traces.now() == before
