"""An update told in words: machines in their order, steps, what is gone for good, what is left alone."""

import json
import re
from pathlib import Path
from typing import Any, get_args

import pytest
from click.testing import CliRunner
from conftest import Engine, stack_settings

from operate.__main__ import main
from operate.plan import KINDS, MACHINE, RUNNING, STEP, Plan
from settings.topology import TOPOLOGIES
from settings.values import CertificateDistribution

CLUSTER = "kubeadm:index:Cluster"


def step(op: str, type: str, name: str, *differences: str) -> dict[str, Any]:
    urn = f"urn:pulumi:dev::kubeadm-aws::kubeadm:index:Cluster${type}::{name}"
    return {"op": op, "urn": urn, "detailedDiff": {path: {"kind": "update"} for path in differences} or None}


def told(*steps: dict[str, Any]) -> str:
    return Plan.of([step("same", CLUSTER, "dev"), *steps]).told()


def lines(*steps: dict[str, Any]) -> list[str]:
    return [" ".join(line.split()) for line in told(*steps).splitlines()]


def test_nothing_is_said_to_be_nothing() -> None:
    assert told(step("same", MACHINE, "dev-master-0")) == (
        "Nothing changes: the cluster already is what the program says."
    )
    assert "Nothing changes" in told(step("update", "kubeadm:index:Fleet", "dev-fleet"))


def test_machines_are_told_in_the_order_in_which_they_change() -> None:
    said = lines(
        step("replace", MACHINE, "dev-worker-0", "instanceType"),
        step("update", MACHINE, "dev-master-1", "instanceType"),
        step("create-replacement", MACHINE, "dev-master-0", "ami"),
        step("delete-replaced", MACHINE, "dev-master-0"),
        step("update", MACHINE, "dev-master-2", "tags.team"),
        step("delete", MACHINE, "dev-gpu-10"),
        step("delete", MACHINE, "dev-gpu-9"),
        step("create", MACHINE, "dev-etcd-0"),
        step("same", MACHINE, "dev-worker-1"),
    )
    assert said[1:9] == [
        "etcd-0 made",
        "master-0 replaced, once the others are steady (ami)",
        "master-1 stopped, changed (instanceType) and started, once the others are steady",
        "master-2 changed while it runs (tags)",
        "gpu-9 ended, drained first",
        "gpu-10 ended, drained first",
        "worker-0 replaced, drained first (instanceType)",
        "Gone for good",
    ]
    assert "Untouched: worker-1, and 0 resources more" in said


def test_a_machine_that_was_stopped_is_started() -> None:
    said = lines(step("same", MACHINE, "dev-master-0"), step("update", RUNNING, "dev-master-0-running", "state"))
    assert "master-0 started" in said


def test_what_cannot_be_had_back_is_said() -> None:
    said = told(
        step("replace", MACHINE, "dev-worker-0"),
        step("create-replacement", "tls:index/selfSignedCert:SelfSignedCert", "dev-pki-ca"),
        step("delete", "aws:ec2/vpc:Vpc", "dev"),
        step("delete", "aws:ec2/route:Route", "dev-r"),
    )
    lost = said[said.index("Gone for good") :]
    assert "the disk of worker-0" in lost
    assert "the authority pki-ca, and with it all that trusts it" in lost
    assert "the network dev" in lost
    assert "  1 route ended" in said


def test_steps_are_told_by_what_they_are_for_and_where() -> None:
    said = lines(
        step("update", STEP, "dev-etcd-master-1", "stdin"),
        step("update", STEP, "dev-etcd-master-0", "stdin"),
        step("update", STEP, "dev-verification-master-0", "stdin"),
        step("delete", STEP, "dev-workers-join-worker-3"),
    )
    assert "etcd's member, restarted if it must: master-0, master-1" in said
    assert "the whole cluster is proved" in said
    assert "joins the cluster: worker-3" not in said, "what goes does nothing"


@pytest.mark.parametrize("distribution", get_args(CertificateDistribution))
@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_every_step_of_the_program_is_of_a_kind(topology: str, distribution: str) -> None:
    gpu = {"count": 1, "instanceType": "t3.small", "labels": {"accelerator": "none"}}
    given = {"etcdTopology": topology, "certificateDistribution": distribution, "workerPools": {"gpu": gpu}}
    made = Engine().run_stack({**stack_settings("local"), **given}).declared(STEP)
    steps = [{"op": "create", "urn": f"urn:pulumi:x::p::{STEP}::{name}"} for name in made]
    plan = Plan.of([{"op": "same", "urn": f"urn:pulumi:x::p::{CLUSTER}::local"}, *steps])
    said = plan.told()
    assert "other steps" not in said
    named = re.findall(r"^  .*: (.+)$", said, re.MULTILINE)
    assert all(re.fullmatch(r"(master|worker|gpu|etcd)-\d", node) for nodes in named for node in nodes.split(", "))
    assert len({kind.what for kind in KINDS}) >= len(KINDS) - 1


@pytest.mark.parametrize("fails", [False, True])
def test_a_preview_is_told_and_so_is_why_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    previewed = {
        "steps": [step("same", CLUSTER, "dev"), step("create", MACHINE, "dev-worker-3")],
        "diagnostics": [{"message": "adminCidrs is missing", "severity": "error"}] if fails else [],
    }
    (tmp_path / "preview.json").write_text(json.dumps(previewed))
    pulumi = tmp_path / "pulumi"
    pulumi.write_text(f"#!/bin/sh\ncat {tmp_path}/preview.json\nexit {int(fails)}\n")
    pulumi.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    done = CliRunner().invoke(main, ["plan", "--stack", "dev"])
    assert done.exit_code == int(fails)
    assert ("adminCidrs is missing" if fails else "worker-3     made") in done.output
