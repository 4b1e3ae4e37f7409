"""A cluster that changes while it works: of another type, with more and fewer workers, stopped and started."""

import signal
import time
import uuid
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from region.build.toolchain import Toolchain
from region.cloud.moto_patches import IMAGE_ID
from region.fabric import hosts
from tests.e2e.cluster import Cluster, ready
from tests.full import web
from tests.full.api_servers import ApiServers
from tests.full.conftest import Region
from tests.full.health import assert_whole
from tests.full.layout import DEDICATED, MASTERS, change_instances, end_bastion, instances, members

WORKERS = ("worker-0", "worker-1", "worker-2")
COPY_IMAGE = f"""
import boto3
copied = boto3.client("ec2").copy_image(Name="newer", SourceImageId="{IMAGE_ID}", SourceRegion="us-east-1")
print(copied["ImageId"])
"""
DEFAULT = pytest.mark.parametrize("cluster", ["local"], indirect=True)


def assert_changed(cluster: Cluster, region: Region, **settings: object) -> None:
    """Set these, and have one `up` make it so, and the next nothing; nothing that was written is lost."""
    written = f"before-{uuid.uuid4().hex[:8]}"
    cluster.write(written)
    region.checkout.set(cluster.stack, **settings)
    assert cluster.make("up").returncode == 0
    assert_whole(cluster, written)
    assert cluster.make("up").returncode == 0
    assert set(cluster.last_changes()) == {"same"}


def changed_in_place(cluster: Cluster, region: Region, **settings: object) -> ApiServers:
    """As above, and no machine is another afterwards; gives what was seen of the API servers meanwhile."""
    before = instances(cluster)
    with ApiServers(cluster) as watched:
        assert_changed(cluster, region, **settings)
    assert instances(cluster) == before, "nobody was replaced"
    return watched


@pytest.mark.parametrize("kind", ["t3.medium", "t2.medium"])
def test_masters_of_another_type_are_stopped_one_at_a_time(cluster: Cluster, region: Region, kind: str) -> None:
    watched = changed_in_place(cluster, region, masterInstanceType=kind)
    assert watched.fewest() >= 2, watched.account()
    assert watched.were_away() == {*MASTERS}, "all were stopped once"


@pytest.mark.parametrize("cluster", DEDICATED, indirect=True)
@pytest.mark.parametrize("kind", ["t3.medium", "t3.small"])
def test_etcds_machines_of_another_type_are_stopped_one_at_a_time(cluster: Cluster, region: Region, kind: str) -> None:
    watched = changed_in_place(cluster, region, etcdInstanceType=kind)
    assert watched.fewest() == len(MASTERS), watched.account()


@DEFAULT
def test_more_workers_touch_nothing_else(cluster: Cluster, region: Region) -> None:
    before = instances(cluster)
    assert_changed(cluster, region, workerCount=3)
    after = instances(cluster)
    assert {name: after[name] for name in before} == before
    assert ready(cluster.get("nodes")) == {*MASTERS, *WORKERS}
    web.deploy(cluster)


@DEFAULT
def test_workers_of_another_type_are_replaced_while_clients_are_served(cluster: Cluster, region: Region) -> None:
    before = instances(cluster)
    with web.client(cluster, "master-1"):
        assert_changed(cluster, region, workerInstanceType="t3.small")
    after = instances(cluster)
    assert {name for name in before if before[name] != after[name]} == set(WORKERS)
    assert ready(cluster.get("nodes")) == {*MASTERS, *WORKERS}


@DEFAULT
def test_a_budget_that_forbids_a_workers_end_is_told_and_nothing_else_is_touched(
    cluster: Cluster, region: Region
) -> None:
    cluster.kubectl("patch", "pdb", "web", "--type=merge", "--patch", '{"spec": {"minAvailable": 2}}')
    cluster.kubectl("cordon", WORKERS[0])
    cluster.kubectl("delete", "pod", "-l", "app=web", "--wait=true")
    cluster.kubectl("rollout", "status", "deployment/web", "--timeout=120s")
    cluster.kubectl("uncordon", WORKERS[0])
    pod = web.pods(cluster)[WORKERS[2]]
    region.checkout.set(cluster.stack, workerCount=2, drainTimeoutSeconds=10)
    with web.client(cluster, "master-1"):
        failed = cluster.make("up")
        assert failed.returncode != 0
        assert f"worker-2 keeps its pods default/{pod} after 10 s (drainTimeoutSeconds)" in failed.stdout
        node = next(one for one in cluster.get("nodes") if one["metadata"]["name"] == WORKERS[2])
        assert not node["spec"].get("taints")
        assert not node["spec"].get("unschedulable")
        assert ready(cluster.get("nodes")) == {*MASTERS, *WORKERS}
        cluster.kubectl("patch", "pdb", "web", "--type=merge", "--patch", '{"spec": {"minAvailable": 1}}')
        assert_changed(cluster, region, drainTimeoutSeconds=120)
    assert ready(cluster.get("nodes")) == {*MASTERS, *WORKERS[:2]}
    assert set(instances(cluster)) == {*MASTERS, *WORKERS[:2]}


