"""A cluster's life in the topologies that test_program.py has not, under the real engine: up, up again, destroy."""

import pytest

from tests.engine.conftest import MakeStack
from tests.engine.stack import Stack
from tests.engine.test_program import STEP, assert_verified_last, names_of

MACHINES = [f"etcd-{index}" for index in range(3)]
# The machines whose member has a step of its own; kubeadm starts the others when it founds and joins.
MEMBERS = {"dedicated-systemd": MACHINES, "dedicated-static-pods": MACHINES, "stacked": []}


@pytest.fixture(scope="module", params=MEMBERS)
def topology(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def stack(topology: str, make_stack: MakeStack) -> Stack:
    settings = {"clusterName": topology, "etcdTopology": topology, "workerCount": 1}
    distribution = "placed" if topology == "dedicated-systemd" else "uploaded"
    return make_stack(topology, settings={**settings, "certificateDistribution": distribution})


def test_up_runs_every_step_once_and_in_order(stack: Stack, topology: str):
    result = stack.up("-p", "64")
    assert set(result.changes.values()) == {"create"}
    steps = [step["name"].removeprefix(f"{topology}-") for step in stack.steps()]
    assert sorted(f"{topology}-{step}" for step in steps) == sorted(names_of(stack, STEP))
    founded = steps.index("control-plane-init")
    members = [step for step in steps if step.startswith(("etcd-etcd-", "etcd-master-"))]
    assert sorted(members) == [f"etcd-{machine}" for machine in MEMBERS[topology]]
    assert all(steps.index(member) < founded for member in members)
    assert all(steps.index(join) > founded for join in steps if "-join-" in join)
    assert steps[0] == "bastion-prepare"
    assert_verified_last(steps)


def test_up_again_changes_nothing(stack: Stack):
    assert stack.up("-p", "64", "--expect-no-changes").changes == {}
    assert stack.steps() == []


@pytest.mark.parametrize("gone", [0, 2])
def test_machines_that_are_gone_are_made_again_whoever_they_are(stack: Stack, topology: str, ec2, gone: int):
    """No step of theirs waits for a machine whose turn comes later: that would never end."""
    roles = ("master", "worker", *(("etcd",) if MEMBERS[topology] else ()))
    names = [f"{topology}-{role}-{0 if role == 'worker' else gone}" for role in roles]
    ec2.terminate_instances(InstanceIds=[stack.resources()[name]["id"] for name in names])
    changes = stack.up("-p", "64").changes
    assert {name for name in changes if name in names_of(stack, "aws:ec2/instance:Instance")} == set(names)
    assert stack.up("--expect-no-changes").changes == {}
    stack.steps()


def test_destroy_leaves_nothing_and_runs_nothing(stack: Stack):
    stack.run("state", "unprotect", "--all", "--yes", "--stack", stack.name)
    stack.destroy()
    assert stack.resources() == {}
    assert stack.steps() == []
