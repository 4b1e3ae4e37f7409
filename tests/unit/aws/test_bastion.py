"""What is said of a bastion that cannot be reached."""

import pulumi
import pytest

from components.aws.bastion import explain


@pytest.mark.parametrize(
    ("error", "told"),
    [
        ("dial tcp 203.0.113.11:22: i/o timeout", True),
        ("dial tcp 203.0.113.11:22: connect: connection refused", False),
        ('Process exited with status 1: running "sudo timeout --kill-after=20 600 bash -s"', False),
    ],
)
def test_a_silent_one_names_the_setting_and_is_not_tried_again(error: str, told: bool, monkeypatch: pytest.MonkeyPatch):
    said: list[str] = []
    monkeypatch.setattr(pulumi.log, "error", said.append)
    failure = pulumi.ErrorHookArgs(
        urn="urn", id="", name="demo-bastion-prepare", type="x", errors=[error], failed_operation="create"
    )
    assert explain(failure) is False
    assert ["kubeadm-aws:adminCidrs" in one for one in said] == [True] * told
