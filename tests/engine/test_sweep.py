"""`pulumi up` killed while AWS makes things: the state does not know them, the sweep does, the next `up` goes on."""

import io
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest

from region.cloud.api import Api, _is_mutating
from region.paths import CHECKOUT
from tests.engine.conftest import MakeStack
from tests.engine.stack import Stack

PROJECT = """\
name: trial
runtime: python
options:
  refresh: always
"""

# What is in the way when it is made once more: a fixed address, a range, a route, an association, names.
PROGRAM = """\
import pulumi
import pulumi_aws as aws

def tags(name):
    ours = {"kubeadm-aws:cluster": "swept", "kubeadm-aws:stack": "0123456789abcdef"}
    return {**ours, "Name": name, "secret": pulumi.Output.secret("x")}

vpc = aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16", tags=tags("vpc"))
subnet = aws.ec2.Subnet("subnet", vpc_id=vpc.id, cidr_block="10.0.32.0/20", tags=tags("subnet"))
gateway = aws.ec2.InternetGateway("gateway", vpc_id=vpc.id, tags=tags("gateway"))
table = aws.ec2.RouteTable("table", vpc_id=vpc.id, tags=tags("table"))
vpcs = [aws.route53.ZoneVpcArgs(vpc_id=vpc.id)]
zone = aws.route53.Zone("zone", name="swept.internal", vpcs=vpcs, tags=tags("zone"))
first = aws.ec2.Instance("first", ami="ami-0debian13trixie64", instance_type="t3.nano", subnet_id=subnet.id)
address = aws.ec2.Eip("address", domain="vpc", tags=tags("address"))
if pulumi.Config().get_bool("whole"):
    aws.ec2.Instance(
        "instance",
        ami="ami-0debian13trixie64",
        instance_type="t3.nano",
        subnet_id=subnet.id,
        private_ip="10.0.32.17",
        tags=tags("instance"),
        opts=pulumi.ResourceOptions(delete_before_replace=True),
    )
    aws.ec2.Route("route", route_table_id=table.id, destination_cidr_block="0.0.0.0/0", gateway_id=gateway.id)
    aws.ec2.RouteTableAssociation("association", route_table_id=table.id, subnet_id=subnet.id)
    aws.ec2.SubnetCidrReservation(
        "reservation", subnet_id=subnet.id, cidr_block="10.0.32.16/28", reservation_type="explicit"
    )
    aws.route53.Zone("other", name="other.internal", vpcs=vpcs, tags=tags("other"))
    aws.route53.Record("record", zone_id=zone.zone_id, name="api.swept.internal", type="A", ttl=9, records=["10.0.0.1"])
    aws.ec2.EipAssociation("public", allocation_id=address.id, instance_id=first.id)
"""
CREATIONS = 7


class HeldAnswers:
    """An API that does what it is asked to, and keeps the answers back."""

    def __init__(self, original: object) -> None:
        self.original = original
        self.done = threading.Semaphore(0)
        self.release = threading.Event()

    def call(self, api: Api, environ: WSGIEnvironment, start_response: StartResponse) -> object:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        answer = self.original(api, environ, start_response)  # type: ignore[operator]
        if _is_mutating(environ, body):
            self.done.release()
            self.release.wait()
        return answer


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[HeldAnswers]:
    answers = HeldAnswers(Api.__call__)
    monkeypatch.setattr(Api, "__call__", lambda *arguments: answers.call(*arguments))
    yield answers
    answers.release.set()


@pytest.fixture
def stack(make_stack: MakeStack) -> Stack:
    stack = make_stack("swept", program={"Pulumi.yaml": PROJECT, "__main__.py": PROGRAM})
    stack.up()
    stack.set("whole", True)
    return stack


def sweep(stack: Stack, *flags: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "operate", "sweep", "--stack", stack.name, *flags],
        cwd=stack.directory,
        env={**os.environ, **stack.environment, "PYTHONPATH": str(CHECKOUT), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )


def kill_while_creating(stack: Stack, held: HeldAnswers) -> None:
    log = stack.directory.parent / "killed.log"
    with log.open("w") as output:
        up = subprocess.Popen(
            ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive", "--stack", stack.name, "-p", "64"],
            cwd=stack.directory,
            env={**os.environ, **stack.environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        for _ in range(CREATIONS):
            assert held.done.acquire(timeout=60), log.read_text()
        assert "is locked" in sweep(stack, "--yes").stderr
    finally:
        up.kill()
        up.wait()
        held.release.set()


def test_a_killed_up_is_swept_and_goes_on(stack: Stack, held: HeldAnswers):
    kill_while_creating(stack, held)
    stack.run("cancel", "--yes", "--stack", stack.name)
    creating = [one["resource"]["urn"] for one in stack.export()["deployment"]["pending_operations"]]
    assert len(creating) == CREATIONS
    assert "InvalidIPAddress.InUse" in stack.up(fails=True).messages

    assert "Aborted" in sweep(stack).stderr
    done = sweep(stack, "--yes")
    assert done.returncode == 0, done.stderr
    assert "deleted instance instance (i-" in done.stdout
    assert not stack.export()["deployment"].get("pending_operations")
    result = stack.up()
    assert result.messages == ""
    assert stack.up("--expect-no-changes").changes == {}
    assert "No orphans" in sweep(stack, "--yes").stdout
    stack.destroy()
