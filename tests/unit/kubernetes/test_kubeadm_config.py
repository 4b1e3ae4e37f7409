"""The documents kubeadm reads, against golden files that the real kubeadm 1.37.2 has validated."""

from dataclasses import replace

import pytest
import yaml
from golden_file import matches_golden
from steps_scene import SETTINGS

from components.etcd.documents import external_etcd, local_etcd
from components.host.kubeadm import Document
from components.kubernetes import documents as kubeadm
from components.kubernetes.documents import Cluster, Host

MASTERS = tuple(
    Host(name=f"master-{index}", address=f"10.0.{index}.10", provider_id=f"aws:///us-east-1{zone}/i-0{index}")
    for index, zone in enumerate("abc")
)
WORKER = Host(name="worker-0", address="10.0.100.7", provider_id="aws:///us-east-1a/i-10")


EXTERNAL = external_etcd([f"https://{master.address}:2379" for master in MASTERS])


def cluster(*, masters: tuple[Host, ...] = MASTERS, etcd: Document = EXTERNAL, **changes) -> Cluster:
    addresses = {master.name: master.address for master in masters}
    return Cluster(settings=replace(SETTINGS.kubernetes, **changes), masters=addresses, etcd=etcd)


LOCAL = {"fail_cgroup_v1": False, "ignore_preflight_errors": ("SystemVerification",), "conntrack_max_per_core": 0}
STACKED = local_etcd(SETTINGS.etcd, cluster_token="5e" * 32)
CERTIFICATE_KEY = "ce" * 32
DISCOVERY = "/run/kubeadm-aws/kubeadm/bootstrap.conf"


@pytest.mark.parametrize(
    ("golden", "text"),
    [
        ("init.yaml", kubeadm.init_documents(cluster(), MASTERS[0])),
        ("init-cgroup-v1.yaml", kubeadm.init_documents(cluster(**LOCAL), MASTERS[0])),
        ("init-stacked.yaml", kubeadm.init_documents(cluster(etcd=STACKED), MASTERS[0])),
        ("upload.yaml", kubeadm.upload_documents(cluster(etcd=STACKED), CERTIFICATE_KEY)),
        (
            "join-master-uploaded.yaml",
            kubeadm.join_document(MASTERS[1], DISCOVERY, control_plane=True, certificate_key=CERTIFICATE_KEY),
        ),
        ("join-master.yaml", kubeadm.join_document(MASTERS[1], DISCOVERY, control_plane=True)),
        (
            "join-worker.yaml",
            kubeadm.join_document(
                WORKER, DISCOVERY, control_plane=False, ignore_preflight_errors=("SystemVerification",)
            ),
        ),
        (
            "join-pool.yaml",
            kubeadm.join_document(
                replace(WORKER, labels={"of": "us"}, taints=("gpu=yes:NoSchedule", "a/b:NoExecute")),
                DISCOVERY,
                control_plane=False,
            ),
        ),
        ("corednsdeployment.yaml", kubeadm.coredns_patch()),
    ],
)
def test_document_is_the_golden_one(golden: str, text: str):
    assert matches_golden(text, f"kubeadm/{golden}")


def test_api_server_certificates_cover_every_way_to_reach_them():
    names = kubeadm.api_server_names(cluster())
    assert names == [
        "api.demo.internal",
        "master-0",
        "master-1",
        "master-2",
        "10.0.0.10",
        "10.0.1.10",
        "10.0.2.10",
        "127.0.0.1",
    ]


def test_order_of_masters_does_not_change_the_certificates():
    assert kubeadm.api_server_names(cluster(masters=MASTERS[::-1])) == kubeadm.api_server_names(cluster())


def test_a_worker_joins_without_control_plane():
    document = yaml.safe_load(kubeadm.join_document(WORKER, DISCOVERY, control_plane=False))
    assert "controlPlane" not in document


def test_conntrack_zero_is_said_and_not_taken_for_unset():
    *_, proxy = yaml.safe_load_all(kubeadm.init_documents(cluster(conntrack_max_per_core=0), MASTERS[0]))
    assert proxy["conntrack"] == {"maxPerCore": 0}
    *_, proxy = yaml.safe_load_all(kubeadm.init_documents(cluster(), MASTERS[0]))
    assert "conntrack" not in proxy
