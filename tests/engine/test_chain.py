"""A founded cluster's machines change one after another, whatever the engine may do at once."""

import itertools

import pytest

from region.cloud.moto_patches import IMAGE_ID
from tests.engine.conftest import MakeStack
from tests.engine.stack import Result, Stack

MASTERS = [f"chain-master-{number}" for number in range(3)]
WORKERS = [f"chain-worker-{number}" for number in range(3)]


@pytest.fixture(scope="module")
def stack(make_stack: MakeStack) -> Stack:
    stack = make_stack("chain", settings={"clusterName": "chain"})
    stack.up()
    stack.steps()
    return stack


def ended(result: Result, *names: str) -> list[str]:
    """Which of these ended, in order; what was replaced, once for its end and once for its successor."""
    return [name for _, name in result.order if name in names]


def steady(*machines: str) -> list[str]:
    return [machine.replace("chain-", "chain-control-plane-steady-") for machine in machines]


def spared(*machines: str) -> list[str]:
    return [machine.replace("chain-", "chain-control-plane-spare-") for machine in machines]


def in_turn(result: Result, machines: list[str], gone: str = "") -> None:
    """Each machine changed after the one before was seen to be steady again, and the others could do without it.

    Nobody asks that of one that is `gone`, unless it has come back.
    """
    expected = [name for machine in machines for name in (*spared(machine), machine, *steady(machine))]
    expected = [name for name in expected if name not in spared(gone)]
    seen = ended(result, *expected)
    # A step about another machine is replaced: its successor is made, and it goes at the very end.
    assert list(dict.fromkeys(seen)) == expected


@pytest.mark.parametrize(("parallel", "kind"), [("64", "t3.medium"), ("1", "t3.large")])
def test_masters_of_another_type_are_stopped_one_after_another(stack: Stack, parallel: str, kind: str) -> None:
    stack.set("masterInstanceType", kind)
    assert set(stack.preview().changes.values()) == {"update"}, "nothing is replaced"
    in_turn(stack.up("-p", parallel), MASTERS)
    assert stack.up("--expect-no-changes").changes == {}


def test_who_is_gone_comes_first(stack: Stack, ec2) -> None:
    ec2.terminate_instances(InstanceIds=[stack.resources()[MASTERS[2]]["id"]])
    stack.set("masterInstanceType", "t3.medium")
    in_turn(stack.up("-p", "64"), [MASTERS[2], MASTERS[0], MASTERS[1]], gone=MASTERS[2])
    assert stack.up("--expect-no-changes").changes == {}


@pytest.mark.parametrize(("at_once", "key", "value"), [(1, "workerDiskGib", 30), (2, "workerInstanceType", "t3.large")])
def test_workers_of_another_kind_are_replaced_some_at_a_time(
    stack: Stack, at_once: int, key: str, value: object
) -> None:
    stack.set("maxUnavailableWorkers", at_once)
    stack.set(key, value)
    order = stack.up("-p", "64").order
    gone = [order.index(("delete-replaced", worker)) for worker in WORKERS]
    back = [order.index(("create-replacement", f"chain-workers-join-worker-{number}")) for number in range(3)]
    assert all(gone[later] > back[later - at_once] for later in range(at_once, 3))
    assert stack.up("--expect-no-changes").changes == {}


def test_living_workers_wait_for_masters_and_for_a_new_one(stack: Stack) -> None:
    for key, value in {"maxUnavailableWorkers": 1, "workerCount": 4, "workerInstanceType": "t3.medium"}.items():
        stack.set(key, value)
    stack.set("masterInstanceType", "t3.large")
    order = stack.up("-p", "64").order
    steps = [("update", steady(MASTERS[2])[0]), ("create", "chain-workers-service-worker-3")]
    assert max(map(order.index, steps)) < min(order.index(("delete-replaced", worker)) for worker in WORKERS)
    assert stack.up("--expect-no-changes").changes == {}


