"""The cluster taken out of a real state, secrets and protected keys and all; the next `up` founds another."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from operate.cluster_state import CLUSTER
from region.paths import CHECKOUT
from tests.engine.conftest import MakeStack
from tests.engine.stack import Stack

INFRASTRUCTURE = "kubeadm:index:Infrastructure"
FORGET = "import sys; from operate.cluster_state import forget_cluster; print(forget_cluster(sys.argv[1]))"


@pytest.fixture(scope="module")
def stack(make_stack: MakeStack) -> Stack:
    stack = make_stack(
        "again",
        settings={
            "clusterName": "again",
            "deletionProtection": True,
            "allowPassphrase": True,
            "masterCount": 1,
            "workerCount": 1,
        },
    )
    stack.up()
    stack.steps()
    return stack


def forget(stack: Stack) -> int:
    done = subprocess.run(
        [sys.executable, "-c", FORGET, stack.name],
        cwd=stack.directory,
        env={**os.environ, **stack.environment, "PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def readable(stack: Stack) -> list[dict[str, Any]]:
    """The state's resources with their secrets: what Pulumi stores of one differs each time it is stored."""
    text = stack.run("stack", "export", "--show-secrets", "--stack", stack.name)
    return json.loads(text)["deployment"]["resources"]


def below(type: str, resources: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those of a component."""
    return [one for one in resources if type in one["urn"].split("::")[2].split("$")]


def test_the_state_forgets_the_cluster_and_nothing_else(stack: Stack):
    before = readable(stack)
    cluster = below(CLUSTER, before)
    assert any(one.get("protect") for one in cluster)
    assert forget(stack) == len(cluster)
    assert readable(stack) == [one for one in before if one not in cluster]
    assert "PRIVATE KEY-----" not in json.dumps(stack.resources()["again-bastion-login"])
    assert (stack.steps(), forget(stack)) == ([], 0)


def test_the_next_up_founds_another_on_the_same_machines(stack: Stack):
    before, machines = stack.outputs(), identities(stack)
    assert set(stack.up().changes.values()) <= {"create", "update"}
    assert identities(stack) == machines
    steps = stack.steps()
    assert {step["verb"] for step in steps} == {"create"}
    assert "again-control-plane-init" in [step["name"] for step in steps]
    after = stack.outputs()
    assert {name for name in after if after[name] != before[name]} == {"kubeconfig"}
    assert stack.up("--expect-no-changes").changes == {}


def identities(stack: Stack) -> dict[str, str]:
    """What the infrastructure's resources are in AWS, by URN."""
    return {one["urn"]: one.get("id", "") for one in below(INFRASTRUCTURE, readable(stack))}
