"""The stand-in plugins under the real engine: one small program's life."""

import json
from pathlib import Path

import pytest

from tests.engine.conftest import MakeStack
from tests.engine.stack import Stack

PROJECT = """\
name: trial
runtime: python
options:
  refresh: always
"""

PROGRAM = """\
import pulumi
import pulumi_tls as tls
from pulumi_command import remote

config = pulumi.Config()
key = tls.PrivateKey("key", algorithm="ED25519")
ca = tls.SelfSignedCert(
    "ca",
    private_key_pem=key.private_key_pem,
    validity_period_hours=config.get_int("hours") or 48,
    allowed_uses=["cert_signing"],
    is_ca_certificate=True,
    subject=tls.SelfSignedCertSubjectArgs(common_name="ca"),
)
request = tls.CertRequest("request", private_key_pem=key.private_key_pem, dns_names=["m0"])
leaf = tls.LocallySignedCert(
    "leaf",
    cert_request_pem=request.cert_request_pem,
    ca_cert_pem=ca.cert_pem,
    ca_private_key_pem=key.private_key_pem,
    validity_period_hours=24,
    early_renewal_hours=config.get_int("early") or 0,
    allowed_uses=["server_auth"],
)
connection = remote.ConnectionArgs(host="10.0.0.4", user="admin", private_key=key.private_key_openssh)
first = remote.Command(
    "first",
    connection=connection,
    create="bash -s",
    stdin=pulumi.Output.concat("secret ", key.private_key_pem, config.get("text") or ""),
    triggers=[config.get("identity") or "i-1"],
    logging=remote.Logging.NONE,
    opts=pulumi.ResourceOptions(additional_secret_outputs=["stdout"]),
)
second = remote.Command(
    "second",
    connection=connection,
    create="bash -s",
    delete="bash -s delete",
    stdin=leaf.cert_pem,
    triggers=[config.get("identity") or "i-1"],
    opts=pulumi.ResourceOptions(delete_before_replace=True, depends_on=[first]),
)
remote.Command(
    "third",
    connection=connection,
    create="true",
    delete="never",
    opts=pulumi.ResourceOptions(deleted_with=second),
)
pulumi.export("first", first.stdout)
pulumi.export("second", second.stdout)
pulumi.export("key", key.private_key_pem)
pulumi.export("leaf", leaf.cert_pem)
"""

NAMES = {"key", "ca", "request", "leaf", "first", "second", "third"}


@pytest.fixture(scope="module")
def stack(make_stack: MakeStack) -> Stack:
    return make_stack("trial", program={"Pulumi.yaml": PROJECT, "__main__.py": PROGRAM})


@pytest.fixture
def answers(stack: Stack, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    file = tmp_path / "answers"
    monkeypatch.setenv("KUBEADM_AWS_STEP_OUTPUTS", str(file))
    return file


def test_preview_of_nothing_runs_nothing(stack: Stack):
    assert stack.preview().changes == {"trial-trial": "create", **dict.fromkeys(NAMES, "create")}
    assert stack.steps() == []


def test_up_makes_everything_in_order(stack: Stack, answers: Path):
    answers.write_text(json.dumps({"first": "hidden", "second": "shown"}))
    stack.up()
    steps = stack.steps()
    names = [step["name"] for step in steps]
    assert sorted(names) == ["first", "second", "third"]
    assert names.index("first") < names.index("second")
    outputs = stack.outputs()
    assert (outputs["first"], outputs["second"]) == ("hidden", "shown")
    assert next(step["stdin"] for step in steps if step["name"] == "second") == outputs["leaf"]


def test_no_secret_is_readable_in_the_state(stack: Stack):
    state = json.dumps(stack.export())
    assert "PRIVATE KEY" not in state
    assert "hidden" not in state
    assert "CERTIFICATE" in state


@pytest.mark.parametrize("parallel", [1, 64])
def test_up_again_changes_nothing(stack: Stack, parallel: int):
    assert stack.preview("--expect-no-changes").changes == {}
    assert stack.up("-p", str(parallel), "--expect-no-changes").changes == {}
    assert stack.refresh("--expect-no-changes").changes == {}
    assert stack.steps() == []


def test_a_changed_text_runs_its_step_only(stack: Stack):
    stack.set("text", "more")
    result = stack.up()
    assert result.changes == {"first": "update"}
    assert result.differences("first") == {"stdin"}
    assert [(step["name"], step["verb"]) for step in stack.steps()] == [("first", "update")]


def test_a_trigger_replaces_after_or_before_the_delete(stack: Stack):
    stack.set("identity", "i-2")
    preview = stack.preview()
    # What goes with another is made again when that one is; its delete is left out.
    assert preview.changes == {"first": "replace", "second": "replace", "third": "replace"}
    assert preview.differences("first") == {"triggers[0]"}
    result = stack.up()
    assert [step for step in result.order if step[1] == "first"] == [
        ("create-replacement", "first"),
        ("replace", "first"),
        ("delete-replaced", "first"),
    ]
    verbs = [(step["name"], step["verb"]) for step in stack.steps() if step["name"] != "first"]
    assert verbs == [("second", "delete"), ("second", "create"), ("third", "create")]


def test_a_new_authority_reissues_its_leaves_and_tells_in_preview(stack: Stack):
    stack.set("hours", "49")
    expected = {"ca": "replace", "leaf": "replace", "second": "update"}
    preview = stack.preview()
    assert preview.changes == expected
    assert preview.differences("leaf") == {"caCertPem"}
    assert stack.up().changes == expected


def test_early_renewal_replaces_a_certificate_that_is_due(stack: Stack):
    stack.set("early", "1")
    assert stack.up().changes == {"leaf": "update"}
    stack.set("early", "24")
    before = stack.outputs()["leaf"]
    assert stack.up().changes == {"leaf": "replace", "second": "update"}
    assert stack.outputs()["leaf"] != before
    stack.set("early", "1")
    assert stack.up().changes == {"leaf": "update"}


def test_a_failed_step_is_run_again_with_the_next_update(stack: Stack, answers: Path):
    stack.steps()
    stack.set("text", "fails")
    answers.write_text(json.dumps({"first": {"error": 'Process exited with status 1: running "bash -s":\nno space'}}))
    result = stack.up(fails=True)
    assert 'Process exited with status 1: running "bash -s":\nno space' in result.messages
    answers.write_text("{}")
    assert stack.up().changes == {"first": "update"}
    assert stack.up("--expect-no-changes").changes == {}


def test_destroy_runs_each_delete_but_what_goes_with_another(stack: Stack):
    stack.steps()
    stack.destroy("-p", "1")
    assert [(step["name"], step["verb"]) for step in stack.steps()] == [("second", "delete")]
    assert stack.resources() == {}
