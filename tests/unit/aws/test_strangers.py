"""A cluster of this name that the stack's state does not know is somebody else's."""

import pytest
from conftest import ANSWERS, STATE, Engine

from components.aws.strangers import StrangerError

VPCS = "aws:ec2/getVpcs:getVpcs"
ARN = "arn:aws:ec2:us-east-1:123456789012:vpc/vpc-1"
OURS = {"urn:pulumi:test::p::aws:ec2/vpc:Vpc::kubeadm": {"type": "aws:ec2/vpc:Vpc", "outputs": {"arn": ARN}}}


def engine(*vpcs: str, known: bool) -> Engine:
    return Engine(answers={**ANSWERS, VPCS: {"ids": list(vpcs)}, STATE: {"outputs": OURS if known else {}}})


def test_a_stack_with_a_network_is_not_stopped_by_anothers() -> None:
    """Whatever people tag: it must be healed."""
    assert engine("vpc-1", "vpc-2", known=True).run_stack({}).declared("aws:ec2/vpc:Vpc")


def test_another_is_told_before_anything_is_made() -> None:
    asked = engine("vpc-2", known=False)
    with pytest.raises(StrangerError) as caught:
        asked.run_stack({})
    assert "VPC vpc-2" in str(caught.value)
    assert "another clusterName" in str(caught.value)
    assert "python -m operate sweep --stack test" in str(caught.value)
    assert not asked.declared("aws:ec2/vpc:Vpc")
