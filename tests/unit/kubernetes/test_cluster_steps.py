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
from steps_scene import SETTINGS, Thing, make_node, tls_outputs

from components.etcd.datastore import Datastore, etcd_client_files
from components.etcd.documents import external_etcd
from components.etcd.stacked import StackedEtcd, StackedEtcdArgs
from components.host.node import Node
from components.kubernetes.control_plane import ControlPlane, ControlPlaneArgs
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
    datastore_of: Callable[[Sequence[Node]], Datastore], distribution: Literal["placed", "uploaded"]
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
            settings=SETTINGS,
            after=[*control_plane.ready, *joined.ready],
        ),
    )


def recorded(
    datastore_of: Callable[[Sequence[Node]], Datastore], distribution: Literal["placed", "uploaded"]
) -> dict[str, Registration]:
    return record(lambda: declare_cluster(datastore_of, distribution), tls_outputs)


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
INIT = "control-plane-init"
CHECK, UPLOAD, WITHDRAWAL = (
    "control-plane-certificates-check-master-0",
    "control-plane-certificates-master-0",
    "control-plane-withdraw-certificates",
)
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


@pytest.mark.parametrize("ordinal", range(3))
def test_membership_ends_with_its_worker_and_not_with_the_master_it_runs_on(seen, ordinal):
    membership = seen[MEMBERSHIPS[ordinal]]
    assert membership.inputs["triggers"] == [f"i-worker-{ordinal}-worker-{ordinal}-machine-id"]
    assert membership.inputs["delete"].endswith(" delete")
    assert membership.delete_before_replace
    assert membership.deleted_with == "control-plane"


def test_every_script_has_a_value_for_what_it_uses(any_seen):
    for step in any_seen.values():
        if step.kind == "command:remote:Command":
            assert not settings_without_value(step.inputs["stdin"]), step.name


def test_steps_end_with_their_machine_unasked(any_seen):
    for step in any_seen.values():
        if step.kind == "command:remote:Command" and step.name not in MEMBERSHIPS:
            assert step.deleted_with.endswith("-machine"), step.name


def test_the_proof_comes_last_and_names_every_machine(seen):
    proof = seen["verification-master-0"]
    assert proof.dependencies >= {INIT, "control-plane-network", *MASTER_JOINS, *WORKER_JOINS}
    for machine in [f"{role}-{ordinal}" for role in ("master", "worker") for ordinal in range(3)]:
        assert f"{machine}=i-{machine}-{machine}-machine-id" in proof.inputs["stdin"]
    assert "kubernetes 1.37.2, etcd 3.7.3, flannel 0.28.10" in proof.inputs["stdin"]


def test_keys_travel_in_secret_text_only(any_seen):
    for step in any_seen.values():
        if step.kind != "command:remote:Command":
            continue
        assert "KEY OF" not in step.inputs["create"] + step.inputs.get("delete", "")
        if step.name in {INIT, *MASTER_JOINS, *WORKER_JOINS, UPLOAD}:
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
    assert not {CHECK, UPLOAD, WITHDRAWAL} & set(seen)


UPLOADED = pytest.mark.parametrize("way", ["seen_uploaded", "seen_stacked_uploaded"])


@UPLOADED
def test_only_the_first_master_gets_what_all_share_when_it_uploads_that(request, way):
    seen = request.getfixturevalue(way)
    for name in (INIT, MASTER_JOINS[0]):
        assert staged_files(seen[name]).keys() >= AUTHORITIES
        assert "certificateKey" not in staged_files(seen[name])["kubeadm.yaml"]
    uploaded, _ = yaml.safe_load_all(staged_files(seen[UPLOAD])["kubeadm.yaml"])
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
    assert MASTER_JOINS[0] in seen[CHECK].dependencies
    assert CHECK in seen[UPLOAD].dependencies
    assert UPLOAD not in seen[MASTER_JOINS[0]].dependencies
    assert all(UPLOAD in seen[name].dependencies for name in MASTER_JOINS[1:])
    assert seen[WITHDRAWAL].dependencies >= {UPLOAD, *MASTER_JOINS}
    assert seen["verification-master-0"].dependencies >= {WITHDRAWAL}


@UPLOADED
def test_new_masters_are_uploaded_for_and_a_new_first_master_uploads_anew(request, way):
    seen = request.getfixturevalue(way)
    for name in (CHECK, UPLOAD):
        assert seen[name].inputs["triggers"] == ["i-master-0-master-0-machine-id"]
        for other in ("master-1", "master-2"):
            assert f"{other}=i-{other}-{other}-machine-id" in seen[name].inputs["stdin"]
    digest = hashlib.sha256(seen[UPLOAD].inputs["stdin"].encode()).hexdigest()
    assert f"\nUPLOAD={digest}\n" in seen[WITHDRAWAL].inputs["stdin"]
    assert seen[CHECK].inputs["connection"]["host"] == "bastion-0.test"


def test_masters_that_download_join_at_once_unless_they_bring_a_member(seen_uploaded, seen_stacked_uploaded):
    assert not seen_uploaded[MASTER_JOINS[2]].dependencies & {*MASTER_JOINS}
    assert MASTER_JOINS[1] in seen_stacked_uploaded[MASTER_JOINS[2]].dependencies


@pytest.mark.parametrize(
    "name",
    [
        INIT,
        "control-plane-network",
        "control-plane-join-master-1",
        "workers-membership-worker-0",
        "workers-join-worker-0",
        "verification-master-0",
    ],
)
def test_a_step_has_its_settings_files_and_scripts(seen, name):
    assert has_golden_contents(seen[name].inputs["stdin"], name)


@pytest.mark.parametrize("name", [CHECK, UPLOAD, WITHDRAWAL])
def test_a_step_about_the_upload_has_its_settings_files_and_scripts(seen_stacked_uploaded, name):
    assert has_golden_contents(seen_stacked_uploaded[name].inputs["stdin"], name)
