"""What etcd must be after whatever happened to it."""

from tests.e2e.cluster import Cluster


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
