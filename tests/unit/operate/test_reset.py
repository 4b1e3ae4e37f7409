"""`python -m operate reset`, where pulumi and ssh are played: what is asked, what is wiped, what is forgotten."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from click.testing import CliRunner, Result

from operate.__main__ import main
from operate.cluster_state import without_cluster
from region.cloud import moto_patches
from region.cloud.moto_patches import IMAGE_ID
from settings.tags import CLUSTER_TAG

moto_patches.install()

from moto import mock_aws  # noqa: E402

NODES = {"master-0": "10.0.32.10", "worker-0": "10.0.32.20", "etcd-0": "10.0.32.18"}
OUTPUTS = {
    "bastionAddress": "203.0.113.7",
    "apiEndpoint": "https://api.kubeadm.internal:6443",
    "nodes": [
        {"name": name, "address": address, "zone": "us-east-1a", "machine": f"i-{name}"}
        for name, address in NODES.items()
    ],
    "loginUser": "admin",
    "kubeconfig": "apiVersion: v1",
    "sshPrivateKey": "KEY",
    "sshKnownHosts": "203.0.113.7 ssh-ed25519 AAAA",
}
SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "v1:abc:def"}
PULUMI = """
case "$1 $2" in
  "stack ls") echo '[{"name":"dev"}]' ;;
  "whoami --json") echo "{\\"url\\":\\"file://$FAKE/backend\\"}" ;;
  "stack export") cat "$FAKE/state" ;;
  "stack output") cat "$FAKE/outputs" ;;
  "stack import") cat >"$FAKE/state" ;;
  *) echo "not played: $*" >&2; exit 2 ;;
esac
"""
# The host's name comes after `-F configuration`; what is in state-after gets there while it is wiped.
SSH = """
cat >"$FAKE/wiped/$3"
echo "$4" >"$FAKE/command"
[[ ! -e $FAKE/state-after ]] || cp "$FAKE/state-after" "$FAKE/state"
case $(cat "$FAKE/hosts/$3" 2>/dev/null) in
  "") echo "wiped: all of it" ;;
  down) echo "ssh: connect to host $3 port 22: Connection timed out" >&2; exit 255 ;;
  *) cat "$FAKE/hosts/$3" >&2; exit 1 ;;
