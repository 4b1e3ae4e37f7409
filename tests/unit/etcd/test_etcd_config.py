"""The documents of a host that runs etcd as a static pod, against golden files."""

import pytest
import yaml
from golden_file import matches_golden
from steps_scene import SETTINGS

from components.etcd.documents import kubelet_document, member_documents


def test_kubeadms_configuration_of_a_member_is_the_golden_one() -> None:
    text = member_documents(
        SETTINGS.etcd,
        name="etcd-1",
        address="10.0.32.24",
        initial_cluster="etcd-0=https://10.0.16.24:2380,etcd-1=https://10.0.32.24:2380,etcd-2=https://10.0.48.24:2380",
        cluster_token="0123",
        kubernetes_version="1.37.2",
    )
    assert matches_golden(text, "kubeadm/etcd-member.yaml")


@pytest.mark.parametrize("fail_cgroup_v1", [True, False])
def test_a_kubelet_that_serves_etcd_only_lets_nobody_in(fail_cgroup_v1: bool) -> None:
    document = yaml.safe_load(kubelet_document(fail_cgroup_v1=fail_cgroup_v1))
    assert document["address"] == "127.0.0.1"
    assert document["authentication"] == {"anonymous": {"enabled": False}, "webhook": {"enabled": False}}
    assert document["authorization"] == {"mode": "AlwaysAllow"}
    assert document.get("failCgroupV1", True) is fail_cgroup_v1
    if fail_cgroup_v1:
        assert matches_golden(kubelet_document(fail_cgroup_v1=True), "kubeadm/etcd-kubelet.yaml")