@DEFAULT
def test_a_change_that_a_budget_forbade_can_be_taken_back(cluster: Cluster, region: Region) -> None:
    cluster.kubectl("patch", "pdb", "web", "--type=merge", "--patch", '{"spec": {"minAvailable": 2}}')
    before = instances(cluster)
    region.checkout.set(cluster.stack, workerCount=1, drainTimeoutSeconds=5)
    assert cluster.make("up").returncode != 0
    assert_changed(cluster, region, workerCount=2, drainTimeoutSeconds=300)
    assert instances(cluster) == before
    assert ready(cluster.get("nodes")) == {*MASTERS, *WORKERS[:2]}
    for kind in ("deployment", "pdb", "service"):
        cluster.kubectl("delete", kind, "web")


@DEFAULT
def test_a_pool_comes_with_labels_and_taints_that_are_kept_and_goes_again(cluster: Cluster, region: Region) -> None:
    before = instances(cluster)
    pool = {
        "count": 2,
        "instanceType": "t2.small",
        "labels": {"of": "us"},
        "taints": ["only=us:NoSchedule"],
        "spot": True,
    }
    assert_changed(cluster, region, workerPools={"ours": pool})
    assert set(instances(cluster)) == {*before, "ours-0", "ours-1"}
    for node in _pool_nodes(cluster):
        assert node["metadata"]["labels"]["of"] == "us"
        assert {"key": "only", "value": "us", "effect": "NoSchedule"} in node["spec"]["taints"]
    made = instances(cluster)["ours-0"]
    change_instances(cluster, "terminate", "ours-0")
    assert_changed(cluster, region)
    assert instances(cluster)["ours-0"] != made, "a spot machine that AWS has ended is made anew"
    cluster.kubectl("label", "node", "ours-0", "of=others", "theirs=yes", "--overwrite")
    assert_changed(cluster, region, workerPools={"ours": {**pool, "labels": {"at": "home"}, "taints": []}})
    for node in _pool_nodes(cluster):
        assert node["metadata"]["labels"]["at"] == "home"
        assert "of" not in node["metadata"]["labels"]
        assert not node["spec"].get("taints")
    assert _pool_nodes(cluster)[0]["metadata"]["labels"]["theirs"] == "yes"
    assert_changed(cluster, region, workerPools={"ours": {**pool, "count": 0}})
    assert instances(cluster) == before
    assert not _pool_nodes(cluster)
    assert_changed(cluster, region, workerPools={})


def _pool_nodes(cluster: Cluster) -> list[dict[str, Any]]:
    return [node for node in cluster.get("nodes") if node["metadata"]["name"].startswith("ours-")]


@DEFAULT
def test_a_host_that_freezes_in_the_middle_of_a_step_fails_it_within_minutes(cluster: Cluster, region: Region) -> None:
    before = hosts.running()
    count, began = len([name for name in instances(cluster) if name.startswith("worker-")]), time.monotonic()
    region.checkout.set(cluster.stack, workerCount=count + 1)
    with ThreadPoolExecutor(1) as pool:
        up = pool.submit(cluster.make, "up")
        frozen = _freeze_in_a_step(before, up)
        assert up.result().returncode != 0
    assert f"local-prepare-worker-{count} **creating failed**" in up.result().stdout
    assert time.monotonic() - began < 10 * 60, "somebody waits for an answer, and not for an hour"
    cluster.change_instances("terminate", frozen)
    assert_changed(cluster, region)
    assert ready(cluster.get("nodes")) == {*MASTERS, *(f"worker-{number}" for number in range(count + 1))}


def _freeze_in_a_step(before: set[str], up: Future[CompletedProcess[str]]) -> str:
    """Stop every process of the first new host on which a step has begun; gives the machine's id."""
    while not up.done():
        for machine in hosts.running() - before:
            if any(b"kill-after" in _command_line(pid) for pid in hosts.cgroup(machine).pids()):
                hosts.cgroup(machine).signal(signal.SIGSTOP)
                return machine
        time.sleep(0.2)
    raise AssertionError("no step began on a new host")


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


