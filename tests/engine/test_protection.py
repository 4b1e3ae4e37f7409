"""A cluster to keep: nobody but Pulumi ends its masters, and no other stack takes its things for its own."""

import pytest
from botocore.exceptions import ClientError

from tests.engine.conftest import MakeStack
from tests.engine.stack import Stack
from tests.engine.test_sweep import sweep

KEPT = {
    "clusterName": "kept",
    "masterCount": 1,
    "workerCount": 1,
    "availabilityZones": ["us-east-1a"],
    "deletionProtection": True,
    "allowPassphrase": True,
}


@pytest.fixture(scope="module")
def kept(make_stack: MakeStack) -> Stack:
    stack = make_stack("kept", settings=KEPT)
    stack.up()
    return stack


def test_a_passphrase_must_be_meant(make_stack: MakeStack) -> None:
    stack = make_stack("careless", settings={**KEPT, "clusterName": "careless", "allowPassphrase": False})
    assert "change-secrets-provider awskms://" in stack.preview(fails=True).output


def test_a_master_is_not_ended_by_hand(kept: Stack, ec2) -> None:
    machines = kept.resources()
    with pytest.raises(ClientError, match="OperationNotPermitted"):
        ec2.terminate_instances(InstanceIds=[machines["kept-master-0"]["id"]])
    ec2.terminate_instances(InstanceIds=[machines["kept-worker-0"]["id"]])
    assert kept.up().changes["kept-worker-0"] in ("create", "replace")


def test_pulumi_replaces_it_all_the_same(kept: Stack) -> None:
    before = kept.resources()["kept-master-0"]
    kept.up("--replace", before["urn"])
    after = kept.resources()["kept-master-0"]
    assert after["id"] != before["id"]
    assert after["outputs"]["disableApiTermination"]


def test_another_stacks_cluster_of_that_name_is_refused_and_left_alone(make_stack: MakeStack, kept: Stack) -> None:
    other = make_stack("other", settings=KEPT)
    refused = other.preview(fails=True)
    resources = kept.export()["deployment"]["resources"]
    [network] = [one["id"] for one in resources if one["type"] == "aws:ec2/vpc:Vpc"]
    assert "there is a cluster kept in this account and in us-east-1 already" in refused.output
    assert f"(VPC {network})" in refused.output
    other.up(fails=True)
    swept = sweep(other, "--yes")
    assert swept.returncode == 0, swept.stderr
    assert kept.up("--expect-no-changes").changes == {}


def test_without_protection_it_ends(kept: Stack) -> None:
    kept.set("deletionProtection", False)
    kept.up()
    kept.destroy()
    assert [one["type"] for one in kept.export()["deployment"].get("resources", [])] == []
