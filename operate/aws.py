"""AWS as an operator's command speaks to it."""

import os
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
import click
from botocore.exceptions import BotoCoreError, ClientError

from settings.machine_states import LIVING

MISSING = re.compile(r"NotFound(Exception)?$|^NoSuch")


@dataclass(frozen=True, kw_only=True)
class Aws:
    """Clients of one account and region (boto3's have no static types)."""

    account: str
    region: str
    ec2: Any
    elb: Any
    route53: Any

    @classmethod
    def connect(cls, region: str | None, profile: str | None) -> "Aws":
        """With the operator's own credentials. Raises ClickException when there are none."""
        with explained("AWS cannot be asked"):
            session = boto3.Session(profile_name=profile, region_name=region or os.environ.get("AWS_REGION"))
            return cls(
                account=session.client("sts").get_caller_identity()["Account"],
                region=session.region_name or "",
                ec2=session.client("ec2"),
                elb=session.client("elbv2"),
                route53=session.client("route53"),
            )

    def living(self, machines: Collection[str]) -> set[str]:
        """Those of `machines` (ids) that have not ended, stopped ones too. Raises ClickException."""
        if not machines:
            return set()
        asked = [
            {"Name": "instance-id", "Values": list(machines)},
            {"Name": "instance-state-name", "Values": list(LIVING)},
        ]
        with explained("AWS cannot be asked which machines there are"):
            reservations = pages(self.ec2, "describe_instances", "Reservations", Filters=asked)
            return {instance["InstanceId"] for one in reservations for instance in one["Instances"]}


def error_code(error: ClientError) -> str:
    return error.response.get("Error", {}).get("Code", "")


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Turn what AWS says into a ClickException, with what failed in front."""
    try:
        yield
    except ClientError as error:
        text = error.response.get("Error", {}).get("Message", "")
        raise click.ClickException(f"{what}: {error.operation_name}: {error_code(error)}: {text}") from error
    except BotoCoreError as error:
        raise click.ClickException(f"{what}: {error}") from error


def pages(client: Any, operation: str, key: str, **arguments: Any) -> Iterator[Any]:  # noqa: ANN401
    """What an operation lists under the key, all pages of it."""
    if client.can_paginate(operation):
        for page in client.get_paginator(operation).paginate(**arguments):
            yield from page[key]
    else:
        yield from getattr(client, operation)(**arguments)[key]


def terminate(aws: Aws, machine: str) -> None:
    """End a machine, one that is protected too. (Of a spot machine AWS takes no word about protection.)"""
    asked = aws.ec2.describe_instance_attribute(InstanceId=machine, Attribute="disableApiTermination")
    if asked["DisableApiTermination"].get("Value"):
        aws.ec2.modify_instance_attribute(InstanceId=machine, DisableApiTermination={"Value": False})
    aws.ec2.terminate_instances(InstanceIds=[machine])
