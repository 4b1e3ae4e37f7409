"""Order and options of the steps that make a cluster out of prepared machines, on mocks."""

import pytest
from golden_file import matches_golden
from registrations import Registration, record
from steps_scene import Thing, make_node, tls_outputs

from components.cluster_pki import ClusterPki, ClusterPkiArgs
from components.control_plane import ControlPlane, ControlPlaneArgs
from components.etcd_pki import EtcdPki, EtcdPkiArgs, Member
from components.verification import Verification, VerificationArgs
from components.workers import Workers, WorkersArgs


def declare_cluster() -> None:
    masters = [make_node("master", ordinal) for ordinal in range(3)]
    workers = [make_node("worker", ordinal) for ordinal in range(3)]
    prepared = {node.name: Thing(f"{node.name}-prepared") for node in (*masters, *workers)}
    etcd_ready = [Thing("etcd-ready")]
    etcd_pki = EtcdPki("etcd", EtcdPkiArgs(members=[Member(name=m.name, address=m.address) for m in masters]))
    pki = ClusterPki(
        "cluster",
        ClusterPkiArgs(
            cluster_name="demo", api_server="https://api.demo.internal:6443", nodes=[*masters, *workers], ca=None
        ),
    )
    endpoints = [f"https://{master.address}:2379" for master in masters]
    control_plane = ControlPlane(
        "control-plane",
        ControlPlaneArgs(
            masters=masters,
            prepared=prepared,
            etcd_endpoints=endpoints,
            etcd_ready=etcd_ready,
            named=[],
            reachable=[],
            etcd_pki=etcd_pki,
            pki=pki,
            cluster_name="demo",
            kubernetes_version="1.37.1",
            flannel_version="0.28.9",
            api_name="api.demo.internal",
            pod_cidr="10.244.0.0/16",
            service_cidr="10.96.0.0/12",
            fail_cgroup_v1=True,
            ignore_preflight_errors=(),
            conntrack_max_per_core=None,
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
            api_name="api.demo.internal",
            ignore_preflight_errors=(),
        ),
    )
    Verification(
        "verification",
        VerificationArgs(
            masters=masters,
            workers=workers,
            etcd_endpoints=endpoints,
            api_name="api.demo.internal",
            ingress_name="ingress.test",
            node_ports={80: 30080},
            kubernetes_version="1.37.1",
            etcd_version="3.7.1",
            flannel_version="0.28.9",
            after=[*control_plane.ready, *joined.ready],
        ),
    )


@pytest.fixture(scope="module")
def seen() -> dict[str, Registration]:
    return record(declare_cluster, tls_outputs)


MASTER_JOINS = [f"control-plane-join-master-{ordinal}" for ordinal in range(3)]
WORKER_JOINS = [f"workers-join-worker-{ordinal}" for ordinal in range(3)]
MEMBERSHIPS = [f"workers-membership-worker-{ordinal}" for ordinal in range(3)]
INIT = "control-plane-init"


def test_a_cluster_is_founded_once(seen):
    init = seen[INIT]
    assert init.inputs["triggers"] == []
    assert set(init.inputs) <= set(init.ignore_changes)
    assert init.protect
    assert init.dependencies >= {"etcd-ready", "master-0-prepared"}


def test_only_one_step_can_found_a_cluster(seen):
    founding = [step.name for step in seen.values() if "kubeadm init" in step.inputs.get("stdin", "")]
    founding += [step.name for step in seen.values() if "run_kubeadm init" in step.inputs.get("stdin", "")]
    assert set(founding) == {INIT}


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


def test_steps_end_with_their_machine_unasked(seen):
    for step in seen.values():
        if step.kind == "command:remote:Command" and step.name not in MEMBERSHIPS:
            assert step.deleted_with.endswith("-machine"), step.name


def test_the_proof_comes_last_and_names_every_machine(seen):
    proof = seen["verification-master-0"]
    assert proof.dependencies >= {INIT, "control-plane-network", *MASTER_JOINS, *WORKER_JOINS}
    for machine in [f"{role}-{ordinal}" for role in ("master", "worker") for ordinal in range(3)]:
        assert f"{machine}=i-{machine}-{machine}-machine-id" in proof.inputs["stdin"]
    assert "kubernetes 1.37.1, etcd 3.7.1, flannel 0.28.9" in proof.inputs["stdin"]


def test_keys_travel_in_secret_text_only(seen):
    for step in seen.values():
        if step.kind != "command:remote:Command":
            continue
        assert "KEY OF" not in step.inputs["create"] + step.inputs.get("delete", "")
        if step.name in {INIT, *MASTER_JOINS, *WORKER_JOINS}:
            assert "stdin" in step.secret_inputs, step.name
            assert {"stdout", "stderr"} <= set(step.additional_secret_outputs), step.name
            assert step.inputs["logging"] == "none"


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
def test_the_text_of_a_step_is_the_golden_one(seen, name):
    assert matches_golden(seen[name].inputs["stdin"], f"{name}.sh")
