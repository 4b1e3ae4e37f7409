"""Preparation and etcd on mocks: what each step is told, order, triggers, secrecy."""

import base64
import re
from collections.abc import Sequence
from dataclasses import replace

import pytest
from registrations import Registration, record
from step_contents import has_golden_contents, settings_without_value
from steps_scene import SETTINGS, make_node, plugin_outputs

from components.etcd.health import health_files
from components.etcd.manager import EtcdManager
from components.etcd.members import Etcd, EtcdArgs
from components.etcd.static_pod import StaticPodManager
from components.etcd.systemd import SystemdManager
from components.host.chain import Chain
from components.host.preparation import Preparation, PreparationArgs
from components.pki.etcd import EtcdPki, EtcdPkiArgs
from settings.topology import TOPOLOGIES

MIRROR = "http://mirror.test"
STATIC_PODS = StaticPodManager(kubernetes=SETTINGS.kubernetes)


def declare(
    masters: int = 3,
    mirror: str | None = MIRROR,
    *,
    dedicated: bool = False,
    manager: EtcdManager | None = None,
    founders: Sequence[str] | None = None,
) -> dict[str, Registration]:
    topology = TOPOLOGIES["dedicated-static-pods" if manager is STATIC_PODS else "systemd"]
    settings = replace(SETTINGS, mirror=mirror, etcd=replace(SETTINGS.etcd, topology=topology))

    def program() -> None:
        nodes = [make_node("master", ordinal) for ordinal in range(masters)]
        machines = [make_node("etcd", ordinal) for ordinal in range(3)] if dedicated else []
        members = machines or nodes
        preparation = Preparation(
            "preparation",
            PreparationArgs(
                bastion=make_node("bastion", 0),
                masters=nodes,
                workers=[make_node("worker", 0)],
                etcd_machines=machines,
                master_files=health_files(members) if dedicated else [],
                settings=settings,
            ),
        )
        pki = EtcdPki("pki", EtcdPkiArgs(members=members, settings=settings.etcd))
        Etcd(
            "etcd",
            EtcdArgs(
                nodes=members,
                founders=founders,
                reached=preparation.reached,
                prepared=preparation.prepared if dedicated else preparation.reached,
                pki=pki,
                chain=Chain({}) if dedicated else None,
                manager=manager or SystemdManager(mirror=mirror),
                settings=settings.etcd,
            ),
        )

    return record(program, plugin_outputs)


def steps_of(registered: dict[str, Registration]) -> dict[str, Registration]:
    return {name: entry for name, entry in registered.items() if entry.kind == "command:remote:Command"}


@pytest.fixture(scope="module")
def steps() -> dict[str, Registration]:
    return steps_of(declare())


@pytest.fixture(scope="module")
def static_pods() -> dict[str, Registration]:
    return steps_of(declare(dedicated=True, manager=STATIC_PODS))


@pytest.fixture(scope="module")
def dedicated() -> dict[str, Registration]:
    return steps_of(declare(dedicated=True))


@pytest.mark.parametrize(
    "name",
    [
        "preparation-reach-master-1",
        "preparation-master-1",
        "preparation-worker-0",
        "etcd-disk-master-1",
        "etcd-master-1",
        "etcd-health",
    ],
)
def test_a_step_has_its_settings_files_and_scripts(steps: dict[str, Registration], name: str) -> None:
    assert has_golden_contents(steps[name].inputs["stdin"], name)


def test_an_etcd_machine_without_containers_gets_tools(dedicated: dict[str, Registration]) -> None:
    assert has_golden_contents(dedicated["preparation-etcd-1"].inputs["stdin"], "preparation-etcd-1-systemd")


@pytest.mark.parametrize("name", ["preparation-etcd-1", "etcd-etcd-1"])
def test_a_static_pods_step_has_its_settings_files_and_scripts(static_pods: dict[str, Registration], name: str) -> None:
    assert has_golden_contents(static_pods[name].inputs["stdin"], f"static-pod-{name}")


