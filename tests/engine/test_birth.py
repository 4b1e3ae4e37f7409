"""What was decided at the founding stays, under the real engine: a change is refused before anything moves."""

import dataclasses
import json
from collections.abc import Mapping

import pytest

from tests.engine.conftest import MakeStack
from tests.engine.stack import Stack

REFUSED = "etcdTopology is 'stacked': it was decided at the cluster's birth, 'systemd'."


@pytest.fixture(scope="module")
def stack(make_stack: MakeStack) -> Stack:
    settings = {"clusterName": "born", "etcdTopology": "stacked", "masterCount": 1, "workerCount": 1}
    return make_stack("born", settings=settings)


def test_until_the_founding_the_topology_may_change(stack: Stack):
    without_founding(stack).up(fails=True)
    assert not any(name.endswith("-init") for name in stack.resources())
    assert decided(stack)["etcdTopology"] == "stacked"
    stack.set("etcdTopology", "systemd")
    stack.up()
    assert any(name.endswith("-init") for name in stack.resources())
    assert decided(stack)["etcdTopology"] == "systemd"


def test_another_topology_is_refused_in_preview_and_up(stack: Stack):
    stack.steps()
    before = identities(stack)
    stack.set("etcdTopology", "stacked")
    for refused in (stack.preview(fails=True), stack.up(fails=True)):
        assert REFUSED in refused.messages
        assert "operate reset" in refused.messages
        assert refused.changes == {}
    assert stack.steps() == []
    assert identities(stack) == before
    assert decided(stack)["etcdTopology"] == "systemd"


@pytest.mark.parametrize(
    ("key", "value", "refused"),
    [
        (
            "availabilityZones",
            ["us-east-1b", "us-east-1a", "us-east-1c"],
            "availabilityZones is 'master-0 in us-east-1b'",
        ),
        ("clusterName", "another", "clusterName is 'another'"),
        ("kubernetesVersion", "1.37.1", "kubernetesVersion is '1.37.1'"),
        ("loginUser", "somebody", "loginUser is 'somebody'"),
    ],
)
def test_what_would_move_or_lock_out_a_cluster_is_refused_in_preview_and_up(
    stack: Stack, key: str, value: str | list[str], refused: str
):
    stack.set("etcdTopology", "systemd")
    stack.set(key, value)
    for done in (stack.preview(fails=True), stack.up(fails=True)):
        assert f"kubeadm-aws:{refused}: it was decided at the cluster's birth, " in done.messages
        assert done.changes == {}
    if key == "clusterName":
        stack.set(key, "born")
    else:
        stack.unset(key)
    assert stack.steps() == []


def test_set_back_nothing_changes(stack: Stack):
    stack.set("etcdTopology", "systemd")
    assert stack.up("--expect-no-changes").changes == {}
    assert stack.steps() == []


def test_destroy_is_not_refused(stack: Stack):
    stack.set("etcdTopology", "stacked")
    stack.run("state", "unprotect", "--all", "--yes", "--stack", stack.name)
    stack.destroy()
    assert stack.resources() == {}


def without_founding(stack: Stack) -> Stack:
    """The same stack, on machines where the founding fails."""
    answers = stack.directory.parent / "answers.json"
    answers.write_text(json.dumps({"-control-plane-init$": {"error": "no control plane today"}}))
    return dataclasses.replace(stack, environment={**stack.environment, "KUBEADM_AWS_STEP_OUTPUTS": str(answers)})


def decided(stack: Stack) -> Mapping[str, str]:
    resources = stack.export()["deployment"]["resources"]
    [cluster] = (one for one in resources if one["type"] == "kubeadm:index:Cluster")
    return cluster["outputs"]["decided_at_birth"]


def identities(stack: Stack) -> Mapping[str, str | None]:
    """Every resource of the state and its id: outputs may differ, since an update looks at what is there first."""
    return {one["urn"]: one.get("id") for one in stack.export()["deployment"]["resources"]}
