"""The whole program under the real engine: what each update touches, and that nothing else is."""

import json

import pytest

from tests.engine.conftest import MakeStack
from tests.engine.stack import Stack

MACHINE = "aws:ec2/instance:Instance"
STEP = "command:remote:Command"


@pytest.fixture(scope="module")
def stack(make_stack: MakeStack) -> Stack:
    return make_stack("whole", settings={"clusterName": "whole"})


def names_of(stack: Stack, type: str) -> set[str]:
    return {name for name, resource in stack.resources().items() if resource["type"] == type}


def assert_verified_last(steps: list[str]) -> None:
    verified = next(index for index, step in enumerate(steps) if "verif" in step)
    assert all("-spare-" in step for step in steps[verified + 1 :]), "what is left is what the next update begins with"


def test_preview_of_nothing_runs_nothing(stack: Stack):
    result = stack.preview()
    assert set(result.changes.values()) == {"create"}
    assert stack.steps() == []


def test_up_runs_every_step_once_and_in_order(stack: Stack):
    result = stack.up("-p", "64")
    assert set(result.changes.values()) == {"create"}
    assert not result.messages
    steps = [step["name"] for step in stack.steps()]
    assert sorted(steps) == sorted(names_of(stack, STEP))
    founded = next(index for index, name in enumerate(steps) if name.endswith("-init"))
    joins = [index for index, name in enumerate(steps) if "-join-" in name]
    assert founded < min(joins)
    assert steps[0].endswith("bastion-prepare")
    assert_verified_last(steps)


def test_no_key_is_readable_in_the_state_but_in_user_data(stack: Stack):
    for name, resource in stack.resources().items():
        for side in ("inputs", "outputs"):
            shown = {key: value for key, value in resource.get(side, {}).items() if not key.startswith("userData")}
            assert "PRIVATE KEY-----" not in json.dumps(shown), f"{side} of {name}"


@pytest.mark.parametrize("parallel", [1, 64])
def test_up_again_changes_nothing(stack: Stack, parallel: int):
    assert stack.up("-p", str(parallel), "--expect-no-changes").changes == {}
    assert stack.steps() == []


def test_a_tag_touches_no_step(stack: Stack):
    stack.set("tags", {"team": "blue"})
    result = stack.preview()
    assert set(result.changes.values()) == {"update"}
    assert not set(result.changes) & names_of(stack, STEP)
    assert stack.up().changes == result.changes
    assert stack.steps() == []


def test_another_first_boot_touches_no_machine(stack: Stack):
    stack.edit("components/host/first_boot.py", '"ssh_pwauth": False', '"ssh_pwauth": False, "final_message": "up"')
    assert stack.preview().changes == {"whole-verification-master-0": "update"}, "another program is proved anew"
    stack.up()
    assert [step["name"] for step in stack.steps()] == ["whole-verification-master-0"]
    assert stack.up("--expect-no-changes").changes == {}


def test_an_edited_script_runs_its_steps_only(stack: Stack):
    stack.edit("scripts/kubernetes/verify-cluster.sh", "set -euo pipefail", "set -euo pipefail # edited")
    result = stack.up()
    assert set(result.changes.values()) == {"update"}
    assert len(result.changes) == 1
    [step] = stack.steps()
    assert step["verb"] == "update"


def test_one_worker_more_touches_no_other_machine(stack: Stack):
    before = names_of(stack, MACHINE)
    stack.set("workerCount", 4)
    result = stack.up()
    assert names_of(stack, MACHINE) - before == {"whole-worker-3"}
    assert not {name for name in result.changes if name in before}
    made = {name for name, operation in result.changes.items() if operation == "create"}
    assert made
    assert "delete" not in result.changes.values()


def test_another_scheme_replaces_the_ingress_balancer_under_its_name(stack: Stack):
    """AWS has no two balancers of a name, so the old one goes first, with its listeners; groups and targets stay."""
    stack.set("ingressCidrs", ["198.51.100.0/24"])
    stack.up()
    stack.set("ingressScheme", "internet-facing")
    result = stack.up()
    assert {name for name, change in result.changes.items() if change == "replace"} == {
        "whole-ingress",
        "whole-ingress-80",
        "whole-ingress-443",
    }
    assert result.order.index(("delete-replaced", "whole-ingress")) < result.order.index(
        ("create-replacement", "whole-ingress")
    )
    assert stack.up("--expect-no-changes").changes == {}


def test_one_worker_less_drains_before_its_machine_ends(stack: Stack):
    stack.steps()
    stack.set("workerCount", 3)
    result = stack.up()
    order = [name for operation, name in result.order if operation == "delete"]
    leaves = ["service-worker-3", "ingress-30080-worker-3", "membership-worker-3", "whole-worker-3"]
    service, attached, member, machine = (
        next(index for index, name in enumerate(order) if name.endswith(left)) for left in leaves
    )
    assert service < attached < machine, "clients and pods are elsewhere before the balancer forgets it"
    assert service < member < machine, "and before its Node goes"
    assert [step["name"] for step in stack.steps() if step["verb"] == "delete"] == [order[service], order[member]]


def test_a_dead_worker_is_made_again(stack: Stack, ec2):
    worker = stack.resources()["whole-worker-1"]["id"]
    ec2.terminate_instances(InstanceIds=[worker])
    result = stack.up()
    assert result.changes["whole-worker-1"] in ("create", "replace")
    machines = names_of(stack, MACHINE)
    assert {name for name in result.changes if name in machines} == {"whole-worker-1"}
    assert stack.resources()["whole-worker-1"]["id"] != worker


def test_no_hook_of_a_resources_end_is_in_the_state(stack: Stack):
    """A destroy without the program would fail for it."""
    hooks = {kind for one in stack.export()["deployment"]["resources"] for kind in one.get("resourceHooks") or ()}
    assert hooks == {"OnError"}


def test_destroy_leaves_nothing_and_runs_nothing(stack: Stack):
    stack.steps()
    stack.run("state", "unprotect", "--all", "--yes", "--stack", stack.name)
    stack.destroy("-p", "1")
    assert stack.resources() == {}
    assert stack.steps() == []