def test_what_was_stopped_is_started_and_proved(stack: Stack, ec2) -> None:
    machines = [stack.resources()[name]["id"] for name in (*MASTERS, *WORKERS)]
    ec2.stop_instances(InstanceIds=machines)
    stack.steps()
    changes = stack.up().changes
    assert {name for name, change in changes.items() if name.endswith("-running")} == {
        f"{machine}-running" for machine in (*MASTERS, *WORKERS)
    }
    assert not set(changes) & {*MASTERS, *WORKERS}
    states = ec2.describe_instances(InstanceIds=machines)["Reservations"]
    assert {one["State"]["Name"] for group in states for one in group["Instances"]} == {"running"}
    ran = [step["name"] for step in stack.steps()]
    assert {*steady(*MASTERS), "chain-verification-master-0", "chain-prepare-reach-worker-1"} <= set(ran)
    assert stack.up("--expect-no-changes").changes == {}


def test_a_new_image_replaces_nobody_until_told_to(stack: Stack, ec2) -> None:
    newer = ec2.copy_image(Name="newer", SourceImageId=IMAGE_ID, SourceRegion="us-east-1")["ImageId"]
    stack.set("machineImage", newer)
    assert stack.preview().changes == {}
    stack.set("imageRollout", True)
    replaced = stack.preview().changes
    assert {replaced[machine] for machine in (*MASTERS, *WORKERS)} == {"replace"}


def test_a_rollout_replaces_living_masters_one_after_another(stack: Stack) -> None:
    """Each has ended only when the others were asked, and its successor is steady before the next one ends."""
    order = stack.up("-p", "64").order
    for before, after in itertools.pairwise(MASTERS):
        number = before[-1]
        joined = order.index(("create-replacement", f"chain-control-plane-join-master-{number}"))
        voting = order.index(("create-replacement", f"chain-etcd-master-{number}"))
        back = order.index(("create-replacement", steady(before)[0]))
        assert (
            max(joined, voting)
            < back
            < order.index(("update", spared(after)[0]))
            < order.index(("delete-replaced", after))
        )
    assert stack.up("--expect-no-changes").changes == {}


def test_an_error_of_the_program_ends_the_update(stack: Stack) -> None:
    """Machines wait for steps that the program did not come to declare."""
    stack.set("masterInstanceType", "t3.xlarge")
    whole = "        self.ready = [self._steady("
    stack.edit("components/kubernetes/steady.py", whole, f"        raise RuntimeError('in between')\n{whole}")
    failed = stack.up(fails=True)
    assert "in between" in failed.messages
    assert not set(failed.changes) & {*MASTERS}
    stack.edit("components/kubernetes/steady.py", "        raise RuntimeError('in between')\n", "")
    in_turn(stack.up(), MASTERS)
    stack.steps()


def test_a_lost_quorum_is_refused_before_anything_is_touched(stack: Stack, ec2) -> None:
    ec2.terminate_instances(InstanceIds=[stack.resources()[name]["id"] for name in MASTERS[:2]])
    stack.steps()
    for result in (stack.preview(fails=True), stack.up(fails=True)):
        assert "2 of 3 machines have ended (master-0, master-1) with etcd's data" in result.messages
        assert result.changes == {}
    assert stack.steps() == []


def test_destroy_ends_machines_together(stack: Stack) -> None:
    stack.run("state", "unprotect", "--all", "--yes", "--stack", stack.name)
    result = stack.destroy("-p", "64")
    began = [at for at, name in _events(result, "resourcePreEvent") if name in (*MASTERS, *WORKERS)]
    ended = [at for at, name in _events(result, "resOutputsEvent") if name in (*MASTERS, *WORKERS)]
    assert max(began) < min(ended), "all were ending before the first had ended"


def _events(result: Result, kind: str) -> list[tuple[int, str]]:
    """The positions of what happened to machines at their end, with their names."""
    found = [(at, event[kind]["metadata"]) for at, event in enumerate(result.events) if kind in event]
    machines = [(at, of) for at, of in found if of["type"].endswith(":Instance") and of["op"] == "delete"]
    return [(at, of["urn"].rpartition("::")[2]) for at, of in machines]
