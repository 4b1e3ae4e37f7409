"""Orphans are found: by the cluster's tag, or where none can be, by what a killed `pulumi up` was just making."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from operate import untagged
from operate.aws import Aws, pages
from operate.orphan import INTERRUPTED, TAGGED, Kind, Orphan, in_order
from operate.stack_state import StackState
from operate.untagged import dotted
from settings.tags import CLUSTER_TAG

EC2 = {
    Kind.INSTANCE: ("describe_instances", "Reservations", "InstanceId"),
    Kind.NAT_GATEWAY: ("describe_nat_gateways", "NatGateways", "NatGatewayId"),
    Kind.ADDRESS: ("describe_addresses", "Addresses", "AllocationId"),
    Kind.SECURITY_GROUP_RULE: ("describe_security_group_rules", "SecurityGroupRules", "SecurityGroupRuleId"),
    Kind.SECURITY_GROUP: ("describe_security_groups", "SecurityGroups", "GroupId"),
    Kind.ROUTE_TABLE: ("describe_route_tables", "RouteTables", "RouteTableId"),
    Kind.SUBNET: ("describe_subnets", "Subnets", "SubnetId"),
    Kind.INTERNET_GATEWAY: ("describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
    Kind.VPC: ("describe_vpcs", "Vpcs", "VpcId"),
}
"""Operation, the list it gives, and what in that is the id. Volumes and network interfaces end with their instance."""

ZONE = "aws:route53/zone:Zone"


def find(aws: Aws, state: StackState) -> list[Orphan]:
    """Every orphan of the state's clusters, in the order of deletion. Raises ClientError."""
    return in_order(
        [
            *_of_ec2(aws, state),
            *_of_load_balancing(aws, state),
            *_hosted_zones(aws, state),
            *untagged.find(aws, state),
        ]
    )


def _of_ec2(aws: Aws, state: StackState) -> Iterator[Orphan]:
    cluster = [{"Name": f"tag:{CLUSTER_TAG}", "Values": sorted(state.clusters)}]
    for kind, (operation, key, id_key) in EC2.items():
        listed = pages(aws.ec2, operation, key, Filters=cluster)
        for found in (one for item in listed for one in item.get("Instances", [item])):
            tags = _plain(found.get("Tags") or ())
            if state.owns(tags) and found[id_key] not in state.known and not _has_ended(found):
                yield _tagged(kind, found[id_key], tags.get("Name", ""), state)


def _has_ended(found: Mapping[str, Any]) -> bool:
    """Instances and NAT gateways are told of for a while after their end."""
    state = found.get("State")
    return (state.get("Name") if isinstance(state, dict) else state) in ("terminated", "deleted")


def _of_load_balancing(aws: Aws, state: StackState) -> Iterator[Orphan]:
    balancers = [one["LoadBalancerArn"] for one in pages(aws.elb, "describe_load_balancers", "LoadBalancers")]
    groups = [one["TargetGroupArn"] for one in pages(aws.elb, "describe_target_groups", "TargetGroups")]
    ours = _balancing_names(aws, state, balancers)
    listeners = [
        one["ListenerArn"]
        for arn in ours
        for one in pages(aws.elb, "describe_listeners", "Listeners", LoadBalancerArn=arn)
    ]
    found = {
        Kind.LISTENER: _balancing_names(aws, state, listeners),
        Kind.LOAD_BALANCER: ours,
        Kind.TARGET_GROUP: _balancing_names(aws, state, groups),
    }
    for kind, names in found.items():
        for arn in names.keys() - state.known:
            yield _tagged(kind, arn, names[arn], state)


def _balancing_names(aws: Aws, state: StackState, arns: Sequence[str]) -> dict[str, str]:
    """The tag Name by ARN, of those that are the clusters'; AWS takes 20 in a request."""
    described = [
        one for some in _portions(arns, 20) for one in aws.elb.describe_tags(ResourceArns=some)["TagDescriptions"]
    ]
    tags = {one["ResourceArn"]: _plain(one["Tags"]) for one in described}
    return {arn: of_it.get("Name", "") for arn, of_it in tags.items() if state.owns(of_it)}


def _hosted_zones(aws: Aws, state: StackState) -> Iterator[Orphan]:
    """Zones get their tags after they were made, so one without any is known by its name and its VPC."""
    interrupted = {
        (dotted(one.inputs.get("name", "")), vpc.get("vpcId"))
        for one in state.creating
        if one.type == ZONE
        for vpc in one.inputs.get("vpcs") or ()
    }
    zones = {
        one["Id"].rsplit("/", 1)[-1]: one["Name"] for one in pages(aws.route53, "list_hosted_zones", "HostedZones")
    }
    for some in _portions(sorted(zones.keys() - state.known), 10):
        answer = aws.route53.list_tags_for_resources(ResourceType="hostedzone", ResourceIds=some)
        tags_of = {one["ResourceId"]: _plain(one.get("Tags") or ()) for one in answer["ResourceTagSets"]}
        for identity in some:
            tags = tags_of.get(identity, {})
            if state.owns(tags):
                yield _tagged(Kind.HOSTED_ZONE, identity, zones[identity], state)
            elif not tags and any(name == zones[identity] for name, _ in interrupted):
                vpcs = aws.route53.get_hosted_zone(Id=identity).get("VPCs") or ()
                if any((zones[identity], vpc["VPCId"]) in interrupted for vpc in vpcs):
                    yield Orphan(kind=Kind.HOSTED_ZONE, identity=identity, name=zones[identity], why=INTERRUPTED)


def _tagged(kind: Kind, identity: str, name: str, state: StackState) -> Orphan:
    names = {(one.inputs.get("tags") or {}).get("Name") for one in state.creating}
    return Orphan(kind=kind, identity=identity, name=name, why=INTERRUPTED if name in names else TAGGED)


def _portions(all_of_them: Sequence[str], size: int) -> Iterator[list[str]]:
    """As many as a request takes at once."""
    for start in range(0, len(all_of_them), size):
        yield list(all_of_them[start : start + size])


def _plain(tags: Iterable[Mapping[str, str]]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in tags}
