"""Order and options of the steps that make a cluster out of prepared machines, on mocks."""

import base64
import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

import pulumi
import pytest
import yaml
from registrations import Registration, record
from step_contents import has_golden_contents, settings_without_value
from steps_scene import SETTINGS, SOURCE, Thing, make_node, plugin_outputs

from components.etcd.datastore import Datastore, etcd_client_files
from components.etcd.documents import external_etcd
from components.etcd.stacked import StackedEtcd, StackedEtcdArgs
from components.host.chain import Chain
from components.host.node import Node
from components.kubernetes.control_plane import ControlPlane, ControlPlaneArgs
from components.kubernetes.release import Release, ReleaseArgs
from components.kubernetes.verification import Verification, VerificationArgs
from components.kubernetes.workers import Workers, WorkersArgs
from components.pki.cluster import ClusterPki, ClusterPkiArgs
from components.pki.etcd import EtcdPki, EtcdPkiArgs


def external(masters: Sequence[Node]) -> Datastore:
    endpoints = [pulumi.Output.from_input(f"https://10.0.{ordinal}.8:2379") for ordinal in range(3)]
    return Datastore(
        endpoints=endpoints,
        section=pulumi.Output.all(*endpoints).apply(external_etcd),
        files=etcd_client_files(EtcdPki("etcd", EtcdPkiArgs(members=(), settings=SETTINGS.etcd))),
        members={master.name: Thing(f"{master.name}-member") for master in masters},
        pki="/etc/etcd/pki",
        ready=[Thing("etcd-ready")],
    )


def stacked(masters: Sequence[Node]) -> Datastore:
    args = StackedEtcdArgs(
        masters=masters,
        reached={master.name: Thing(f"{master.name}-reached") for master in masters},
        pki=EtcdPki("etcd", EtcdPkiArgs(members=(), settings=SETTINGS.etcd)),
        settings=SETTINGS.etcd,
    )
    return StackedEtcd("stacked-etcd", args).datastore


def declare_cluster(
    datastore_of: Callable[[Sequence[Node]], Datastore],
    distribution: Literal["placed", "uploaded"],
    founded: bool = False,
) -> None:
    kubernetes = replace(SETTINGS.kubernetes, certificate_distribution=distribution)
    masters = [make_node("master", ordinal) for ordinal in range(3)]
    workers = [make_node("worker", ordinal) for ordinal in range(3)]
    prepared = {node.name: Thing(f"{node.name}-prepared") for node in (*masters, *workers)}
    datastore = datastore_of(masters)
    pki = ClusterPki("cluster", ClusterPkiArgs(nodes=[*masters, *workers], settings=kubernetes))
    control_plane = ControlPlane(
        "control-plane",
        ControlPlaneArgs(
            founded=founded,
            chain=Chain({}),
            bastion=make_node("bastion", 0),
            masters=masters,
            prepared=prepared,
            datastore=datastore,
            named=[],
            reachable=[],
            pki=pki,
            settings=kubernetes,
        ),
    )
    joined = Workers(
        "workers",
        WorkersArgs(
            workers=workers,
            prepared=prepared,
            control_plane=control_plane,
            chain=Chain({}),
            attached={worker.name: [Thing(f"{worker.name}-attached")] for worker in workers},
            reachable=[],
            pki=pki,
            settings=kubernetes,
        ),
    )
    Verification(
        "verification",
        VerificationArgs(
            masters=masters,
            workers=workers,
            etcd_machines=[],
            api_servers=control_plane.api_servers,
            ingress_name="ingress.test",
            release=Release("release", ReleaseArgs(settings=SETTINGS, source=SOURCE)),
            settings=SETTINGS,
            firewall=["bastion to master: tcp (22, 22)"],
            certificates=["CERTIFICATE"],
            after=[*control_plane.ready, *joined.ready],
        ),
    )


def recorded(
    datastore_of: Callable[[Sequence[Node]], Datastore],
    distribution: Literal["placed", "uploaded"],
    founded: bool = False,
) -> dict[str, Registration]:
    return record(lambda: declare_cluster(datastore_of, distribution, founded), plugin_outputs)


@pytest.fixture(scope="module")
def seen() -> dict[str, Registration]:
    return recorded(external, "placed")


