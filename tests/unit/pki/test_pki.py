"""Certificates as the program asks for them, on mocks: who signs what for whom, under which names, for which uses."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
import yaml
from registrations import Registration, record
from steps_scene import SETTINGS, make_node, plugin_outputs

from components.pki.cluster import ClusterPki, ClusterPkiArgs, kubeconfig
from components.pki.etcd import EtcdPki, EtcdPkiArgs
from settings.given_ca import GivenCa

REQUEST = "tls:index/certRequest:CertRequest"
CERTIFICATE = "tls:index/locallySignedCert:LocallySignedCert"
AUTHORITY = "tls:index/selfSignedCert:SelfSignedCert"
KEY = "tls:index/privateKey:PrivateKey"
GIVEN = GivenCa(certificate="their certificate", key="their key")


@pytest.fixture(scope="module")
def etcd() -> dict[str, Registration]:
    return declare_etcd()


@pytest.fixture(scope="module")
def cluster() -> dict[str, Registration]:
    return declare_cluster()


def declare_etcd(ca: GivenCa | None = None) -> dict[str, Registration]:
    def declare() -> None:
        members = [make_node("master", index) for index in (2, 0, 1)]
        EtcdPki("etcd", EtcdPkiArgs(members=members, settings=replace(SETTINGS.etcd, ca=ca)))

    return record(declare, plugin_outputs)


def declare_cluster(ca: GivenCa | None = None) -> dict[str, Registration]:
    def declare() -> None:
        nodes = [make_node("master", 0), make_node("worker", 1)]
        ClusterPki("pki", ClusterPkiArgs(nodes=nodes, settings=replace(SETTINGS.kubernetes, ca=ca)))

    return record(declare, plugin_outputs)


def subject_of(request: Registration) -> Mapping[str, Any]:
    return {key: value for key, value in request.inputs["subject"].items() if value}


def test_etcd_members_are_named_as_kubeadm_would_name_them(etcd: dict[str, Registration]) -> None:
    for index in range(3):
        for purpose in ("server", "peer"):
            request = etcd[f"etcd-master-{index}-{purpose}-request"].inputs
            assert request["dnsNames"] == ["localhost", f"master-{index}"]
            assert request["ipAddresses"] == [f"10.0.{index}.10", "127.0.0.1", "::1"]
            assert subject_of(etcd[f"etcd-master-{index}-{purpose}-request"]) == {"commonName": f"master-{index}"}
            certificate = etcd[f"etcd-master-{index}-{purpose}"].inputs
            assert certificate["allowedUses"][2:] == ["server_auth", "client_auth"]


def test_etcd_clients_are_nobody_but_clients(etcd: dict[str, Registration]) -> None:
    for purpose, common_name in (
        ("healthcheck-client", "kube-etcd-healthcheck-client"),
        ("apiserver-client", "kube-apiserver-etcd-client"),
    ):
        request = etcd[f"etcd-{purpose}-request"]
        assert subject_of(request) == {"commonName": common_name}
        assert not request.inputs.get("dnsNames")
        assert etcd[f"etcd-{purpose}"].inputs["allowedUses"] == ["digital_signature", "key_encipherment", "client_auth"]


def test_authorities_are_what_kubeadm_would_make(
    etcd: dict[str, Registration], cluster: dict[str, Registration]
) -> None:
    names = {
        name: entry.inputs["subject"]["commonName"]
        for name, entry in (etcd | cluster).items()
        if entry.kind == AUTHORITY
    }
    assert names == {"etcd-ca": "etcd-ca", "pki-ca": "kubernetes", "pki-front-proxy-ca": "front-proxy-ca"}
    for name, common_name in names.items():
        inputs = (etcd | cluster)[name].inputs
        assert inputs["isCaCertificate"]
        assert inputs["setSubjectKeyId"]
        assert inputs["dnsNames"] == [common_name]
        assert inputs["allowedUses"] == ["digital_signature", "key_encipherment", "cert_signing"]
        assert inputs["validityPeriodHours"] == 87600


def test_what_cannot_be_made_again_is_protected_and_nothing_else(
    etcd: dict[str, Registration], cluster: dict[str, Registration]
) -> None:
    protected = {name for name, entry in (etcd | cluster).items() if entry.protect}
    assert protected == {"etcd-ca-key", "pki-ca-key", "pki-front-proxy-ca-key", "pki-service-account"}


def test_keys_are_of_a_curve_that_everyone_takes(
    etcd: dict[str, Registration], cluster: dict[str, Registration]
) -> None:
    keys = [entry.inputs for entry in (etcd | cluster).values() if entry.kind == KEY]
    assert len(keys) > 15
    assert {(key["algorithm"], key["ecdsaCurve"]) for key in keys} == {("ECDSA", "P256")}


def test_leaves_are_renewed_long_before_their_end_and_sign_nothing(
    etcd: dict[str, Registration], cluster: dict[str, Registration]
) -> None:
    leaves = [entry.inputs for entry in (etcd | cluster).values() if entry.kind == CERTIFICATE]
    assert leaves
    for inputs in leaves:
        assert 0 < inputs["earlyRenewalHours"] < inputs["validityPeriodHours"] == 8760
        assert not inputs.get("isCaCertificate")
        assert "cert_signing" not in inputs["allowedUses"]


def test_every_kubelet_serves_under_its_name_and_address(cluster: dict[str, Registration]) -> None:
    for name, address in (("master-0", "10.0.0.10"), ("worker-1", "10.0.1.100")):
        request = cluster[f"pki-{name}-kubelet-request"]
        assert subject_of(request) == {"commonName": f"system:node:{name}", "organization": "system:nodes"}
        assert (request.inputs["dnsNames"], request.inputs["ipAddresses"]) == ([name], [address])
        assert cluster[f"pki-{name}-kubelet"].inputs["allowedUses"][2:] == ["server_auth"]


def test_bootstrap_and_administrator_are_in_the_groups_that_kubeadm_binds(cluster: dict[str, Registration]) -> None:
    assert subject_of(cluster["pki-worker-1-bootstrap-request"]) == {
        "commonName": "bootstrap:worker-1",
        "organization": "system:bootstrappers:kubeadm:default-node-token",
    }
    assert subject_of(cluster["pki-admin-request"]) == {
        "commonName": "kubernetes-admin",
        "organization": "kubeadm:cluster-admins",
    }
    for name in ("pki-worker-1-bootstrap", "pki-admin"):
        assert cluster[name].inputs["allowedUses"][2:] == ["client_auth"]


@pytest.mark.parametrize(("declare", "authority"), [(declare_etcd, "etcd-ca"), (declare_cluster, "pki-ca")])
def test_a_given_authority_signs_in_place_of_ours(declare, authority: str) -> None:
    seen = declare(GIVEN)
    assert authority not in seen
    assert f"{authority}-key" not in seen
    signed = {name: entry for name, entry in seen.items() if entry.kind == CERTIFICATE}
    assert signed
    for entry in signed.values():
        assert entry.inputs["caCertPem"] == "their certificate"
        assert entry.inputs["caPrivateKeyPem"] == "their key"
        assert "caPrivateKeyPem" in entry.secret_inputs


def test_kubeconfig_holds_all_it_needs() -> None:
    document = yaml.safe_load(kubeconfig("demo", "https://api:6443", "me", "CA", "CERT", "KEY"))
    assert document["current-context"] == document["contexts"][0]["name"] == "me@demo"
    assert document["clusters"][0]["cluster"] == {"server": "https://api:6443", "certificate-authority-data": "Q0E="}
    assert document["users"][0]["user"] == {"client-certificate-data": "Q0VSVA==", "client-key-data": "S0VZ"}
