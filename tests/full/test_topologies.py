"""Each topology's cluster as it was made, seen from outside: the members, who may reach them, what each host holds."""

import pytest
import yaml

from tests.e2e.cluster import PKI, Cluster, ready
from tests.full.layout import (
    DEDICATED,
    ETCD_MACHINES,
    MASTERS,
    STACKED,
    WORKER,
    addresses,
    machines,
    members,
)
from tests.step_text import files

CLIENT_FILES = {
    f"{PKI}/etcd/ca.crt",
    f"{PKI}/apiserver-etcd-client.crt",
    f"{PKI}/apiserver-etcd-client.key",
    "/usr/local/sbin/etcd-health",
    "/etc/default/etcd-health",
}


def test_an_unchanged_up_changes_nothing(cluster: Cluster) -> None:
    done = cluster.make("up")
    assert done.returncode == 0
    assert "Nothing changed" in done.stdout
    assert set(cluster.last_changes()) == {"same"}


def test_every_node_is_ready_and_no_etcd_machine_is_one(cluster: Cluster) -> None:
    assert ready(cluster.get("nodes")) == {*MASTERS, WORKER}
    assert set(addresses(cluster)) == set(machines(cluster))


def test_members_have_their_hosts_names_and_addresses(cluster: Cluster) -> None:
    found = cluster.etcdctl("member list")["members"]
    assert {one["name"]: (one["peerURLs"], one["clientURLs"]) for one in found} == {
        name: ([f"https://{address}:2380"], [f"https://{address}:2379"])
        for name, address in addresses(cluster).items()
        if name in members(cluster)
    }
    assert not any(one.get("isLearner") for one in found)


def test_members_are_healthy_and_hold_the_same_data(cluster: Cluster) -> None:
    assert [one["health"] for one in cluster.etcdctl("endpoint health --cluster")] == [True, True, True]
    hashes = cluster.member_hashes()
    assert len(hashes) == 3
    assert len(set(hashes)) == 1


def test_every_member_runs_with_the_flags_of_the_table(cluster: Cluster) -> None:
    for member in members(cluster):
        flags = cluster.ssh(member, "sudo sh -c 'cat /proc/$(pgrep -x etcd)/cmdline' | tr '\\0' '\\n'").split()
        assert {"--quota-backend-bytes=8589934592", "--auto-compaction-retention=1h"} <= set(flags), member


def test_kubeadm_takes_its_etcd_as_it_is(cluster: Cluster) -> None:
    for step in ("init", "join-master-1"):
        text = cluster.step_text(f"{cluster.name}-control-plane-{step}")
        assert "--ignore-preflight-errors" not in text
        first = next(yaml.safe_load_all(files(text)["/run/kubeadm-aws/kubeadm/kubeadm.yaml"]))
        assert first["nodeRegistration"]["ignorePreflightErrors"] == ["SystemVerification"], step
    [placed] = cluster.get("configmaps", "-n", "kube-system", "--field-selector", "metadata.name=kubeadm-config")
    etcd = yaml.safe_load(placed["data"]["ClusterConfiguration"])["etcd"]
    if cluster.stack == STACKED:
        assert set(etcd) == {"local"}
    else:
        assert set(etcd) == {"external"}
        known = addresses(cluster)
        assert set(etcd["external"]["endpoints"]) == {f"https://{known[name]}:2379" for name in members(cluster)}


def test_one_command_asks_for_etcds_health_wherever_it_runs(cluster: Cluster) -> None:
    asked = cluster.make("etcd-health")
    assert asked.returncode == 0
    assert "etcd is healthy: 3 of 3 members" in asked.stdout
    for host in {*MASTERS, *members(cluster)}:
        assert "etcd is healthy: 3 of 3 members" in cluster.ssh(host, "sudo etcd-health"), host


def test_the_key_of_etcds_authority_is_only_where_kubeadm_signs_with_it(cluster: Cluster) -> None:
    for host in machines(cluster):
        found = cluster.ssh(host, "sudo find /etc /var/lib/etcd /var/lib/kubelet -name 'ca.key' -path '*etcd*'").split()
        signs = cluster.stack == STACKED and host in MASTERS
        assert found == ([f"{PKI}/etcd/ca.key"] if signs else []), host


def test_a_worker_reaches_no_member(cluster: Cluster) -> None:
    known = addresses(cluster)
    for member in members(cluster):
        assert not reaches(cluster, WORKER, known[member], 2379), member
        assert not reaches(cluster, WORKER, known[member], 2380), member


@pytest.mark.parametrize("cluster", DEDICATED, indirect=True)
def test_masters_are_clients_and_etcd_machines_are_peers(cluster: Cluster) -> None:
    known = addresses(cluster)
    for member in ETCD_MACHINES:
        assert reaches(cluster, "master-1", known[member], 2379), member
        assert not reaches(cluster, "master-1", known[member], 2380), member
    assert reaches(cluster, "etcd-0", known["etcd-1"], 2380)
    assert reaches(cluster, "etcd-0", known["etcd-1"], 2379)


@pytest.mark.parametrize("cluster", DEDICATED, indirect=True)
def test_masters_hold_of_etcd_what_a_client_needs(cluster: Cluster) -> None:
    for master in MASTERS:
        found = cluster.ssh(master, "sudo find /etc /usr/local /var/lib/etcd -path '*etcd*' -type f").split()
        assert set(found) == CLIENT_FILES, master
        assert cluster.ssh(master, "grep -lsx etcd /proc/[0-9]*/comm || true") == "", master


def reaches(cluster: Cluster, host: str, address: str, port: int) -> bool:
    """Whether a connection from the host is taken."""
    attempt = f"timeout 3 bash -c '</dev/tcp/{address}/{port}' 2>/dev/null && echo open || echo closed"
    return cluster.ssh(host, attempt).strip() == "open"