@pytest.fixture(scope="module")
def seen_stacked() -> dict[str, Registration]:
    return recorded(stacked, "placed")


@pytest.fixture(scope="module")
def seen_uploaded() -> dict[str, Registration]:
    return recorded(external, "uploaded")


@pytest.fixture(scope="module")
def seen_stacked_uploaded() -> dict[str, Registration]:
    return recorded(stacked, "uploaded")


# Every way to make a cluster, for what is true of all of them.
EVERY = ["seen", "seen_stacked", "seen_uploaded", "seen_stacked_uploaded"]


@pytest.fixture(params=EVERY)
def any_seen(request: pytest.FixtureRequest) -> dict[str, Registration]:
    return request.getfixturevalue(request.param)


MASTER_JOINS = [f"control-plane-join-master-{ordinal}" for ordinal in range(3)]
WORKER_JOINS = [f"workers-join-worker-{ordinal}" for ordinal in range(3)]
MEMBERSHIPS = [f"workers-membership-worker-{ordinal}" for ordinal in range(3)]
SERVICES = [f"workers-service-worker-{ordinal}" for ordinal in range(3)]
INIT = "control-plane-init"
CHECKS = [f"control-plane-certificates-check-master-0-for-master-{ordinal}" for ordinal in (1, 2)]
UPLOADS = [f"control-plane-certificates-master-0-for-master-{ordinal}" for ordinal in (1, 2)]
WITHDRAWAL = "control-plane-withdraw-certificates"
SPARE = [f"control-plane-spare-master-{ordinal}" for ordinal in range(3)]
STEADY = [f"control-plane-steady-master-{ordinal}" for ordinal in range(3)]
DISKS = [f"stacked-etcd-disk-master-{ordinal}" for ordinal in range(3)]


def test_a_cluster_is_founded_once(seen):
    init = seen[INIT]
    assert init.inputs["triggers"] == []
    assert set(init.inputs) <= set(init.ignore_changes)
    assert init.protect
    assert init.dependencies >= {"etcd-ready", "master-0-prepared"}


def test_only_one_step_can_found_a_cluster(any_seen):
    founding = re.compile(r"kubeadm init (?!phase upload-certs )")
    assert {step.name for step in any_seen.values() if founding.search(step.inputs.get("stdin", ""))} == {INIT}


@pytest.mark.parametrize("ordinal", range(3))
def test_every_master_joins_after_the_founding_when_its_machine_is_new(seen, ordinal):
    join = seen[MASTER_JOINS[ordinal]]
    assert join.dependencies >= {INIT, f"master-{ordinal}-prepared", "etcd-ready"}
    assert not join.dependencies & {*MASTER_JOINS, *WORKER_JOINS}
    assert join.inputs["triggers"] == [f"i-master-{ordinal}-master-{ordinal}-machine-id"]
    assert not join.protect
    assert "stdin" not in join.ignore_changes


@pytest.mark.parametrize("ordinal", range(3))
def test_workers_wait_for_the_founding_and_for_no_other_master(seen, ordinal):
    join, membership = seen[WORKER_JOINS[ordinal]], seen[MEMBERSHIPS[ordinal]]
    assert join.dependencies >= {MEMBERSHIPS[ordinal], f"worker-{ordinal}-prepared"}
    assert INIT in membership.dependencies
    assert not (join.dependencies | membership.dependencies) & {*MASTER_JOINS, *WORKER_JOINS}


def test_a_worker_leaves_service_before_anything_else_of_it_ends(seen):
    assert seen[SERVICES[1]].dependencies >= {WORKER_JOINS[1], "worker-1-attached"}


@pytest.mark.parametrize("name", [*MEMBERSHIPS, *SERVICES])
def test_what_a_master_does_for_a_worker_ends_with_that_and_not_with_the_master(seen, name):
    membership, ordinal = seen[name], name[-1]
    assert membership.inputs["triggers"] == [f"i-worker-{ordinal}-worker-{ordinal}-machine-id"]
    assert membership.inputs["delete"].endswith(" delete")
    assert membership.delete_before_replace
    assert membership.deleted_with == "control-plane"


