"""The program on mocks: a stand-in for the engine that remembers all it was asked for."""

import functools
import json
import os
import runpy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml
from pulumi.runtime import mocks
from pulumi.runtime.settings import get_root_resource
from pulumi.runtime.stack import Stack
from registrations import Recorder, Registration, run

# What a string would hold of a value that is not known yet is a complaint, which nobody reads in a digest.
os.environ["PULUMI_ERROR_OUTPUT_STRING"] = "true"
CHECKOUT = Path(__file__).parent.parent.parent
IMAGE = "ami-0123456789abcdef0"
STATE = "pulumi:pulumi:readStackResourceOutputs"
TYPES = {"instanceTypes": ["g5.xlarge", "m6i.large", "t2.micro", "t2.small", "t2.medium", "t3.micro", "t3.small"]}
ANSWERS = {
    "aws:ssm/getParameter:getParameter": {"value": IMAGE},
    "aws:ec2/getAmi:getAmi": {"architecture": "x86_64"},
    "aws:ec2/getInstanceTypes:getInstanceTypes": TYPES,
    "aws:ec2/getVpcs:getVpcs": {"ids": []},
    STATE: {"outputs": {}},
}


@dataclass
class Engine(Recorder):
    """Answers resources with outputs as the plugins would, and calls with what was prepared for them."""

    outputs: Callable[[str, str], dict[str, Any]] = field(default_factory=lambda: _outputs)
    answers: Mapping[str, dict[str, Any]] = field(default_factory=lambda: ANSWERS)
    exports: dict[str, Any] = field(default_factory=dict)

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        identity, state = super().new_resource(args)
        if args.typ == "aws:ec2/instance:Instance":
            state = {"privateIp": f"10.0.200.{sum(map(ord, args.name)) % 250}", **state}
        return identity, state

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        if args.token not in self.answers:
            raise NotImplementedError(f"no answer to {args.token} was prepared")
        return {**args.args, **self.answers[args.token]}, []

    def declared(self, kind: str) -> dict[str, Registration]:
        """What was registered of one type, as `aws:ec2/vpc:Vpc`, by name."""
        return {made.name: made for made in self.registered if made.kind == kind}

    def run(self, program: Callable[[], object]) -> None:
        """Run a program to its end, with every resource it makes; raises what it raises. Secrets in exports stay so."""

        def run_and_look() -> pulumi.Output[Any]:
            program()
            stack = get_root_resource()
            assert isinstance(stack, Stack)
            return pulumi.Output.all(**{name: _marked(value) for name, value in stack.outputs.items()}).apply(
                self.exports.update
            )

        run(run_and_look, self)

    def run_stack(self, given: Mapping[str, Any], secrets: tuple[str, ...] = ()) -> "Engine":
        """The whole program with these settings, and the defaults for the others."""
        self.run(lambda: (configure(given, secrets), runpy.run_path(str(CHECKOUT / "__main__.py"))))
        return self


@dataclass(frozen=True)
class Secret:
    """The value of an export that is secret."""

    value: Any


def _marked(value: Any) -> Any:
    async def marked(output: pulumi.Output[Any]) -> Any:
        known = await output.future()
        return Secret(known) if await output.is_secret() else known

    return marked(value) if isinstance(value, pulumi.Output) else value


def _outputs(kind: str, name: str) -> dict[str, Any]:
    if kind == "tls:index/privateKey:PrivateKey":
        return {
            "privateKeyPem": f"PRIVATE KEY of {name}",
            "privateKeyOpenssh": f"PRIVATE KEY of {name}\n",
            "publicKeyPem": f"public key of {name}",
            "publicKeyOpenssh": f"ssh-ed25519 {name}\n",
        }
    return {
        "tls:index/certRequest:CertRequest": {"certRequestPem": f"request {name}"},
        "tls:index/locallySignedCert:LocallySignedCert": {"certPem": f"certificate {name}"},
        "tls:index/selfSignedCert:SelfSignedCert": {"certPem": f"certificate {name}"},
        "aws:ec2/eip:Eip": {"publicIp": f"203.0.113.{len(name)}"},
        "aws:ec2/natGateway:NatGateway": {"publicIp": "203.0.113.99"},
        "aws:lb/loadBalancer:LoadBalancer": {
            "arn": f"arn:{name}",
            "dnsName": f"{name}-0123.ELB.us-east-1.amazonaws.com",
            "zoneId": "Z0",
        },
        "aws:lb/targetGroup:TargetGroup": {"arn": f"arn:{name}"},
        "aws:route53/zone:Zone": {"zoneId": "Z1"},
        "command:remote:Command": {"stdout": ""},
    }.get(kind, {})


@pytest.fixture
def engine() -> Engine:
    return Engine()


@functools.cache
def run_of(stack: str) -> Engine:
    """The whole program with the settings of a stack: run once for all who only look at what it made."""
    return Engine().run_stack(stack_settings(stack))


@pytest.fixture
def local() -> Engine:
    return run_of("local")


@pytest.fixture
def prod() -> Engine:
    return run_of("prod")


def declared_settings() -> dict[str, Any]:
    """Each setting that Pulumi.yaml declares, with its default."""
    project = yaml.safe_load((CHECKOUT / "Pulumi.yaml").read_text())
    return {key: setting["default"] for key, setting in project["config"].items() if ":" not in key}


def stack_settings(stack: str) -> dict[str, Any]:
    """What the settings file of a stack says, by key without namespace. A later stage is as free as the first."""
    document = yaml.safe_load((CHECKOUT / f"Pulumi.{stack}.yaml").read_text())["config"]
    prefix = "kubeadm-aws:"
    given = {key.removeprefix(prefix): value for key, value in document.items() if key.startswith(prefix)}
    return {**given, "promotedFrom": ""}


def configure(given: Mapping[str, Any], secrets: tuple[str, ...] = ()) -> None:
    """Give the program its configuration as the CLI does: defaults filled in, what is no text as JSON."""
    settings = {**declared_settings(), "adminCidrs": ["198.51.100.0/24"], **given}
    everything = {f"kubeadm-aws:{key}": _text(value) for key, value in settings.items() if value is not None}
    pulumi.runtime.set_all_config({"aws:region": "us-east-1", **everything}, [f"kubeadm-aws:{key}" for key in secrets])


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value)