esac
"""


def resource(type: str, name: str, parent: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """As the state has it: the types of all components above stand in the URN."""
    above = f"{parent['urn'].split('::')[2]}$" if parent else ""
    urn = f"urn:pulumi:dev::kubeadm-aws::{above}{type}::{name}"
    return {
        "urn": urn,
        "custom": ":index:" not in type,
        "type": type,
        "parent": parent["urn"] if parent else "",
        **more,
    }


STACK = resource("pulumi:pulumi:Stack", "kubeadm-aws-dev", outputs={"kubeconfig": SECRET})
PROVIDER = resource("pulumi:providers:tls", "default_5_6_2", id="p-1")
INFRASTRUCTURE = resource("kubeadm:index:Infrastructure", "kubeadm")
VPC = resource(
    "aws:ec2/vpc:Vpc",
    "kubeadm",
    INFRASTRUCTURE,
    id="vpc-1",
    protect=True,
    inputs={"tags": {CLUSTER_TAG: "kubeadm"}},
)
SSH_KEY = resource("tls:index/privateKey:PrivateKey", "kubeadm-access", INFRASTRUCTURE, id="1", outputs={"pem": SECRET})
CLUSTER = resource("kubeadm:index:Cluster", "kubeadm")
PKI = resource("kubeadm:index:EtcdPki", "kubeadm-etcd-pki", CLUSTER)
CA_KEY = resource("tls:index/privateKey:PrivateKey", "kubeadm-etcd-pki-ca-key", PKI, id="2", protect=True)
CONTROL_PLANE = resource("kubeadm:index:ControlPlane", "kubeadm-control-plane", CLUSTER)
INIT = resource("command:remote:Command", "kubeadm-control-plane-init", CONTROL_PLANE, id="3", deletedWith=VPC["urn"])
JOIN = resource("command:remote:Command", "kubeadm-control-plane-join-master-1", CONTROL_PLANE)
RESOURCES = [STACK, PROVIDER, INFRASTRUCTURE, VPC, SSH_KEY, CLUSTER, PKI, CA_KEY, CONTROL_PLANE, INIT]
STAYING = [STACK, PROVIDER, INFRASTRUCTURE, VPC, SSH_KEY]


def state_of(*resources: Mapping[str, Any], creating: tuple[Mapping[str, Any], ...] = ()) -> dict[str, Any]:
    deployment: dict[str, Any] = {"manifest": {"version": "v3.259.0"}, "resources": list(resources)}
    if creating:
        deployment["pending_operations"] = [{"resource": one, "type": "creating"} for one in creating]
    return {"version": 3, "deployment": deployment}


def test_all_below_the_cluster_goes_and_nothing_else():
    assert without_cluster(state_of(*RESOURCES)) == state_of(*STAYING)


def test_the_order_of_the_state_does_not_matter():
    assert without_cluster(state_of(*reversed(RESOURCES))) == state_of(*reversed(STAYING))


def test_a_state_without_a_cluster_stays_as_it_is():
    nothing = {"version": 3, "deployment": None}
    assert (without_cluster(state_of(*STAYING)), without_cluster(nothing)) == (state_of(*STAYING), nothing)


def test_an_unfinished_creation_goes_with_the_cluster():
    other = resource("aws:ec2/subnet:Subnet", "kubeadm-a", INFRASTRUCTURE)
    left = without_cluster(state_of(*RESOURCES, creating=(JOIN, other)))
    assert left == state_of(*STAYING, creating=(other,))


def test_what_stays_depends_on_nothing_that_went():
    ours = {"dependencies": [VPC["urn"]], "propertyDependencies": {"ami": [VPC["urn"]]}}
    theirs = {
        "dependencies": [VPC["urn"], CA_KEY["urn"]],
        "propertyDependencies": {"ami": [VPC["urn"], CA_KEY["urn"]]},
        "deletedWith": INIT["urn"],
    }
    machine = resource("aws:ec2/instance:Instance", "kubeadm-master-0", INFRASTRUCTURE, id="i-1")
    [*_, left] = without_cluster(state_of(*RESOURCES, {**machine, **theirs}))["deployment"]["resources"]
    assert left == {**machine, **ours}


@dataclass(frozen=True, kw_only=True)
class Operator:
    """Who types the command; the files are what pulumi and the hosts are told to say."""

    folder: Path

    def resets(self, *flags: str, types: str = "") -> Result:
        return CliRunner().invoke(main, ["reset", "--stack", "dev", *flags], input=types)

    def has_state(self, state: Mapping[str, Any], file: str = "state") -> None:
        (self.folder / file).write_text(json.dumps(state))

    def has_machine(self, name: str) -> None:
        """AWS and the state have it; outputs may be older."""
        [machine] = boto3.client("ec2").run_instances(ImageId=IMAGE_ID, MinCount=1, MaxCount=1)["Instances"]
        self.knows_machine(name, machine["InstanceId"])

    def knows_machine(self, name: str, identity: str) -> None:
        """The state has it, whatever AWS has."""
        known = resource("aws:ec2/instance:Instance", f"kubeadm-{name}", INFRASTRUCTURE, id=identity)
        self.has_state(state_of(*self.state["deployment"]["resources"], known))

    def host_says(self, name: str, text: str) -> None:
        (self.folder / "hosts" / name).write_text(text)

    @property
    def state(self) -> dict[str, Any]:
        return json.loads((self.folder / "state").read_text())

    @property
    def wiped(self) -> set[str]:
        return {file.name for file in (self.folder / "wiped").iterdir()}


@pytest.fixture
def operator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Operator]:
    for folder in ("bin", "wiped", "hosts", "backend/.pulumi/locks/organization/kubeadm-aws/dev"):
        (tmp_path / folder).mkdir(parents=True)
    for name, script in {"pulumi": PULUMI, "ssh": SSH}.items():
        (tmp_path / "bin" / name).write_text(f"#!/usr/bin/env bash\n{script}")
        (tmp_path / "bin" / name).chmod(0o755)
    (tmp_path / "outputs").write_text(json.dumps(OUTPUTS))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setenv("FAKE", str(tmp_path))
    made = Operator(folder=tmp_path)
    made.has_state(state_of(*RESOURCES))
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, "us-east-1")
    with mock_aws():
        yield made


@pytest.mark.parametrize(("flags", "types"), [((), "kubeadm\n"), (("--yes-wipe", "kubeadm"), "")])
def test_every_machine_is_wiped_and_the_cluster_forgotten(operator: Operator, flags: tuple[str, ...], types: str):
    done = operator.resets(*flags, types=types)
    assert done.exit_code == 0, done.output
    assert operator.wiped == NODES.keys()
    text = (operator.folder / "wiped" / "etcd-0").read_text()
    assert "STEP='wipe on etcd-0'" in text
    assert "kubeadm reset --force" in text
    assert (operator.folder / "command").read_text() == "sudo timeout --kill-after=20 600 bash -s\n"
    assert "master-0: wiped: all of it" in done.output
    assert operator.state == state_of(*STAYING)
    assert "Forgotten: 5 resources of the cluster" in done.output


def test_it_says_what_will_be_lost_before_it_asks(operator: Operator):
    asked = operator.resets(types="").output
    assert "cluster kubeadm of stack dev from its 3 machines: master-0, worker-0, etcd-0" in asked
    assert "Lost for good" in asked


@pytest.mark.parametrize(
    ("flags", "types"), [((), "dev\n"), ((), "y\n"), ((), ""), (("--yes-wipe", "dev"), ""), (("--yes-wipe", ""), "")]
)
def test_nothing_happens_without_the_clusters_name(operator: Operator, flags: tuple[str, ...], types: str):
    assert operator.resets(*flags, types=types).exit_code == 1
    assert (operator.wiped, operator.state) == (set(), state_of(*RESOURCES))


def test_a_host_that_is_down_leaves_the_state_alone(operator: Operator):
    operator.has_machine("worker-0")
    before = operator.state
    operator.host_says("worker-0", "down")
    done = operator.resets("--yes-wipe", "kubeadm")
    assert done.exit_code == 1
    assert "worker-0: cannot be reached: ssh: connect to host worker-0 port 22: Connection timed out" in done.output
    assert "1 of 3 machines not wiped (worker-0)" in done.output
    assert operator.wiped == NODES.keys()
    assert operator.state == before
    operator.host_says("worker-0", "")
    assert operator.resets("--yes-wipe", "kubeadm").exit_code == 0
    assert operator.state != before


def test_a_machine_that_has_ended_needs_no_wipe(operator: Operator):
    operator.knows_machine("worker-0", "i-0123456789abcdef0")
    operator.host_says("worker-0", "down")
    done = operator.resets("--yes-wipe", "kubeadm")
    assert done.exit_code == 0, done.output
    assert "worker-0: its machine i-0123456789abcdef0 has ended, and there is nothing to wipe" in done.output
    assert "Forgotten: 5 resources of the cluster" in done.output


def test_every_failure_is_told(operator: Operator):
    for name in ("worker-0", "etcd-0"):
        operator.has_machine(name)
    operator.host_says("worker-0", "down")
    operator.host_says("etcd-0", "umount: target is busy\nFAILED: wipe on etcd-0: status 32 from: umount /x")
    done = operator.resets("--yes-wipe", "kubeadm")
    assert "etcd-0: NOT wiped:\n  umount: target is busy\n  FAILED: wipe on etcd-0: status 32" in done.output
    assert "2 of 3 machines not wiped (etcd-0, worker-0)" in done.output


def test_a_locked_stack_is_refused(operator: Operator):
    lock = operator.folder / "backend/.pulumi/locks/organization/kubeadm-aws/dev/1.json"
    lock.write_text("{}")
    done = operator.resets("--yes-wipe", "kubeadm")
    assert done.exit_code == 1
    assert "stack dev is locked: somebody runs pulumi on it" in done.output
    assert operator.wiped == set()


def test_a_state_that_changed_meanwhile_is_not_overwritten(operator: Operator):
    newer = state_of(*RESOURCES, JOIN)
    operator.has_state(newer, "state-after")
    done = operator.resets("--yes-wipe", "kubeadm")
    assert done.exit_code == 1
    assert "was changed meanwhile: run the reset again" in done.output
    assert operator.state == newer


def test_a_second_reset_touches_no_machine(operator: Operator):
    operator.has_state(state_of(*STAYING))
    done = operator.resets()
    assert (done.exit_code, operator.wiped) == (0, set())
    assert "Nothing to start over" in done.output


def test_two_clusters_in_a_state_are_one_too_many(operator: Operator):
    renamed = {**VPC, "urn": f"{VPC['urn']}-2", "id": "vpc-2", "inputs": {"tags": {CLUSTER_TAG: "other"}}}
    operator.has_state(state_of(*RESOURCES, renamed))
    done = operator.resets("--yes-wipe", "kubeadm")
    assert done.exit_code == 1
    assert "should name one cluster, and names kubeadm, other" in done.output
    assert operator.wiped == set()


@pytest.mark.parametrize(("arguments", "host"), [((), "master-0"), (("etcd-0",), "etcd-0")])
def test_etcd_health_is_asked_on_a_host_and_its_verdict_passed_on(
    operator: Operator, arguments: tuple[str, ...], host: str
):
    asked = ["etcd-health", "--stack", "dev", *arguments]
    assert CliRunner().invoke(main, asked).exit_code == 0
    assert operator.wiped == {host}
    operator.host_says(host, "etcd is NOT healthy")
    assert CliRunner().invoke(main, asked).exit_code == 1
    refused = CliRunner().invoke(main, ["etcd-health", "--stack", "dev", "master-9"])
    assert "master-9 is no machine of stack dev; there are bastion, master-0" in refused.output


def test_etcd_health_is_not_asked_where_nobody_can_tell(operator: Operator):
    asked = CliRunner().invoke(main, ["etcd-health", "--stack", "dev", "worker-0"])
    assert asked.exit_code == 1
    assert "worker-0 cannot reach etcd's members: ask from a master or an etcd machine" in asked.output
    assert operator.wiped == set()
