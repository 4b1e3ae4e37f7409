"""One life of the default cluster, in order: interrupted, killed, refused, up, unchanged, judged, faulted, gone."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from components.host.script import render
from region import lifecycle
from region.fabric import hosts, leftovers
from region.paths import CHECKOUT, RUN, STATE
from tests.e2e.background import background_up, wait_until
from tests.e2e.cluster import Cluster, ready
from tests.e2e.machine import Traces

MASTERS = {"master-0", "master-1", "master-2"}
WORKERS = {"worker-0", "worker-1", "worker-2"}
STACK_FILE = CHECKOUT / "Pulumi.local.yaml"


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


def with_settings(directory: Path, **settings: object) -> Path:
    """The stack's file with other values."""
    stack = yaml.safe_load(STACK_FILE.read_text())
    stack["config"] |= {f"kubeadm-aws:{key}": value for key, value in settings.items()}
    file = directory / "Pulumi.local.yaml"
    file.write_text(yaml.safe_dump(stack))
    return file


def test_an_up_may_be_killed_while_machines_are_made(cluster: Cluster, before: Traces, tmp_path: Path) -> None:
    with background_up(tmp_path / "log") as up:
        wait_until(lambda: len(hosts.running()) >= 4, up, tmp_path / "log")


def test_ctrl_c_ends_the_next_in_good_order(cluster: Cluster, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with background_up(log) as up:
        wait_until(lambda: "created (" in log.read_text(), up, log)
        os.killpg(up.pid, signal.SIGINT)
        assert up.wait(timeout=120) != 0
    assert "was killed: sweeping up" in log.read_text()
    assert "cancel" in log.read_text().lower()


def test_a_package_that_cannot_be_had_is_named_with_its_source(cluster: Cluster, tmp_path: Path) -> None:
    file = with_settings(tmp_path, kubernetesVersion="1.37.9")
    failed = cluster.try_pulumi("up", "--yes", "--skip-preview", "--config-file", str(file))
    assert failed.returncode != 0
    assert re.search(r"package kube\w+=1\.37\.9\S* cannot be had from http://198\.51\.100\.20", failed.stdout)


def test_wrong_settings_are_all_refused_at_once(cluster: Cluster, tmp_path: Path) -> None:
    file = with_settings(tmp_path, masterCount="2", adminCidrs=["0.0.0.0/0"], workerCuont="4")
    failed = cluster.try_pulumi("preview", "--config-file", str(file))
    assert failed.returncode != 0
    for said in ("masterCount", "adminCidrs", "did you mean workerCount?"):
        assert said in failed.stdout + failed.stderr


def test_an_up_may_be_killed_while_the_cluster_is_founded(cluster: Cluster, tmp_path: Path) -> None:
    with background_up(tmp_path / "log") as up:
        wait_until(lambda: any(STATE.glob("hosts/*/disk/kubelet/config.yaml")), up, tmp_path / "log")
        time.sleep(5)


def test_the_next_up_finishes_what_all_of_them_left(cluster: Cluster) -> None:
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
    hashes = cluster.member_hashes()
    assert len(hashes) == 3
    assert len(set(hashes)) == 1


def test_cluster_dns_runs_on_two_nodes(cluster: Cluster) -> None:
    pods = cluster.get("pods", "-n", "kube-system", "-l", "k8s-app=kube-dns")
    assert len({pod["spec"]["nodeName"] for pod in pods}) == 2


def test_ssh_reaches_every_node_with_pinned_host_keys(cluster: Cluster) -> None:
    for host in sorted(MASTERS | WORKERS | {"bastion"}):
        assert cluster.ssh(host, "hostname").strip() == host
    assert len(str(cluster.outputs()["sshKnownHosts"]).split("\n")) >= 7, "the bastion and six nodes are known"


def test_ssh_once_there_stays_there(cluster: Cluster) -> None:
    for host in sorted(MASTERS | WORKERS | {"bastion"}):
        ended = cluster.ssh(host, "sudo journalctl --unit ssh --grep 'Received signal 15' --output cat || true")
        assert not ended.strip(), f"{host}: sshd was ended while steps were about to come"


def test_no_host_holds_the_key_of_etcds_authority(cluster: Cluster) -> None:
    for host in sorted(MASTERS | WORKERS):
        found = cluster.ssh(host, "sudo find /etc /var/lib /run -name '*.key' -path '*etcd*' 2>/dev/null || true")
        assert not [path for path in found.split() if path.endswith("ca.key")], host


def test_a_host_does_not_get_past_a_security_group(cluster: Cluster) -> None:
    address = next(node["address"] for node in cluster.outputs()["nodes"] if node["name"] == "master-0")
    attempt = f"timeout 3 bash -c '</dev/tcp/{address}/2379' 2>/dev/null && echo open || echo closed"
    assert cluster.ssh("worker-0", attempt).strip() == "closed"
    assert cluster.ssh("master-1", attempt).strip() == "open"


def test_a_host_has_no_way_to_the_real_network(cluster: Cluster) -> None:
    attempt = "timeout 3 bash -c '</dev/tcp/192.0.2.1/53' 2>/dev/null && echo open || echo closed"
    assert cluster.ssh("worker-0", attempt).strip() == "closed"


def test_hosts_are_bounded_as_their_instance_types_say(cluster: Cluster) -> None:
    bounds = {node["name"]: hosts.cgroup(node["machine"]).memory_limit() for node in cluster.outputs()["nodes"]}
    assert {bounds[name] for name in MASTERS} == {4 << 30}, "t2.medium"
    assert {bounds[name] for name in WORKERS} == {2 << 30}, "t2.small"


def test_status_and_logs_tell_about_every_host(cluster: Cluster) -> None:
    shown = cluster.make("status").stdout
    for name in MASTERS | WORKERS | {"bastion"}:
        assert name in shown
    assert "unhealthy" not in shown
    journal = subprocess.run(
        [sys.executable, "-m", "region", "logs", "master-0"], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )
    assert "kubelet" in journal.stdout


def test_a_killed_daemon_comes_back_with_the_same_cluster(cluster: Cluster) -> None:
    running = hosts.running()
    lifecycle.daemon().stop(timeout=0)
    assert hosts.running() == running, "hosts outlive the daemon"
    assert ready_within(cluster) == MASTERS | WORKERS
    assert hosts.running() == running
    assert set(cluster.last_changes()) == {"same"}


def ready_within(cluster: Cluster) -> set[str]:
    """The nodes that are Ready after another `make up`."""
    assert cluster.make("up").returncode == 0
    return ready(cluster.get("nodes"))


def test_a_host_that_does_not_boot_is_named_with_what_to_do(cluster: Cluster) -> None:
    settings = {
        "NODE_NAME": "worker-9",
        "NODE_ADDRESS": "10.0.16.99",
        "HOST_KEY": "ssh-ed25519 AAAA",
        "MACHINE": "i-0123456789",
        "LIMIT_SECONDS": "5",
    }
    script = render("reach-node on bastion", "host/reach-node.sh", settings=settings)
    failed = cluster.ssh_script("bastion", script)
    assert failed.returncode == 1
    for said in ("waited 5 s in vain for worker-9 (i-0123456789, 10.0.16.99)", "timed out", "get-console-output"):
        assert said in failed.stdout + failed.stderr


def test_a_failed_step_names_its_host_and_harms_nothing(cluster: Cluster, tmp_path: Path) -> None:
    file = with_settings(tmp_path, etcdVersion="3.7.9")
    failed = cluster.try_pulumi("up", "--yes", "--skip-preview", "--config-file", str(file))
    assert failed.returncode != 0
    assert "3.7.9" in failed.stdout
    assert "on master-" in failed.stdout
    assert [member["health"] for member in cluster.etcdctl("endpoint health --cluster")] == [True, True, True]
    assert ready_within(cluster) == MASTERS | WORKERS


def test_a_worker_is_taken_out_of_service_and_put_back(cluster: Cluster) -> None:
    assert cluster.make("drain", NAME="worker-0").returncode == 0
    pods = cluster.get("pods", "-A", "--field-selector", "spec.nodeName=worker-0")
    assert {pod["metadata"]["ownerReferences"][0]["kind"] for pod in pods} == {"DaemonSet"}
    assert is_leaving(cluster, "worker-0") == (True, True)
    assert cluster.make("drain", NAME="worker-0", ARGS="--undo").returncode == 0
    assert is_leaving(cluster, "worker-0") == (False, False)


def is_leaving(cluster: Cluster, name: str) -> tuple[bool, bool]:
    """Whether it takes no pods, and whether it says no to the balancer."""
    spec = next(one for one in cluster.get("nodes") if one["metadata"]["name"] == name)["spec"]
    taints = {taint["key"] for taint in spec.get("taints", [])}
    return bool(spec.get("unschedulable")), "ToBeDeletedByClusterAutoscaler" in taints


def test_in_one_up_masters_change_their_type_and_a_worker_comes(cluster: Cluster, tmp_path: Path) -> None:
    before, written = identities(cluster), "before-another-type"
    cluster.write(written)
    file = with_settings(tmp_path, masterInstanceType="t3.medium", workerCount="4")
    done = cluster.try_pulumi("up", "--yes", "--skip-preview", "--config-file", str(file))
    assert done.returncode == 0, done.stdout[-5000:]
    after = identities(cluster)
    assert {name: after[name] for name in before} == before, "nobody was replaced"
    assert ready(cluster.get("nodes")) == MASTERS | WORKERS | {"worker-3"}
    assert whole(cluster, written)


def test_in_one_up_a_master_and_a_worker_are_replaced_a_stopped_one_is_started_and_one_goes(cluster: Cluster) -> None:
    before, written = identities(cluster), "before-the-first-masters-end"
    cluster.write(written)
    cluster.change_instances("terminate", before["worker-2"])
    cluster.change_instances("stop", before["worker-1"])
    done = cluster.make("replace", NAME="master-0")
    assert done.returncode == 0
    after = identities(cluster)
    assert {name for name in after if before[name] != after[name]} == {"master-0", "worker-2"}
    assert set(after) == MASTERS | WORKERS
    assert ready(cluster.get("nodes")) == MASTERS | WORKERS
    assert whole(cluster, written)
    assert cluster.make("up").returncode == 0
    assert set(cluster.last_changes()) == {"same"}


def identities(cluster: Cluster) -> dict[str, str]:
    return {node["name"]: node["machine"] for node in cluster.outputs()["nodes"]}


def whole(cluster: Cluster, written: str) -> bool:
    """Is etcd healthy, do its members agree, and is what was acknowledged there?"""
    assert "etcd is healthy: 3 of 3 members" in cluster.make("etcd-health").stdout
    assert len(set(cluster.member_hashes())) == 1
    return written in {one["metadata"]["name"] for one in cluster.get("configmaps", "-n", "default")}


def test_down_leaves_nothing(cluster: Cluster, before: Traces) -> None:
    assert cluster.make("down").returncode == 0
    assert leftovers.found() == []
    assert Traces.now() == before
    assert not STATE.exists()
    assert not RUN.exists()


def test_a_region_that_was_killed_whole_is_cleaned_by_down(cluster: Cluster, before: Traces, tmp_path: Path) -> None:
    with background_up(tmp_path / "log") as up:
        wait_until(lambda: len(hosts.running()) >= 2, up, tmp_path / "log")
    lifecycle.daemon().stop(timeout=0)
    assert cluster.make("down").returncode == 0
    assert leftovers.found() == []
    assert Traces.now() == before
