"""Preparation and etcd on mocks: the text of every step against golden files, order, triggers, secrecy."""

import base64
import re

import pytest
from golden_file import matches_golden
from registrations import Registration, record
from steps_scene import make_node, tls_outputs

from components.etcd import Etcd, EtcdArgs
from components.etcd_pki import EtcdPki, EtcdPkiArgs, Member
from components.preparation import Preparation, PreparationArgs

MIRROR = "http://mirror.test"


def declare(masters: int = 3, mirror: str | None = MIRROR) -> dict[str, Registration]:
    def program() -> None:
        nodes = [make_node("master", ordinal) for ordinal in range(masters)]
        preparation = Preparation(
            "preparation",
            PreparationArgs(
                bastion=make_node("bastion", 0),
                masters=nodes,
                workers=[make_node("worker", 0)],
                kubernetes_version="1.37.1",
                flannel_version="0.28.9",
                mirror=mirror,
            ),
        )
        pki = EtcdPki("pki", EtcdPkiArgs(members=[Member(name=n.name, address=n.address) for n in nodes]))
        Etcd(
            "etcd",
            EtcdArgs(
                nodes=nodes,
                reached=preparation.reached,
                pki=pki,
                cluster_token="demo",
                version="3.7.1",
                mirror=mirror,
                heartbeat_milliseconds=100,
                election_milliseconds=1000,
            ),
        )

    return record(program, tls_outputs)


@pytest.fixture(scope="module")
def steps() -> dict[str, Registration]:
    return {name: entry for name, entry in declare().items() if entry.kind == "command:remote:Command"}


@pytest.mark.parametrize(
    "name",
    ["preparation-reach-master-1", "preparation-master-1", "preparation-worker-0", "etcd-master-1", "etcd-health"],
)
def test_the_text_of_a_step_is_the_golden_one(steps: dict[str, Registration], name: str) -> None:
    assert matches_golden(steps[name].inputs["stdin"], f"{name}.sh")


def test_without_a_mirror_everything_is_upstream() -> None:
    seen = declare(mirror=None)
    for name in ("preparation-master-1", "etcd-master-1"):
        assert "MIRROR=''\n" in seen[name].inputs["stdin"]


def test_one_master_is_a_cluster_of_one_member() -> None:
    text = declare(masters=1)["etcd-master-0"].inputs["stdin"]
    assert "OTHER_ENDPOINTS=''\n" in text
    assert "INITIAL_CLUSTER=master-0=https://10.0.0.10:2380\n" in text


def test_nothing_is_tried_on_a_machine_before_it_answers(steps: dict[str, Registration]) -> None:
    for node in ("master-0", "master-2", "worker-0"):
        assert f"preparation-reach-{node}" in steps[f"preparation-{node}"].dependencies
    assert "preparation-reach-master-2" in steps["etcd-master-2"].dependencies


def test_members_start_together_and_health_comes_after_all(steps: dict[str, Registration]) -> None:
    members = {f"etcd-master-{ordinal}" for ordinal in range(3)}
    for member in members:
        assert not steps[member].dependencies & members
    assert members <= steps["etcd-health"].dependencies


def test_a_new_machine_runs_its_steps_again_and_ends_without_them(steps: dict[str, Registration]) -> None:
    assert steps["etcd-master-1"].inputs["triggers"] == ["i-master-1-master-1-machine-id"]
    assert steps["preparation-reach-master-1"].inputs["triggers"] == ["i-master-1-master-1-machine-id"]
    assert steps["etcd-health"].inputs["triggers"] == [f"i-master-{n}-master-{n}-machine-id" for n in range(3)]
    for name, step in steps.items():
        owner = name.split("-", 1)[1].removeprefix("reach-")
        assert step.deleted_with == ("master-0" if owner == "health" else owner) + "-machine"
        assert "delete" not in step.inputs


def test_keys_travel_only_in_a_secret_text(steps: dict[str, Registration]) -> None:
    member = steps["etcd-master-1"]
    assert "stdin" in member.secret_inputs
    assert member.inputs["logging"] == "none"
    assert set(member.additional_secret_outputs) >= {"stdout", "stderr"}
    for step in steps.values():
        assert step.inputs["create"].startswith("sudo timeout --kill-after=20 ")
        assert step.inputs["create"].endswith(" bash -s")
        assert step.inputs["addPreviousOutputInEnv"] is False


def test_a_member_gets_its_own_keys_and_no_authoritys(steps: dict[str, Registration]) -> None:
    text = steps["etcd-master-1"].inputs["stdin"]
    installed = re.findall(r"install_file (\S+) .*<<'END_OF_FILE'\n([^_]*)\nEND_OF_FILE", text)
    contents = {path: base64.b64decode(encoded).decode() for path, encoded in installed}
    keys = {path: text for path, text in contents.items() if "KEY OF" in text}
    assert keys == {
        "/etc/etcd/pki/server.key": "KEY OF pki-master-1-server-key",
        "/etc/etcd/pki/peer.key": "KEY OF pki-master-1-peer-key",
        "/etc/etcd/pki/healthcheck-client.key": "KEY OF pki-healthcheck-client-key",
    }
