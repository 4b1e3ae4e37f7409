"""What is known of machines that are there: which images they keep, and what is started, asked and proved again."""

from collections.abc import Mapping
from typing import Any

import pytest
from conftest import ANSWERS, IMAGE, STATE, Engine
from pulumi.runtime import mocks

OLD = "ami-00000000000000000"
NAMES = ("kubeadm-bastion", *(f"kubeadm-{role}-{number}" for role in ("master", "worker") for number in range(3)))
URN = "urn:pulumi:test::kubeadm-aws::kubeadm:index:Infrastructure"


class Region(Engine):
    """AWS where machines live whose ids are in `living`, some of them in `stopped`."""

    living: frozenset[str] = frozenset(f"i-{name}" for name in NAMES)
    stopped: frozenset[str] = frozenset()

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, object], list[tuple[str, str]] | None]:
        if args.token == "aws:ec2/getInstances:getInstances":
            return {"ids": sorted(self.living if "running" in args.args["instanceStateNames"] else self.stopped)}, []
        return super().call(args)


def machine(name: str) -> Mapping[str, Any]:
    outputs = {
        "arn": f"arn:aws:ec2:us-east-1:1:instance/i-{name}",
        "ami": OLD,
        "instanceType": "t3.micro" if name.endswith("bastion") else "t2.medium",
        "rootBlockDevice": {"volumeSize": 8 if name.endswith("bastion") else 20},
    }
    return {"type": "aws:ec2/instance:Instance", "outputs": outputs}


def run(region: Region, *, fleet: Mapping[str, Any] | None = None, **given: object) -> Region:
    state = {f"{URN}::{name}": machine(name) for name in NAMES}
    state[f"{URN}::kubeadm-fleet"] = {"type": "kubeadm:index:Fleet", "outputs": fleet or {}}
    region.answers = {**ANSWERS, STATE: {"outputs": state}}
    region.run_stack(given)
    return region


def images(region: Region) -> dict[str, str]:
    return {name: made.inputs["ami"] for name, made in region.declared("aws:ec2/instance:Instance").items()}


def text(region: Region, step: str) -> str:
    return region.seen[step].inputs["stdin"]


def test_machines_that_live_keep_their_image_and_a_new_one_gets_todays():
    region = Region()
    region.living -= {"i-kubeadm-master-1"}
    assert images(run(region, workerCount=4)) == {
        **dict.fromkeys(NAMES, OLD),
        "kubeadm-master-1": IMAGE,
        "kubeadm-worker-3": IMAGE,
    }


def test_a_rollout_moves_all_of_them():
    assert set(images(run(Region(), imageRollout=True)).values()) == {IMAGE}


@pytest.mark.parametrize("change", [{"workerInstanceType": "t3.small"}, {"workerDiskGib": 30}])
def test_workers_that_are_replaced_anyway_get_todays(change: dict[str, Any]):
    made = images(run(Region(), **change))
    assert {made[name] for name in made if "-worker-" in name} == {IMAGE}
    assert {made[name] for name in made if "-worker-" not in name} == {OLD}


def test_what_was_stopped_is_started_under_its_own_id_and_proved_again():
    region = Region()
    region.stopped = frozenset({"i-kubeadm-worker-1"})
    run(region, fleet={"starts": {"kubeadm-worker-1": 2}})
    states = region.declared("aws:ec2transitgateway/instanceState:InstanceState")
    assert states["kubeadm-worker-1-running"].inputs["instanceId"] == "i-kubeadm-worker-1"
    assert states["kubeadm-worker-0-running"].inputs["instanceId"] == "kubeadm-worker-0-id"
    for step in ("kubeadm-prepare-reach-worker-1", "kubeadm-workers-service-worker-1", "kubeadm-verification-master-0"):
        assert "started 3 times" in text(region, step), step


def test_who_was_started_once_says_so_for_good():
    assert "started 2 times" in text(
        run(Region(), fleet={"starts": {"kubeadm-worker-1": 2}}), "kubeadm-prepare-reach-worker-1"
    )


@pytest.mark.parametrize(("before", "said"), [(0, "change 1"), (1, "change 2")], ids=["first", "after one that failed"])
def test_each_attempt_to_change_a_master_asks_the_others_anew(before: int, said: str):
    region = run(Region(), fleet={"changes": {"kubeadm-master-0": before}}, masterInstanceType="t3.small")
    assert f"t3.small, 20 GiB, {OLD}, {said}" in text(region, "kubeadm-control-plane-spare-master-0")
    assert f"t3.small, 20 GiB, {OLD}, change 1" in text(region, "kubeadm-control-plane-spare-master-1")


def test_what_has_changed_asks_nobody_again():
    region = run(Region(), fleet={"changes": {"kubeadm-master-0": 1}})
    assert f"t2.medium, 20 GiB, {OLD}, change 1" in text(region, "kubeadm-control-plane-spare-master-0")
    assert f"WANTED='t2.medium, 20 GiB, {OLD}'\n" in text(region, "kubeadm-control-plane-spare-master-1")
