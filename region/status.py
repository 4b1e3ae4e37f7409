"""What runs in the region, as its own API and processes tell."""

from collections.abc import Iterator
from typing import Any

import boto3
from rich.console import Console
from rich.table import Table

from region.build import mirror
from region.errors import ExpectedError
from region.fabric import hosts
from region.fabric.namespaces import MIRROR_ADDRESS
from region.pulumi_home import ENDPOINT


class UnknownHostError(ExpectedError):
    """There is no such host."""


def show(console: Console) -> None:
    """Print hosts, balancers with their targets, and the two services. Must run where the API can be reached."""
    instances = list(_instances())
    console.print(_hosts(instances))
    console.print(_balancers({instance["InstanceId"]: _name(instance) for instance in instances}))
    console.print(f"AWS API  {ENDPOINT}  answering")
    console.print(f"Mirror   http://{MIRROR_ADDRESS}  {'answering' if mirror.answers() else 'not answering'}")


def instance_id(host: str) -> str:
    """The instance of this name or id. Raises UnknownHostError naming those that there are."""
    instances = list(_instances())
    for instance in instances:
        if host in (instance["InstanceId"], _name(instance)):
            return instance["InstanceId"]
    known = ", ".join(sorted(_name(instance) for instance in instances)) or "none"
    raise UnknownHostError(f"{host} is no host of this region; there are: {known}")


def _client(service: str) -> Any:  # noqa: ANN401 (boto3 makes its clients' types at run time)
    return boto3.client(service, endpoint_url=ENDPOINT)


def _instances() -> Iterator[dict[str, Any]]:
    for page in _client("ec2").get_paginator("describe_instances").paginate():
        for reservation in page["Reservations"]:
            yield from (i for i in reservation["Instances"] if i["State"]["Name"] != "terminated")


def _name(instance: dict[str, Any]) -> str:
    """The Name tag without the cluster's prefix, as the cluster itself calls the host."""
    tags = {tag["Key"]: tag["Value"] for tag in instance.get("Tags", [])}
    return tags.get("Name", instance["InstanceId"]).removeprefix(f"{tags.get('kubeadm-aws:cluster', '')}-")


def _hosts(instances: list[dict[str, Any]]) -> Table:
    table = Table("host", "instance", "address", "public", "zone", "type", "state", "memory", title="Hosts")
    running = hosts.running()
    for instance in sorted(instances, key=_name):
        identity = instance["InstanceId"]
        table.add_row(
            _name(instance),
            identity,
            instance.get("PrivateIpAddress", ""),
            instance.get("PublicIpAddress", ""),
            instance["Placement"]["AvailabilityZone"],
            instance["InstanceType"],
            "running" if identity in running else "not running",
            _memory(identity),
        )
    return table


def _memory(identity: str) -> str:
    usage = hosts.cgroup(identity).memory_usage()
    return "" if usage is None else f"{usage / 2**20:.0f} MiB"


def _balancers(names: dict[str, str]) -> Table:
    table = Table("balancer", "port", "target", "health", title="Balancers")
    elb = _client("elbv2")
    for balancer in elb.describe_load_balancers()["LoadBalancers"]:
        for listener in elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]:
            group = listener["DefaultActions"][0]["TargetGroupArn"]
            for target in elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]:
                identity = target["Target"]["Id"]
                endpoint = f"{names.get(identity, identity)}:{target['Target']['Port']}"
                state = target["TargetHealth"]["State"]
                table.add_row(balancer["LoadBalancerName"], str(listener["Port"]), endpoint, state)
    return table
