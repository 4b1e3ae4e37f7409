"""A cluster wiped and founded anew on the same machines has nothing of the old one."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import pytest
import yaml

from region.fabric.disks import HOSTS
from tests.e2e.cluster import PKI, Cluster, ready
from tests.full.conftest import Region
from tests.full.layout import MASTERS, STACKED, UPLOADED, WORKER, addresses, instances
from tests.step_text import files

SHARED = ("ca.crt", "ca.key", "front-proxy-ca.crt", "front-proxy-ca.key", "sa.pub", "sa.key")

TRY_KUBECONFIG = """
umask 077
trap 'rm -f /run/old.conf' EXIT
cat >/run/old.conf <<'END'
{kubeconfig}
END
kubectl --kubeconfig /run/old.conf get nodes
"""


@dataclass(frozen=True, kw_only=True)
class Former:
    """What there was before the reset, and what of it was left on the machines between the reset and the next `up`."""

    cluster_id: int
    kubeconfig: str
    instances: Mapping[str, str]
    left: list[str]


@pytest.fixture(scope="module")
def former(cluster: Cluster, region: Region) -> Former:
    """The cluster of the first life; meanwhile the second one has begun."""
    cluster.kubectl("create", "configmap", "old")
    cluster_id, known = cluster_id_of(cluster), instances(cluster)
    kubeconfig = cluster.place("pulumi", "stack", "output", "kubeconfig", "--show-secrets", "--stack", cluster.stack)
    assert cluster.make("reset", CONFIRM=cluster.name).returncode == 0
    left = left_on_machines(known)
    if cluster.stack in UPLOADED:
        region.checkout.set(cluster.stack, certificateDistribution="uploaded")
    assert cluster.make("up").returncode == 0
    return Former(cluster_id=cluster_id, kubeconfig=kubeconfig, instances=known, left=left)


def test_the_reset_leaves_nothing_on_the_machines(former: Former) -> None:
    assert former.left == []


def test_another_cluster_lives_on_the_same_machines(cluster: Cluster, former: Former) -> None:
    assert instances(cluster) == former.instances
    assert ready(cluster.get("nodes")) == {*MASTERS, WORKER}
    assert [one["health"] for one in cluster.etcdctl("endpoint health --cluster")] == [True, True, True]
    assert len(set(cluster.member_hashes())) == 1
    assert cluster_id_of(cluster) != former.cluster_id


def test_what_was_in_the_old_cluster_is_gone(cluster: Cluster, former: Former) -> None:
    assert "old" not in {one["metadata"]["name"] for one in cluster.get("configmaps", "-n", "default")}


def test_the_old_administrator_is_nobody(cluster: Cluster, former: Former) -> None:
    tried = try_kubeconfig(cluster, former.kubeconfig)
    assert "certificate signed by unknown authority" in tried, "the old authority vouches for no server"
    credulous = yaml.safe_load(former.kubeconfig)
    for one in credulous["clusters"]:
        del one["cluster"]["certificate-authority-data"]
        one["cluster"]["insecure-skip-tls-verify"] = True
    assert "You must be logged in to the server" in try_kubeconfig(cluster, json.dumps(credulous))


@pytest.mark.parametrize("cluster", UPLOADED, indirect=True)
def test_masters_have_what_was_uploaded_and_nothing_stays_in_the_cluster(cluster: Cluster, former: Former) -> None:
    names = [f"{PKI}/{name}" for name in (*SHARED, *(["etcd/ca.key"] if cluster.stack == STACKED else []))]
    digests = [cluster.ssh(master, f"sudo sha256sum {' '.join(names)}") for master in MASTERS]
    assert len(set(digests)) == 1
    assert "kubeadm-certs" not in {one["metadata"]["name"] for one in cluster.get("secrets", "-n", "kube-system")}
    for master in MASTERS[1:]:
        placed = files(cluster.step_text(f"{cluster.name}-control-plane-join-{master}"))
        assert not [path for path in placed if path.endswith(("/pki/ca.key", "/pki/sa.key", "/etcd/ca.key"))], master


@pytest.mark.parametrize("cluster", UPLOADED[:1], indirect=True)
def test_an_upload_says_that_the_first_master_is_down(cluster: Cluster, former: Former) -> None:
    """The step that looks, on the real bastion, where the first master would be if it were another address."""
    text = cluster.step_text(f"{cluster.name}-control-plane-certificates-check-master-0-for-master-1")
    address, limit = addresses(cluster)["master-0"], "LIMIT_SECONDS=60\n"
    assert limit in text
    text = text.replace(f"NODE_ADDRESS={address}\n", "NODE_ADDRESS=10.0.16.99\n").replace(limit, "LIMIT_SECONDS=5\n")
    looked = cluster.ssh_script("bastion", text)
    assert looked.returncode == 1
    for said in ("master-0", "10.0.16.99", "it is down", "set certificateDistribution to placed", "timed out"):
        assert said in looked.stdout + looked.stderr, said


def cluster_id_of(cluster: Cluster) -> int:
    return cluster.etcdctl("member list")["header"]["cluster_id"]


def left_on_machines(known: Mapping[str, str]) -> list[str]:
    """Members' data and kubeadm's files, as the hosts' disks have them."""
    disks = {name: HOSTS / instance / "disk" for name, instance in known.items()}
    return [
        f"{name}: {path.relative_to(disk)}"
        for name, disk in disks.items()
        for pattern in ("etcd/**/*", "kubelet/config.yaml", "kubelet/pki/*", "upper/etc/kubernetes/**/*")
        for path in disk.glob(pattern)
        if path.is_file()
    ]


def try_kubeconfig(cluster: Cluster, kubeconfig: str) -> str:
    """What kubectl on a master says with it; it must not succeed."""
    tried = cluster.ssh_script("master-0", TRY_KUBECONFIG.format(kubeconfig=kubeconfig))
    assert tried.returncode != 0
    return tried.stderr