def test_every_script_has_a_value_for_what_it_uses(any_seen):
    for step in any_seen.values():
        if step.kind == "command:remote:Command":
            assert not settings_without_value(step.inputs["stdin"]), step.name


def test_only_a_worker_needs_a_step_at_its_end(any_seen):
    assert {name for name, step in any_seen.items() if "delete" in step.inputs} == {*MEMBERSHIPS, *SERVICES}


def test_the_proof_comes_last_and_names_every_machine(seen):
    proof = seen["verification-master-0"]
    assert proof.dependencies >= {INIT, "control-plane-network", *STEADY, *SERVICES}
    for machine in [f"{role}-{ordinal}" for role in ("master", "worker") for ordinal in range(3)]:
        assert f"{machine}=i-{machine}-{machine}-machine-id" in proof.inputs["stdin"]
    assert "kubernetes 1.37.2, etcd 3.7.3, flannel 0.28.10" in proof.inputs["stdin"]


def test_keys_travel_in_secret_text_only(any_seen):
    for step in any_seen.values():
        if step.kind != "command:remote:Command":
            continue
        assert "KEY OF" not in step.inputs["create"] + step.inputs.get("delete", "")
        if step.name in {INIT, *MASTER_JOINS, *WORKER_JOINS, *UPLOADS}:
            assert "stdin" in step.secret_inputs, step.name
            assert {"stdout", "stderr"} <= set(step.additional_secret_outputs), step.name
            assert step.inputs["logging"] == "none"


@pytest.mark.parametrize("ordinal", range(3))
def test_masters_that_bring_a_member_join_one_after_another(seen_stacked, ordinal):
    assert seen_stacked[INIT].dependencies >= set(DISKS)
    join = seen_stacked[MASTER_JOINS[ordinal]]
    assert join.dependencies & {*MASTER_JOINS} == {*MASTER_JOINS[:ordinal][-1:]}
    assert (
        "\nSTACKED_ETCD=https://10.0.0.10:2379,https://10.0.1.10:2379,https://10.0.2.10:2379\n" in join.inputs["stdin"]
    )


def test_a_member_of_etcd_is_not_let_go_where_masters_bring_none(seen):
    for name in (INIT, *MASTER_JOINS):
        assert "\nSTACKED_ETCD=''\n" in seen[name].inputs["stdin"]


def staged_files(step: Registration) -> dict[str, str]:
    found = re.findall(
        r"^install_file /run/kubeadm-aws/kubeadm/(\S+) [^\n]*<<'END_OF_FILE'\n(.*?)END_OF_FILE$",
        step.inputs["stdin"],
        flags=re.DOTALL | re.MULTILINE,
    )
    return {path: base64.b64decode(content).decode() for path, content in found}


AUTHORITIES = {
    f"pki/{name}" for name in ("ca.crt", "ca.key", "front-proxy-ca.crt", "front-proxy-ca.key", "sa.pub", "sa.key")
}


@pytest.mark.parametrize(("way", "more"), [("seen", set()), ("seen_stacked", {"pki/etcd/ca.key"})])
def test_every_master_gets_what_all_share_with_its_step(request, way, more):
    seen = request.getfixturevalue(way)
    for name in (INIT, *MASTER_JOINS):
        assert {path for path in staged_files(seen[name]) if path.startswith("pki/")} == AUTHORITIES | more
    assert not {*CHECKS, *UPLOADS, WITHDRAWAL} & set(seen)


UPLOADED = pytest.mark.parametrize("way", ["seen_uploaded", "seen_stacked_uploaded"])


@UPLOADED
def test_only_the_first_master_gets_what_all_share_when_it_uploads_that(request, way):
    seen = request.getfixturevalue(way)
    for name in (INIT, MASTER_JOINS[0]):
        assert staged_files(seen[name]).keys() >= AUTHORITIES
        assert "certificateKey" not in staged_files(seen[name])["kubeadm.yaml"]
    uploaded, _ = yaml.safe_load_all(staged_files(seen[UPLOADS[1]])["kubeadm.yaml"])
    for name in MASTER_JOINS[1:]:
        files = staged_files(seen[name])
        assert not [path for path in files if path.startswith("pki/")]
        assert files.keys() >= {
            "etcd-client/apiserver-etcd-client.key",
            "kubelet-pki/serving.key",
            "ca.crt",
            "admin.conf",
        }
        assert yaml.safe_load(files["kubeadm.yaml"])["controlPlane"]["certificateKey"] == uploaded["certificateKey"]
        assert "\nCERTIFICATES=uploaded\n" in seen[name].inputs["stdin"]
    assert re.fullmatch("[0-9a-f]{64}", uploaded["certificateKey"])


