"""What was decided at the cluster's birth does not change afterwards."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from conftest import ANSWERS, STATE, Engine, configure
from living_scene import ETCD_NAMES, NAMES, Region, machine
from pulumi.runtime import mocks

from settings import birth
from settings.reading import SettingsError
from settings.stack import load

URN = "urn:pulumi:test::kubeadm-aws::kubeadm:index:Cluster"
FOUNDING = {
    f"{URN}$kubeadm:index:ControlPlane$command:remote:Command::kubeadm-control-plane-init": {
        "type": "command:remote:Command",
        "outputs": {"stdout": ""},
    },
    **{f"{URN}::{name}": machine(name) for name in (*NAMES, *ETCD_NAMES)},
}
DECIDED = {
    "aws:region": "us-east-1",
    "clusterName": "kubeadm",
    "availabilityZones": "master-0 in us-east-1a, master-1 in us-east-1b, master-2 in us-east-1c",
    "loginUser": "admin",
    "etcdTopology": "systemd",
    "masterCount": "3",
    "vpcCidr": "10.0.0.0/16",
    "podCidr": "10.244.0.0/16",
    "serviceCidr": "10.96.0.0/12",
    "privateZone": "internal",
    "kubernetesCa": "the program's own",
    "etcdCa": "the program's own",
    "failCgroupV1": "true",
    "kubeProxyConntrackMaxPerCore": "-1",
    "kubernetesVersion": "1.37.2",
    "etcdVersion": "3.7",
}
CHANGES = {
    "clusterName": "other",
    "loginUser": "other",
    "etcdTopology": "stacked",
    "masterCount": 5,
    "vpcCidr": "10.1.0.0/16",
    "podCidr": "10.200.0.0/16",
    "serviceCidr": "10.112.0.0/12",
    "privateZone": "example",
    "failCgroupV1": "false",
    "kubeProxyConntrackMaxPerCore": 0,
    "kubernetesVersion": "1.37.1",
}

CERTIFICATE = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
FINGERPRINT = "709e80c88487a2411e1ee4dfb9f22a861492d20c4765150c0c794abd70f8147c"


def cluster(decided: Mapping[str, str]) -> dict[str, Any]:
    outputs = {"api_endpoint": "https://api.kubeadm.internal:6443", "decided_at_birth": decided}
    return {f"{URN}::kubeadm": {"type": "kubeadm:index:Cluster", "outputs": outputs}}


def engine_with(state: Mapping[str, Any]) -> Engine:
    return Region(answers={**ANSWERS, STATE: {"outputs": state}})


def test_a_cluster_lives_on_with_what_was_decided():
    assert engine_with({**cluster(DECIDED), **FOUNDING}).run_stack({}).registered


@pytest.mark.parametrize("key", CHANGES)
def test_a_change_is_refused_before_anything_is_made(key):
    engine = engine_with({**cluster(DECIDED), **FOUNDING})
    with pytest.raises(SettingsError) as caught:
        engine.run_stack({key: CHANGES[key]})
    said = str(caught.value)
    assert f"kubeadm-aws:{key} is '{CHANGES[key]}': it was decided at the cluster's birth, '{DECIDED[key]}'." in said
    assert "set it back, or start over ('python -m operate reset --stack " in said
    assert engine.registered == []


def test_no_zone_is_left():
    zones = [f"us-east-1{letter}" for letter in "abcd"]
    outputs = {"decided_at_birth": DECIDED, "zones": ", ".join(zones)}
    born = {**FOUNDING, f"{URN}::kubeadm": {"type": "kubeadm:index:Cluster", "outputs": outputs}}
    assert engine_with(born).run_stack({"availabilityZones": [*zones, "us-east-1e"]}).registered
    with pytest.raises(SettingsError, match=r"availabilityZones is .*balancers stay where they are.*us-east-1d'"):
        engine_with(born).run_stack({"availabilityZones": zones[:3]})


def test_all_changes_are_said_at_once():
    said = refusal(CHANGES)
    assert all(f"kubeadm-aws:{key} is " in said for key in CHANGES)


def test_another_region_is_refused_by_its_own_name():
    said = refusal({}, decided={**DECIDED, "aws:region": "eu-west-1"})
    assert " aws:region is 'us-east-1': it was decided at the cluster's birth, 'eu-west-1'." in said


def test_masters_stay_in_their_zones_and_zones_may_be_appended():
    said = refusal({"availabilityZones": ["us-east-1b", "us-east-1a", "us-east-1c"]})
    assert "availabilityZones is 'master-0 in us-east-1b, master-1 in us-east-1a, master-2 in us-east-1c'" in said
    more = [f"us-east-1{letter}" for letter in "abcd"]
    assert engine_with({**cluster(DECIDED), **FOUNDING}).run_stack({"availabilityZones": more}).registered
    born_of_five = {**DECIDED, "masterCount": "5", "availabilityZones": places(5)}
    assert "master-3 in us-east-1d" in refusal({"masterCount": 5, "availabilityZones": more}, decided=born_of_five)


def test_etcds_machines_stay_in_their_zones_too():
    topology = {"etcdTopology": "dedicated-systemd"}
    born = {**DECIDED, **topology, "availabilityZones": f"{places(3)}, {places(3).replace('master', 'etcd')}"}
    assert engine_with({**cluster(born), **FOUNDING}).run_stack(topology).registered
    swapped = {**topology, "availabilityZones": ["us-east-1b", "us-east-1a", "us-east-1c"]}
    assert "etcd-0 in us-east-1b, etcd-1 in us-east-1a" in refusal(swapped, decided=born)


def test_etcd_may_move_by_a_patch_and_no_further():
    assert engine_with({**cluster(DECIDED), **FOUNDING}).run_stack({"etcdVersion": "3.7.2"}).registered
    assert "etcdVersion is '3.6': it was decided at the cluster's birth, '3.7'." in refusal({"etcdVersion": "3.6.16"})


def test_an_authority_is_neither_given_later_nor_another():
    given = {"kubernetesCa": {"certificate": CERTIFICATE, "key": "-----BEGIN PRIVATE KEY-----"}}
    said = refusal(given, secrets=("kubernetesCa",))
    assert f"kubernetesCa is 'SHA-256 {FINGERPRINT}': it was decided at the cluster's birth, " in said
    born = {**cluster({**DECIDED, "kubernetesCa": f"SHA-256 {FINGERPRINT}"}), **FOUNDING}
    assert engine_with(born).run_stack(given, secrets=("kubernetesCa",)).registered


def refusal(settings: Mapping[str, Any], *, decided: Mapping[str, str] = DECIDED, secrets: tuple[str, ...] = ()) -> str:
    with pytest.raises(SettingsError) as caught:
        engine_with({**cluster(decided), **FOUNDING}).run_stack(settings, secrets=secrets)
    return str(caught.value)


def places(masters: int) -> str:
    return ", ".join(f"master-{number} in us-east-1{'abc'[number % 3]}" for number in range(masters))


def test_until_the_founding_all_may_change():
    assert engine_with(cluster(DECIDED)).run_stack({"podCidr": CHANGES["podCidr"]}).registered


def test_what_an_older_program_did_not_write_down_may_change():
    undecided = {name: value for name, value in DECIDED.items() if name != "podCidr"}
    assert engine_with({**cluster(undecided), **FOUNDING}).run_stack({"podCidr": CHANGES["podCidr"]}).registered


def test_what_is_kept_is_what_is_compared():
    zones = "us-east-1a, us-east-1b, us-east-1c"
    assert recorded({}) == {"decided_at_birth": DECIDED, "zones": zones, "etcd_founders": ["i-now"]}


def test_the_machines_that_etcd_was_born_on_are_kept():
    born = cluster(DECIDED)
    born[f"{URN}::kubeadm"]["outputs"]["etcd_founders"] = ["i-then"]
    assert recorded(born)["etcd_founders"] == ["i-now"], "until the founding"
    assert recorded({**born, **FOUNDING})["etcd_founders"] == ["i-then"]


def test_on_what_an_older_program_founded_no_machine_may_found_etcd_again():
    assert recorded({**cluster(DECIDED), **FOUNDING})["etcd_founders"] == []


def recorded(state: Mapping[str, Any]) -> Mapping[str, Any]:
    kept: list[Mapping[str, Any]] = []
    engine_with(state).run(lambda: (configure({}), kept.append(birth.read().record(load(), ["i-now"]))))
    return kept[0]


@pytest.mark.parametrize(
    ("key", "value"), [("heartbeatMilliseconds", 150), ("electionMilliseconds", 2000), ("etcdQuotaGib", 4)]
)
def test_stacked_members_keep_the_flags_that_kubeadm_gave_them(key: str, value: int):
    flags = {"heartbeatMilliseconds": "100", "electionMilliseconds": "1000", "etcdQuotaGib": "8"}
    stacked = {**cluster({**DECIDED, "etcdTopology": "stacked", **flags}), **FOUNDING}
    with pytest.raises(SettingsError, match=f"kubeadm-aws:{key} is '{value}'"):
        engine_with(stacked).run_stack({"etcdTopology": "stacked", key: value})
    assert engine_with({**cluster(DECIDED), **FOUNDING}).run_stack({key: value}).registered


@dataclass
class Writing(Engine):
    """An engine that is still writing the state, or cannot read it, when it is first asked."""

    says: str = "failed to load checkpoint: EOF"
    times: int = 2

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        if args.token == STATE and self.times:
            self.times -= 1
            raise RuntimeError(self.says)
        return super().call(args)


def test_a_state_that_is_being_written_is_read_again():
    engine = Writing(answers={**ANSWERS, STATE: {"outputs": {**cluster(DECIDED), **FOUNDING}}})
    with pytest.raises(SettingsError):
        engine.run_stack({"masterCount": 5})
    assert engine.times == 0


def test_a_state_that_cannot_be_read_is_told():
    with pytest.raises(Exception, match="no such backend"):
        Writing(says="no such backend", times=1).run_stack({})
