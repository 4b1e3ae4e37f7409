"""What is known of machines that are there: which images they keep, and what is started, asked and proved again."""

from typing import Any

import pytest
from conftest import IMAGE
from living_scene import NAMES, OLD, Region, run


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


def test_a_worker_that_moves_to_another_zone_gets_todays():
    zones = [f"us-east-1{letter}" for letter in "abcd"]
    region = Region()
    region.living |= {"i-kubeadm-worker-3"}
    made = images(run(region, others=("kubeadm-worker-3",), availabilityZones=zones, workerCount=4))
    assert {name for name in made if made[name] == IMAGE} == {"kubeadm-worker-3"}


@pytest.mark.parametrize(("fleet", "image"), [({}, OLD), ({"pool_images": {"cheap": "ami-11111111111111111"}}, IMAGE)])
def test_a_pool_whose_image_is_taken_away_gets_todays(fleet: dict[str, Any], image: str):
    region = Region()
    region.living |= {"i-kubeadm-cheap-0"}
    pools = {"cheap": {"count": 1, "instanceType": "t2.medium"}}
    made = images(run(region, fleet=fleet, others=("kubeadm-cheap-0",), workerPools=pools))
    assert made["kubeadm-cheap-0"] == image


@pytest.mark.parametrize(("spot", "image"), [(False, OLD), (True, IMAGE)])
def test_a_pool_that_turns_to_spot_is_replaced_and_gets_todays(spot: bool, image: str):
    region = Region()
    region.living |= {"i-kubeadm-cheap-0"}
    pool = {"count": 1, "instanceType": "t2.medium", "spot": spot}
    assert images(run(region, others=("kubeadm-cheap-0",), workerPools={"cheap": pool}))["kubeadm-cheap-0"] == image


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
