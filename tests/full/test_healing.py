"""What `make up` does for members of a living etcd: other flags one by one, a machine that is gone replaced."""

import pytest

from tests.e2e.cluster import Cluster
from tests.full.conftest import Region
from tests.full.layout import DEDICATED, instances, members

HEARTBEAT = "350"
TERMINATE = "import boto3, sys; boto3.client('ec2').terminate_instances(InstanceIds=sys.argv[1:])"


@pytest.mark.parametrize("cluster", DEDICATED, indirect=True)
def test_another_heartbeat_reaches_every_member(cluster: Cluster, region: Region) -> None:
    cluster.kubectl("create", "configmap", "before-another-heartbeat")
    region.checkout.set(cluster.stack, heartbeatMilliseconds=HEARTBEAT)
    assert cluster.make("up").returncode == 0
    for member in members(cluster):
        flags = cluster.ssh(member, "sudo sh -c 'cat /proc/$(pgrep -x etcd)/cmdline' | tr '\\0' ' '")
        assert f"--heartbeat-interval={HEARTBEAT} " in flags, member
    assert_whole(cluster, "before-another-heartbeat")


def test_a_machine_that_is_gone_is_replaced(cluster: Cluster) -> None:
    cluster.kubectl("create", "configmap", "before-the-loss")
    name, before = members(cluster)[1], instances(cluster)
    members_before = ids(cluster)
    cluster.place("python", "-c", TERMINATE, before[name])
    cluster.kubectl("create", "configmap", "during-the-loss")
    assert cluster.make("up").returncode == 0
    after = instances(cluster)
    assert {machine for machine in before if before[machine] != after[machine]} == {name}
    members_after = ids(cluster)
    assert {member for member in members_before if members_before[member] != members_after[member]} == {name}
    assert_whole(cluster, "before-the-loss", "during-the-loss")
    assert cluster.make("up").returncode == 0
    assert set(cluster.last_changes()) == {"same"}


def ids(cluster: Cluster) -> dict[str, int]:
    """etcd's ids of its members, by their names."""
    found = cluster.etcdctl("member list")["members"]
    assert not any(one.get("isLearner") for one in found)
    return {one["name"]: one["ID"] for one in found}


def assert_whole(cluster: Cluster, *written: str) -> None:
    """Three healthy members agree, and have everything that was acknowledged."""
    asked = cluster.make("etcd-health")
    assert "etcd is healthy: 3 of 3 members" in asked.stdout
    assert len(set(cluster.member_hashes())) == 1
    assert set(written) <= {one["metadata"]["name"] for one in cluster.get("configmaps", "-n", "default")}
