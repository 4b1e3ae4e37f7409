"""`python -m operate drain` and `replace`, where pulumi and ssh are played: what is refused, and who is asked what."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from operate.__main__ import main
from settings.tags import CLUSTER_TAG

NODES = ("master-0", "master-1", "master-2", "worker-0", "gpu-0")
OUTPUTS = {
    "bastionAddress": "203.0.113.7",
    "apiEndpoint": "https://api.kubeadm.internal:6443",
    "nodes": [
        {"name": name, "address": f"10.0.32.{number}", "zone": "us-east-1a", "machine": f"i-{name}-before"}
        for number, name in enumerate(NODES)
    ],
    "loginUser": "admin",
    "kubeconfig": "apiVersion: v1",
    "sshPrivateKey": "KEY",
    "sshKnownHosts": "203.0.113.7 ssh-ed25519 AAAA",
}
PULUMI = """
case "$1 $2" in
  "stack ls") echo '[{"name":"dev"}]' ;;
  "whoami --json") echo "{\\"url\\":\\"file://$FAKE/backend\\"}" ;;
  "stack export") cat "$FAKE/state" ;;
  "stack output") cat "$FAKE/outputs" ;;
  *) echo "not played: $*" >&2; exit 2 ;;
esac
"""
# The host's name comes after `-F configuration`; a host that is down says nothing.
SSH = """
[[ ! -e $FAKE/down-$3 ]] || exit 255
case $4 in
  true) ;;
  "for server in https://10.0.32.1:6443/readyz https://10.0.32.2:6443/readyz; do "*) [[ ! -e $FAKE/unserved ]] ;;
  "sudo etcd-health") cat "$FAKE/health"; exit 1 ;;
  *) cat >"$FAKE/ran-$3" ;;
esac
"""
HEALTH = """NAME      ADDRESS    HEALTH     VERSION  ROLE    WHY
master-0  10.0.32.0  unhealthy  -        voter   2379 refused
master-1  10.0.32.1  {master_1}    3.7.3    leader
master-2  10.0.32.2  healthy    3.7.3    voter
etcd is NOT healthy: 2 of 3 members
"""


def machine(node: str) -> dict[str, object]:
    """As the state has it."""
    kind, tags = "aws:ec2/instance:Instance", {CLUSTER_TAG: "kubeadm"}
    urn = f"urn:pulumi:dev::kubeadm-aws::{kind}::kubeadm-{node}"
    return {"urn": urn, "type": kind, "id": f"i-{node}", "inputs": {"tags": tags}}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "bin").mkdir()
    for name, script in {"pulumi": PULUMI, "ssh": SSH}.items():
        (tmp_path / "bin" / name).write_text(f"#!/usr/bin/env bash\n{script}")
        (tmp_path / "bin" / name).chmod(0o755)
    (tmp_path / "outputs").write_text(json.dumps(OUTPUTS))
    (tmp_path / "state").write_text(json.dumps({"version": 3, "deployment": {"resources": list(map(machine, NODES))}}))
    (tmp_path / "health").write_text(HEALTH.format(master_1="healthy"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setenv("FAKE", str(tmp_path))
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, [arguments[0], "--stack", "dev", *arguments[1:]])


@pytest.mark.parametrize("command", ["drain", "replace"])
def test_what_is_no_machine_is_told_with_those_that_are(folder: Path, command: str):
    done = run(command, "worker-7")
    assert done.exit_code == 1
    assert "worker-7 is no machine of stack dev; there are master-0, master-1, master-2, worker-0, gpu-0" in done.output


def test_only_workers_are_drained(folder: Path):
    done = run("drain", "master-1")
    assert done.exit_code == 1
    assert "master-1 is no worker" in done.output


@pytest.mark.parametrize("name", ["worker-0", "gpu-0"])
def test_a_worker_of_any_pool_is_drained_by_the_first_master_that_answers(folder: Path, name: str):
    (folder / "down-master-0").touch()
    done = run("drain", name, "--drain-seconds", "20")
    assert done.exit_code == 0, done.output
    assert "Back with: python -m operate drain --stack dev --undo " + name in done.output
    text = (folder / "ran-master-1").read_text()
    for setting in (f"NODE_NAME={name}", f"PROVIDER_ID=aws:///us-east-1a/i-{name}", "DRAIN_SECONDS=20"):
        assert f"\n{setting}\n" in text
    assert "https://10.0.32.1:6443 https://10.0.32.2:6443 https://api.kubeadm.internal:6443" in text
    assert run("drain", "--undo", name).exit_code == 0
    assert "uncordon" in (folder / "ran-master-1").read_text()


def test_where_no_master_answers_nothing_is_drained(folder: Path):
    for name in NODES[:3]:
        (folder / f"down-{name}").touch()
    done = run("drain", "worker-0")
    assert done.exit_code == 1
    assert "no master answers SSH" in done.output


def test_a_member_stays_when_another_is_sick(folder: Path):
    (folder / "health").write_text(HEALTH.format(master_1="unhealthy"))
    done = run("replace", "--yes", "master-0")
    assert done.exit_code == 1
    assert "master-0 stays: master-1 of etcd is not healthy" in done.output


def test_a_master_stays_when_no_other_serves_the_api(folder: Path):
    (folder / "unserved").touch()
    done = run("replace", "--yes", "master-0")
    assert done.exit_code == 1
    assert "master-0 stays: no other master's API server is ready" in done.output


def test_nothing_ends_unless_it_is_agreed_to(folder: Path):
    done = run("replace", "worker-0")
    assert done.exit_code == 1
    assert "End worker-0 (i-worker-0) of stack dev and make another? [y/N]" in done.output
    assert not list(folder.glob("ran-*"))