@pytest.mark.parametrize("way", ["steps", "dedicated", "static_pods"])
def test_every_script_has_a_value_for_what_it_uses(request: pytest.FixtureRequest, way: str) -> None:
    for name, step in request.getfixturevalue(way).items():
        assert not settings_without_value(step.inputs["stdin"]), name


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
    assert not any("delete" in step.inputs for step in steps.values())


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
        "/run/kubeadm-aws/etcd-member/pki/server.key": "KEY OF pki-master-1-server-key",
        "/run/kubeadm-aws/etcd-member/pki/peer.key": "KEY OF pki-master-1-peer-key",
        "/run/kubeadm-aws/etcd-member/pki/healthcheck-client.key": "KEY OF pki-healthcheck-client-key",
    }


def test_no_key_of_an_authority_is_on_a_host_that_runs_etcd_as_a_pod(static_pods: dict[str, Registration]) -> None:
    text = static_pods["etcd-etcd-1"].inputs["stdin"]
    assert re.findall(r"install_file (\S+/pki/\S+) (\d+) root:root", text) == [
        ("/run/kubeadm-aws/etcd-member/pki/ca.crt", "0644"),
        ("/run/kubeadm-aws/etcd-member/pki/server.crt", "0644"),
        ("/run/kubeadm-aws/etcd-member/pki/server.key", "0600"),
        ("/run/kubeadm-aws/etcd-member/pki/peer.crt", "0644"),
        ("/run/kubeadm-aws/etcd-member/pki/peer.key", "0600"),
        ("/run/kubeadm-aws/etcd-member/pki/healthcheck-client.crt", "0644"),
        ("/run/kubeadm-aws/etcd-member/pki/healthcheck-client.key", "0600"),
        ("/etc/kubernetes/pki/apiserver-etcd-client.crt", "0644"),
        ("/etc/kubernetes/pki/apiserver-etcd-client.key", "0600"),
    ]


def test_a_members_disk_is_measured_before_it_starts(steps: dict[str, Registration]) -> None:
    assert "etcd-disk-master-1" in steps["etcd-master-1"].dependencies
    assert "stdin" not in steps["etcd-disk-master-1"].secret_inputs, "its warning is for people"


def test_only_the_machines_that_the_cluster_was_born_on_may_found_etcd(steps: dict[str, Registration]) -> None:
    living = steps_of(declare(founders=["i-master-0-master-0-machine-id", "i-gone"]))
    may = {name: "\nMAY_FOUND=true\n" in living[f"etcd-{name}"].inputs["stdin"] for name in ("master-0", "master-1")}
    assert may == {"master-0": True, "master-1": False}
    assert all("\nMAY_FOUND=true\n" in steps[f"etcd-master-{n}"].inputs["stdin"] for n in range(3)), "before the birth"


def test_only_a_masters_member_without_containers_is_not_prepared_before(
    steps: dict[str, Registration], dedicated: dict[str, Registration], static_pods: dict[str, Registration]
) -> None:
    assert "preparation-master-1" not in steps["etcd-master-1"].dependencies
    assert "preparation-etcd-1" in dedicated["etcd-etcd-1"].dependencies
    assert "preparation-etcd-1" in static_pods["etcd-etcd-1"].dependencies


def test_the_etcd_image_goes_where_etcd_runs_as_a_container(
    dedicated: dict[str, Registration], static_pods: dict[str, Registration]
) -> None:
    image = "ETCD_IMAGE=registry.k8s.io/etcd:3.7.0-0\n"
    assert image in static_pods["preparation-etcd-1"].inputs["stdin"]
    for steps in (dedicated, static_pods):
        assert image not in steps["preparation-master-1"].inputs["stdin"]


def test_masters_can_ask_for_the_health_of_members_elsewhere(
    steps: dict[str, Registration], dedicated: dict[str, Registration]
) -> None:
    assert "install_file /usr/local/sbin/etcd-health 0755" in dedicated["preparation-master-1"].inputs["stdin"]
    assert "install_file /usr/local/sbin/etcd-health 0755" in dedicated["etcd-etcd-1"].inputs["stdin"]
    assert "/usr/local/sbin/etcd-health" not in steps["preparation-master-1"].inputs["stdin"], "two steps, one file"
