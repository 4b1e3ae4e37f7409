"""What a stack may not say, and how it is told."""

import json
import re
from collections.abc import Callable
from typing import Any

import pulumi
import pytest
import yaml
from conftest import CHECKOUT, Engine, configure, declared_settings, stack_settings

from settings import stack
from settings.given_ca import GivenCa
from settings.minors import MINORS, minor_of
from settings.reading import SettingsError
from settings.topology import TOPOLOGIES
from settings.values import Settings

CERTIFICATE = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
KEY = "-----BEGIN PRIVATE KEY-----\nTOPSECRET\n-----END PRIVATE KEY-----\n"
ONE_MASTER = {"masterCount": 1, "availabilityZones": ["us-east-1a"]}


def load(secrets: tuple[str, ...] = (), **given: Any) -> Settings:
    return load_configured(lambda: configure(given, secrets))


def load_configured(configured: Callable[[], None]) -> Settings:
    loaded: list[Settings] = []
    Engine().run(lambda: (configured(), loaded.append(stack.load())))
    return loaded[0]


def refusal(secrets: tuple[str, ...] = (), **given: Any) -> str:
    with pytest.raises(SettingsError) as caught:
        load(secrets, **given)
    return str(caught.value)


def test_the_defaults_and_somebody_to_let_in_are_enough():
    settings = load()
    assert settings.kubernetes.cluster_name == "kubeadm"
    assert settings.network.zones == ("us-east-1a", "us-east-1b", "us-east-1c")
    assert settings.kubernetes.api_name == "api.kubeadm.internal"
    assert settings.network.node_ports == {80: 30080, 443: 30443}
    assert settings.mirror is None
    assert settings.machine_image is None
    assert settings.etcd.ca is None
    assert settings.kubernetes.conntrack_max_per_core is None
    assert settings.resource_tags() == {"kubeadm-aws:cluster": "kubeadm"}


@pytest.mark.parametrize("stack", ["local", "dev", "staging", "prod"])
def test_every_stack_of_the_checkout_can_be_used(stack):
    assert load(**stack_settings(stack)).kubernetes.cluster_name == stack


@pytest.mark.parametrize("topology", [name for name in TOPOLOGIES if name != "systemd"])
def test_each_other_topology_has_a_local_stack_that_differs_in_nothing_else(topology):
    given = stack_settings(f"local-{topology}")
    assert (given["clusterName"], given["etcdTopology"]) == (topology, topology)
    assert load(**given).etcd.topology == TOPOLOGIES[topology]
    of_its_own = {"clusterName", "etcdTopology", "etcdInstanceType"}
    rest = {key: value for key, value in given.items() if key not in of_its_own}
    assert rest == {key: value for key, value in stack_settings("local").items() if key not in of_its_own}
    salts = {
        yaml.safe_load((CHECKOUT / f"Pulumi.{stack}.yaml").read_text())["encryptionsalt"]
        for stack in ("local", f"local-{topology}")
    }
    assert len(salts) == 1


@pytest.mark.parametrize(
    ("topology", "release"),
    [
        ("systemd", "3.6.5"),
        ("dedicated-systemd", "3.6.5"),
        ("dedicated-static-pods", "3.6.8-0"),
        ("stacked", "3.6.8-0"),
    ],
)
def test_the_etcd_that_runs_is_the_one_set_or_the_image_that_goes_with_kubernetes(topology, release):
    given: dict[str, Any] = {"etcdTopology": topology, "kubernetesVersion": "1.36.2"}
    settings = load(**given, etcdVersion="3.6.5") if "systemd" in topology else load(**given)
    assert settings.etcd.release == release


def test_every_kubernetes_has_an_etcd_image_of_a_version_that_it_is_supported_with():
    assert all(minor_of(release.etcd_image_tag) in release.etcd_minors for release in MINORS.values())


def test_masters_are_any_number_where_they_carry_no_members():
    assert load(etcdTopology="dedicated-systemd", masterCount=2).masters.count == 2


def test_the_local_stack_lives_on_what_the_region_has():
    settings = load(**stack_settings("local"))
    assert settings.mirror == "http://198.51.100.20"
    assert settings.kubernetes.fail_cgroup_v1 is False
    assert settings.kubernetes.ignore_preflight_errors == ("SystemVerification",)
    assert settings.kubernetes.conntrack_max_per_core == 0


def test_every_setting_is_declared_with_type_default_and_meaning():
    project = yaml.safe_load((CHECKOUT / "Pulumi.yaml").read_text())
    for key, setting in project["config"].items():
        if ":" not in key:
            assert {"type", "default", "description"} <= setting.keys(), key