@DEFAULT
@pytest.mark.parametrize(("parallel", "master"), [("64", 0), ("1", 1), ("10", 2)])
def test_two_workers_and_a_master_that_are_gone_are_replaced_together(
    cluster: Cluster, region: Region, parallel: str, master: int
) -> None:
    region.checkout.set(cluster.stack, workerCount=3)
    assert cluster.make("up").returncode == 0
    before, written = instances(cluster), f"before-three-{parallel}"
    cluster.write(written)
    gone = (MASTERS[master], *WORKERS[:2])
    change_instances(cluster, "terminate", *gone)
    done = cluster.try_pulumi("up", "--yes", "--skip-preview", "--parallel", parallel)
    assert done.returncode == 0, done.stdout[-5000:]
    after = instances(cluster)
    assert {name for name in before if before[name] != after[name]} == set(gone)
    assert ready(cluster.get("nodes")) == {*MASTERS, *WORKERS}
    if MASTERS[0] in gone:
        cluster.install_program(MASTERS[0], Toolchain().path("etcdctl"), cluster.etcdctl_program)
    assert_whole(cluster, written)
    assert cluster.make("up").returncode == 0
    assert set(cluster.last_changes()) == {"same"}


@DEFAULT
@pytest.mark.parametrize("round", range(3))
def test_another_bastion_runs_no_nodes_step_again(cluster: Cluster, round: int) -> None:
    before = cluster.steps()
    end_bastion(cluster)
    assert cluster.make("up").returncode == 0
    after = cluster.steps()
    assert {step for step in after if after[step] != before[step]} == {"local-bastion-prepare"}
    assert ready(cluster.get("nodes")) == set(instances(cluster))
    assert cluster.make("up").returncode == 0
    assert set(cluster.last_changes()) == {"same"}


@DEFAULT
def test_who_does_not_come_from_where_administrators_do_is_told_so(cluster: Cluster, region: Region) -> None:
    """Who was let in before is let in until the end of the update that takes the rule away."""
    admin_cidrs = region.checkout.get(cluster.stack, "adminCidrs")
    region.checkout.set(cluster.stack, adminCidrs=["192.0.2.0/24"])
    assert cluster.make("up").returncode == 0
    end_bastion(cluster)
    failed = cluster.make("up")
    assert failed.returncode != 0
    assert "does not come from kubeadm-aws:adminCidrs" in failed.stdout
    region.checkout.set(cluster.stack, adminCidrs=admin_cidrs)
    assert cluster.make("up").returncode == 0
    assert_changed(cluster, region)


@DEFAULT
def test_a_rollout_replaces_every_machine_and_loses_nothing(cluster: Cluster, region: Region) -> None:
    before = instances(cluster)
    newer = cluster.place("python", "-c", COPY_IMAGE).strip()
    assert_changed(cluster, region, machineImage=newer)
    assert instances(cluster) == before, "a newer image moves nobody by itself"
    region.checkout.set(cluster.stack, imageRollout=True)
    assert cluster.make("up").returncode == 0
    cluster.install_program(MASTERS[0], Toolchain().path("etcdctl"), cluster.etcdctl_program)
    assert_changed(cluster, region, imageRollout=False)
    after = instances(cluster)
    assert not {name for name in before if before[name] == after[name]}
    assert ready(cluster.get("nodes")) == set(before)


@pytest.mark.parametrize("round", range(3))
def test_machines_that_were_all_stopped_are_started(cluster: Cluster, region: Region, round: int) -> None:
    before, written = instances(cluster), f"before-stop-{uuid.uuid4().hex[:8]}"
    cluster.write(written)
    change_instances(cluster, "stop", *before)
    assert cluster.make("up").returncode == 0
    assert instances(cluster) == before
    assert ready(cluster.get("nodes")) >= {*MASTERS, WORKERS[0]}
    assert_whole(cluster, written)
    assert cluster.make("up").returncode == 0
    assert set(cluster.last_changes()) == {"same"}


@pytest.mark.parametrize("round", range(3))
def test_a_quorum_that_only_starting_can_give_lets_a_new_master_in(cluster: Cluster, round: int) -> None:
    before, written = instances(cluster), f"before-both-{uuid.uuid4().hex[:8]}"
    gone, stopped, _ = members(cluster)
    cluster.write(written)
    change_instances(cluster, "terminate", gone)
    change_instances(cluster, "stop", stopped)
    assert cluster.make("up").returncode == 0
    after = instances(cluster)
    assert {name for name in before if before[name] != after[name]} == {gone}
    if gone == MASTERS[0]:
        cluster.install_program(gone, Toolchain().path("etcdctl"), cluster.etcdctl_program)
    assert_whole(cluster, written)