@UPLOADED
def test_the_first_master_uploads_when_it_is_a_member_and_before_the_others_join(request, way):
    seen = request.getfixturevalue(way)
    for check, upload, join in zip(CHECKS, UPLOADS, MASTER_JOINS[1:], strict=True):
        assert MASTER_JOINS[0] in seen[check].dependencies
        assert check in seen[upload].dependencies
        assert upload in seen[join].dependencies
        assert upload not in seen[MASTER_JOINS[0]].dependencies
    assert UPLOADS[0] in seen[UPLOADS[1]].dependencies, "they share a stage"
    assert seen[WITHDRAWAL].dependencies >= {*UPLOADS, *MASTER_JOINS}
    assert seen["verification-master-0"].dependencies >= {WITHDRAWAL}


@UPLOADED
def test_a_new_master_is_uploaded_for_alone(request, way):
    seen = request.getfixturevalue(way)
    for name in (CHECKS[1], UPLOADS[1]):
        assert seen[name].inputs["triggers"] == ["i-master-2-master-2-machine-id"]
        assert "master-2=i-master-2-master-2-machine-id" in seen[name].inputs["stdin"]
        assert "machine-id" not in seen[name].inputs["stdin"].replace("master-2=i-master-2-master-2-machine-id", "")
    texts = [seen[name].inputs["stdin"] for name in UPLOADS]
    assert f"\nUPLOAD={hashlib.sha256(f'{texts}'.encode()).hexdigest()}\n" in seen[WITHDRAWAL].inputs["stdin"]
    assert seen[CHECKS[0]].inputs["connection"]["host"] == "bastion-0.test"


LIVING = pytest.mark.parametrize("datastore_of", [external, stacked])


@LIVING
@pytest.mark.parametrize("distribution", ["placed", "uploaded"])
def test_in_a_founded_cluster_no_masters_join_waits_for_what_waits_for_another_machine(datastore_of, distribution):
    seen = recorded(datastore_of, distribution, founded=True)

    def waits_for(name: str) -> set[str]:
        direct = seen[name].dependencies if name in seen else frozenset()
        return {*direct, *(far for near in direct for far in waits_for(near))}

    for ordinal, join in enumerate(MASTER_JOINS):
        assert not [name for name in waits_for(SPARE[ordinal]) if name.endswith("-machine")], "it comes before them"
        others = {f"master-{other}-machine" for other in range(3) if other != ordinal}
        assert f"master-{ordinal}-machine" in waits_for(STEADY[ordinal])
        assert not waits_for(STEADY[ordinal]) & others, join


def test_masters_that_download_join_at_once_unless_they_bring_a_member(seen_uploaded, seen_stacked_uploaded):
    assert not seen_uploaded[MASTER_JOINS[2]].dependencies & {*MASTER_JOINS}
    assert MASTER_JOINS[1] in seen_stacked_uploaded[MASTER_JOINS[2]].dependencies


@pytest.mark.parametrize(
    "name",
    [
        INIT,
        "control-plane-network",
        "control-plane-join-master-1",
        "control-plane-steady-master-1",
        "control-plane-spare-master-1",
        "workers-membership-worker-0",
        "workers-service-worker-0",
        "workers-join-worker-0",
        "verification-master-0",
    ],
)
def test_a_step_has_its_settings_files_and_scripts(seen, name):
    assert has_golden_contents(seen[name].inputs["stdin"], name)


@pytest.mark.parametrize("name", [CHECKS[1], UPLOADS[1], WITHDRAWAL])
def test_a_step_about_the_upload_has_its_settings_files_and_scripts(seen_stacked_uploaded, name):
    assert has_golden_contents(seen_stacked_uploaded[name].inputs["stdin"], name)