def test_every_declared_setting_is_read_and_none_but_those():
    load()  # an unread one would be refused as unknown
    given: dict[str, Any] = dict.fromkeys(declared_settings())
    message = refusal(**given)
    missing = [line.split(":")[1].split()[0] for line in message.splitlines() if "is missing" in line]
    assert set(missing) == set(declared_settings())


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"masterCount": 2}, "masterCount is 2: it must be odd"),
        ({"masterCount": 0}, "masterCount is '0': it must be a whole number from 1 to 7"),
        ({"masterCount": 9}, "masterCount is '9': it must be a whole number from 1 to 7"),
        ({**ONE_MASTER, "imageRollout": True}, "imageRollout is True: it would replace the only master"),
        ({"workerCount": 0}, "workerCount is '0': it must be a whole number from 1 to 200"),
        ({"vpcCidr": "10.0.0.0/20"}, "vpcCidr is '10.0.0.0/20': it is too small; it must be between a /16 and a /19"),
        ({"vpcCidr": "10.0.0.0/8"}, "vpcCidr is '10.0.0.0/8': it is too large"),
        ({"vpcCidr": "10.0.0.1/16"}, "10.0.0.1/16 has host bits set"),
        ({"vpcCidr": "10.0.0.0"}, "it has no prefix length"),
        ({"vpcCidr": "fd00::/16"}, "it is no block of IPv4 addresses"),
        ({"podCidr": "10.0.128.0/17"}, "podCidr is '10.0.128.0/17': it overlaps vpcCidr, 10.0.0.0/16"),
        ({"serviceCidr": "10.0.0.0/16"}, "serviceCidr is '10.0.0.0/16': it overlaps vpcCidr, 10.0.0.0/16"),
        ({"serviceCidr": "10.244.8.0/22"}, "it overlaps podCidr, 10.244.0.0/16"),
        ({"podCidr": "10.244.0.0/22"}, "podCidr is '10.244.0.0/22': it is too small: each of 6 nodes gets a /24"),
        ({"serviceCidr": "10.96.0.0/28"}, "serviceCidr is '10.96.0.0/28': it is too small"),
        ({"kubernetesVersion": "v1.37.2"}, "kubernetesVersion is 'v1.37.2': it must be three numbers"),
        ({"kubernetesVersion": "1.37"}, "kubernetesVersion is '1.37': it must be three numbers"),
        ({"flannelVersion": "latest"}, "flannelVersion is 'latest': it must be three numbers"),
        ({"kubernetesVersion": "1.99.0"}, "this program knows Kubernetes 1.35, 1.36, 1.37"),
        (
            {"etcdVersion": "3.6.5", "etcdTopology": "stacked"},
            "etcdVersion is '3.6.5': with etcdTopology stacked Kubernetes' version decides, 3.7.0-0: leave it out",
        ),
        ({"etcdVersion": "3.5.9"}, "etcdVersion is '3.5.9': Kubernetes 1.37 is supported with etcd 3.6 or 3.7"),
        ({"etcdTopology": "stacked", "masterCount": 2}, "masterCount is 2: it must be odd"),
        ({**ONE_MASTER, "etcdTopology": "dedicated-systemd"}, "etcd's machines need three at least"),
        ({"certificateDistribution": "copied"}, "'copied': it must be one of placed, uploaded"),
        ({"etcdInstanceType": "small"}, "etcdInstanceType is 'small': it must be an EC2 instance type"),
        ({"etcdDiskGib": 4}, "etcdDiskGib is '4': it must be a whole number from 8 to 16384"),
        ({"etcdTopology": "sytemd"}, "dedicated-static-pods, stacked; did you mean systemd?"),
        ({"electionMilliseconds": 400}, "electionMilliseconds is 400: etcd wants five heartbeats in it at least"),
        ({"electionMilliseconds": 60000}, "it must be a whole number from 1 to 50000"),
        ({"etcdQuotaGib": 16}, "etcdQuotaGib is '16': it must be a whole number from 1 to 8"),
        ({"adminCidrs": []}, "adminCidrs is []: somebody must be let in"),
        ({"adminCidrs": ["0.0.0.0/0"]}, "0.0.0.0/0 opens the bastion's SSH to the world"),
        ({"adminCidrs": ["198.51.100.7/32", "128.0.0.0/1"]}, "128.0.0.0/1 opens the bastion's SSH to the world"),
        ({"adminCidrs": ["home"]}, "adminCidrs is 'home': it is no block of IPv4 addresses"),
        ({"nodePorts": {"80": 8080}}, "NodePorts from 30000 to 32767, not 8080"),
        ({"nodePorts": {"http": 30080}}, "'http' is no port"),
        ({"nodePorts": {"70000": 30080}}, "'70000' is no port"),
        ({"nodePorts": {"80": 30080, "81": 30080}}, "two ports lead to the same NodePort"),
        ({"nodePorts": {}}, "nodePorts is {}: there must be from 1 to 20 of them"),
        ({"ingressScheme": "public"}, "it must be one of internal, internet-facing"),
        ({"ingressScheme": "internet-facing"}, "ingressCidrs is []: an internet-facing balancer needs to know"),
        ({"natGateways": "two"}, "natGateways is 'two': it must be one of one, per-zone"),
        ({"clusterName": "Prod"}, "clusterName is 'Prod': it must be at most 24 lower-case letters"),
        ({"clusterName": "internal-tools"}, "clusterName is 'internal-tools'"),
        ({"clusterName": "internal"}, "clusterName is 'internal'"),
        ({"clusterName": "sg"}, "clusterName is 'sg'"),
        ({"clusterName": "sg-1"}, "its first word neither 'internal' nor 'sg'"),
        ({"clusterName": "a" * 25}, "it must be at most 24 lower-case letters"),
        ({"clusterName": "prod-"}, "clusterName is 'prod-'"),
        ({"privateZone": "ec2.internal"}, "that name is AWS's own inside a VPC"),
        ({"clusterName": "compute"}, "the zone is compute.internal then, and that name is AWS's own inside a VPC"),
        ({"privateZone": "Corp"}, "privateZone is 'Corp': it must be a DNS name in lower case"),
        ({"availabilityZones": ["us-east-1a"]}, "the masters need three at least"),
        ({"availabilityZones": ["us-east-1a", "us-east-1b", "eu-west-1c"]}, "eu-west-1c: not in region us-east-1"),
        ({"availabilityZones": ["us-east-1a", "us-east-1b", "us-east-1-bos-1a"]}, "a letter of its own"),
        ({"availabilityZones": ["us-east-1a", "us-east-1a", "us-east-1b"]}, "none of them empty or given twice"),
        ({"masterInstanceType": "medium"}, "masterInstanceType is 'medium': it must be an EC2 instance type"),
        ({"masterDiskGib": 4}, "masterDiskGib is '4': it must be a whole number from 8 to 16384"),
        ({"machineImage": "debian-13"}, "it must be the id of an AMI, or nothing"),
        ({"machineImageParameter": "debian"}, "it must be the path of an SSM parameter"),
        ({"mirror": "198.51.100.20"}, "mirror is '198.51.100.20': it must be an http URL"),
        ({"mirror": "http://198.51.100.20/"}, "it must be an http URL without a slash at its end"),
        ({"loginUser": "root;"}, "it must be the name of a user"),
        ({"tags": {"Name": "x"}}, "tag 'Name' is not yours to give"),
        ({"tags": {"cost": 3}}, "tag 'cost' must be text"),
        ({"tags": {"cost*": "x"}}, "tag 'cost*': AWS takes letters, digits, spaces and _ . : / = + - @ in tags"),
        ({"tags": {"cost": "a,b"}}, "tag 'cost': AWS takes letters"),
        ({"tags": {"": "x"}}, "tag '': AWS takes letters"),
        ({"tags": {f"t{n}": "x" for n in range(49)}}, "49 are too many: AWS takes 50, and 3 are this program's"),
        ({"vpcCidr": "10.0.0.0/255.255.0.0"}, "AWS wants it spelled as 10.0.0.0/16"),
        ({"adminCidrs": ["198.51.100.0/0.0.0.255"]}, "AWS wants it spelled as 198.51.100.0/24"),
        ({"podCidr": "224.0.0.0/16"}, "addresses in it can be no machine's, pod's or Service's"),
        ({"serviceCidr": "169.254.0.0/16"}, "addresses in it can be no machine's, pod's or Service's"),
        ({"privateZone": "local"}, "resolvers ask no server for names in .local"),
        ({"privateZone": "cluster.local"}, "resolvers ask no server for names in .local"),
        ({"tags": ["a"]}, "tags is '[\"a\"]': it must be a map"),
        ({"tags": "cost"}, "tags is 'cost': it must be a map"),
        ({"availabilityZones": "us-east-1a"}, "availabilityZones is 'us-east-1a': it must be a list"),
        ({"adminCidrs": [f"198.51.100.{n}/32" for n in range(61)]}, "it makes 61 rules of one security group"),
        ({"nodePorts": {str(80 + n): 30080 + n for n in range(20)}, "natGateways": "per-zone"}, "it makes 80 rules"),
        ({"failCgroupV1": "no"}, "failCgroupV1 is 'no': it must be true or false"),
        ({"kubeProxyConntrackMaxPerCore": -2}, "it must be a whole number from -1"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_refused_with_key_value_and_reason(given, reason):
    message = refusal(**given)
    assert reason in message
    assert message.count("\n  - ") == 1, message


def test_everything_wrong_is_said_at_once():
    message = refusal(masterCount=2, vpcCidr="10.0.0.0/24", adminCidrs=[], etcdVersion="3", adminCidr="x")
    for key in ("masterCount", "vpcCidr", "adminCidrs", "etcdVersion", "adminCidr:"):
        assert f"kubeadm-aws:{key}" in message
    assert "nothing was made" in message


def test_a_typo_is_named_with_the_nearest_right_key():
    assert "kubeadm-aws:workerCuont: there is no such setting; did you mean workerCount?" in refusal(workerCuont="3")


def test_keys_of_other_namespaces_are_nobodys_business():
    def configured() -> None:
        configure({})
        pulumi.runtime.set_config("aws:profile", "mine")

    assert load_configured(configured)


def test_without_a_region_it_says_so(monkeypatch):
    def configured() -> None:
        configure({})
        pulumi.runtime.set_config("aws:region", "")

    monkeypatch.delenv("AWS_REGION", raising=False)
    with pytest.raises(SettingsError, match="aws:region is ''"):
        load_configured(configured)


def test_a_given_authority_is_taken_with_its_key_as_a_secret():
    given = load(secrets=("etcdCa",), etcdCa={"certificate": CERTIFICATE, "key": KEY}).etcd.ca
    assert given is not None
    assert given.certificate == CERTIFICATE


def test_an_authority_is_known_however_its_certificate_is_spelled():
    def fingerprint(certificate: str) -> str | None:
        return GivenCa(certificate=certificate, key=KEY).fingerprint

    spelled = "Subject: CN=etcd-ca\n" + CERTIFICATE.replace("AAAA", "AA\nAA") + "\n\n"
    assert fingerprint(spelled) == fingerprint(CERTIFICATE)
    assert fingerprint(CERTIFICATE.replace("AAAA", "AAAB")) != fingerprint(CERTIFICATE)
    assert fingerprint(CERTIFICATE) == "709e80c88487a2411e1ee4dfb9f22a861492d20c4765150c0c794abd70f8147c"


@pytest.mark.parametrize(
    ("given", "secrets", "reason"),
    [
        ({"certificate": CERTIFICATE}, ("etcdCa",), "it must have certificate and key"),
        ({"certificate": CERTIFICATE * 2, "key": KEY}, ("etcdCa",), "its certificate must be exactly one"),
        ({"certificate": CERTIFICATE.replace("AAAA", "AAA"), "key": KEY}, ("etcdCa",), "is cut off or garbled"),
        ({"certificate": CERTIFICATE, "key": "x"}, ("etcdCa",), "its key must be a private key in PEM"),
        ({"certificate": CERTIFICATE, "key": KEY.replace("PRIV", "ENCRYPTED PRIV")}, ("etcdCa",), "a passphrase"),
        (KEY, ("etcdCa",), "it must be a map"),
        ([KEY], ("etcdCa",), "it must be a map"),
        ({"certificate": CERTIFICATE, "key": KEY}, (), "pulumi config set --path --secret etcdCa.key"),
    ],
)
def test_a_wrong_authority_is_refused_without_showing_its_key(given, secrets, reason):
    message = refusal(secrets=secrets, etcdCa=given)
    assert reason in message
    assert "TOPSECRET" not in message
    assert json.dumps(KEY) not in message


def test_the_page_on_settings_says_what_is_declared():
    rows = [line.split(" | ") for line in (CHECKOUT / "docs/settings.md").read_text().splitlines() if line[:3] == "| `"]
    told = {row[0].strip("| `"): row[-1].removesuffix(" |") for row in rows}
    project = yaml.safe_load((CHECKOUT / "Pulumi.yaml").read_text())
    assert told == {key: one["description"] for key, one in project["config"].items() if ":" not in key}


def test_the_example_for_aws_shows_every_setting():
    example = (CHECKOUT / "Pulumi.dev.yaml").read_text()
    assert [
        key for key in declared_settings() if not re.search(rf"kubeadm-aws:{key}\b|{key}\.|likewise {key}", example)
    ] == []


def test_a_secret_that_would_not_stay_one_is_refused_and_not_shown():
    said = refusal(secrets=("mirror",), mirror="https://me:password@mirror.example")
    assert "mirror: it is stored as a secret and would not stay one" in said
    assert "password" not in said
