"""What a promotion and the table of stages say, from stages as files and states have them."""

from typing import Any

import pytest
import yaml

from operate.promotion import told
from operate.releases import row
from operate.stage import Stage
from settings.release import HISTORY, Release
from tests.unit.test_house import CHECKOUT

PROVED = {
    "commit": "1" * 40,
    "program": "a" * 64,
    "kubernetesVersion": "1.37.2",
    "etcdVersion": "3.7.3",
    "flannelVersion": "0.28.10",
    "images": {},
    "containerd": "1.7.24",
    "verifiedAt": "2026-01-02T03:04:05Z",
}


def stage(name: str, *, like: str | None = None, proved: dict[str, Any] | None = None, **settings: Any) -> Stage:
    """With the settings of the checkout's own file of that name."""
    project = yaml.safe_load((CHECKOUT / "Pulumi.yaml").read_text())["config"]
    defaults = {key: one["default"] for key, one in project.items() if "default" in one}
    given = yaml.safe_load((CHECKOUT / f"Pulumi.{like or name}.yaml").read_text())["config"]
    own = {key.removeprefix("kubeadm-aws:"): value for key, value in given.items()}
    outputs = {HISTORY: [proved]} if proved else {}
    return Stage(name=name, settings={**defaults, **own, **settings}, outputs=outputs, exists=True)


def test_the_shipped_stages_differ_where_people_meant_it() -> None:
    dev, staging, prod = (stage(name) for name in ("dev", "staging", "prod"))
    assert set(staging.differences(dev)) == {"availabilityZones", "natGateways", "deletionProtection", "ingressScheme"}
    assert set(prod.differences(staging)) == {
        "masterInstanceType",
        "masterDiskGib",
        "workerInstanceType",
        "workerDiskGib",
    }


def test_a_first_promotion_is_told_with_maps_and_all() -> None:
    said = told(Release.of(PROVED), stage("dev", proved=PROVED), stage("staging", nodePorts={"80": 30081}))
    assert "dev → staging" in said
    assert "kubernetes   1.37.2" in said
    assert "containerd   1.7.24 where it was proved" in said
    assert "program      111111111111, the first that is promoted to staging" in said
    assert 'nodePorts is {"80": 30080, "443": 30443} in dev, {"80": 30081} in staging' in said


def test_the_next_one_is_told_by_what_is_new() -> None:
    newer = {**PROVED, "commit": "2" * 40, "program": "b" * 64, "flannelVersion": "0.28.11"}
    had = {key: value for key, value in PROVED.items() if key != "verifiedAt"}
    said = told(Release.of(newer), stage("dev"), stage("staging", release=had))
    assert "flannel      0.28.10 → 0.28.11" in said
    assert "etcd         3.7.3\n" in said
    assert "program      111111111111 → 222222222222\n    its commits are not in this checkout" in said


def test_a_stage_is_behind_by_what_it_has_not_proved() -> None:
    """A pin whose update failed has changed nothing."""
    newer = {**PROVED, "commit": "2" * 40, "program": "b" * 64, "flannelVersion": "0.28.11"}
    had = {key: value for key, value in newer.items() if key != "verifiedAt"}
    dev, staging = stage("dev", proved=newer), stage("staging", proved=PROVED, release=had)
    told_of = row(staging, {"dev": dev})
    assert told_of["behind"] == ["flannel 0.28.10 → 0.28.11", "commits of the program"]
    assert told_of["verifiedAt"] == "2026-01-02T03:04:05Z"
    assert row(stage("staging"), {"dev": dev})["behind"][0].startswith("all of 222222222222")


@pytest.mark.parametrize(("ours", "theirs", "alike"), [("3", 3, True), (True, "true", True), (3, 4, False)])
def test_a_value_is_the_same_however_it_is_spelled(ours: object, theirs: object, alike: bool) -> None:
    one, other = (stage("dev", workerCount=value) for value in (ours, theirs))
    assert ("workerCount" not in one.differences(other)) == alike
