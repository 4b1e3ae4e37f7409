"""Everything that the account has in the region, whoever made it; run in the operator's place, it prints that."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import boto3

from tests.e2e.cluster import Cluster

Inventory = Mapping[str, Sequence[str]]
ENDED = ("terminated", "deleted")
EC2 = {
    "instances": "InstanceId",
    "volumes": "VolumeId",
    "vpcs": "VpcId",
    "subnets": "SubnetId",
    "route_tables": "RouteTableId",
    "security_groups": "GroupId",
    "network_acls": "NetworkAclId",
    "network_interfaces": "NetworkInterfaceId",
    "addresses": "AllocationId",
    "nat_gateways": "NatGatewayId",
    "internet_gateways": "InternetGatewayId",
    "key_pairs": "KeyPairId",
    "dhcp_options": "DhcpOptionsId",
}


def inventory(cluster: Cluster) -> Inventory:
    """Ids and names by kind."""
    return json.loads(cluster.place("python", "-m", "tests.full.inventory"))


def _ec2(kind: str, key: str) -> list[str]:
    answer = getattr(boto3.client("ec2"), f"describe_{kind}")()
    if kind == "instances":
        found = [instance for one in answer["Reservations"] for instance in one["Instances"]]
    else:
        found = next(value for value in answer.values() if isinstance(value, list))
    return [one[key] for one in found if _state(one) not in ENDED]


def _state(one: Mapping[str, Any]) -> str:
    state = one.get("State")
    return state["Name"] if isinstance(state, dict) else str(state)


def _all() -> Iterator[tuple[str, list[str]]]:
    for kind, key in EC2.items():
        yield kind, _ec2(kind, key)
    balancers, names = boto3.client("elbv2"), boto3.client("route53")
    yield "load_balancers", [one["LoadBalancerArn"] for one in balancers.describe_load_balancers()["LoadBalancers"]]
    yield "target_groups", [one["TargetGroupArn"] for one in balancers.describe_target_groups()["TargetGroups"]]
    yield "hosted_zones", [one["Id"] for one in names.list_hosted_zones()["HostedZones"]]


if __name__ == "__main__":
    print(json.dumps({kind: sorted(found) for kind, found in _all()}))
