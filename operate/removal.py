"""The deletion of orphans, one kind after the other, waiting for what takes its time to end."""

import time
from collections.abc import Callable, Sequence

from botocore.exceptions import ClientError, WaiterError

from operate.aws import MISSING, Aws, error_code, explained, terminate
from operate.orphan import Kind, Orphan, in_order

IN_USE = ("DependencyViolation", "ResourceInUse", "InvalidIPAddress.InUse")
IN_USE_SECONDS = 900
"""AWS takes minutes to give up the interfaces of a deleted load balancer."""
WAIT = {"Delay": 5, "MaxAttempts": 180}


def remove(aws: Aws, orphans: Sequence[Orphan], report: Callable[[str], None]) -> None:
    """Delete exactly these; what is gone already is as good. Raises ClickException with the one that would not go."""
    ordered = in_order(orphans)
    for kind in dict.fromkeys(orphan.kind for orphan in ordered):
        of_kind = [orphan for orphan in ordered if orphan.kind == kind]
        for orphan in of_kind:
            with explained(_failure(orphan)):
                _until_unused(lambda orphan=orphan: DELETE[orphan.kind](aws, orphan))
        for orphan in of_kind:
            with explained(_failure(orphan)):
                _wait(aws, orphan)
            report(f"deleted {kind} {orphan.name} ({orphan.identity})")


def _failure(orphan: Orphan) -> str:
    return (
        f"{orphan.kind} {orphan.name} ({orphan.identity}) could not be deleted; see to it and run the sweep again, "
        "it goes on from there"
    )


def _until_unused(delete: Callable[[], object]) -> None:
    """Repeat while something that is ending still holds it."""
    end = time.monotonic() + IN_USE_SECONDS
    pause = 0.2
    while True:
        try:
            delete()
            return
        except ClientError as error:
            if MISSING.search(error_code(error)):
                return
            if error_code(error) not in IN_USE or time.monotonic() > end:
                raise
        time.sleep(pause)
        pause = min(2 * pause, 10)


def _wait(aws: Aws, orphan: Orphan) -> None:
    waiters = {
        Kind.INSTANCE: (aws.ec2, "instance_terminated", "InstanceIds"),
        Kind.NAT_GATEWAY: (aws.ec2, "nat_gateway_deleted", "NatGatewayIds"),
        Kind.LOAD_BALANCER: (aws.elb, "load_balancers_deleted", "LoadBalancerArns"),
    }
    if orphan.kind not in waiters:
        return
    client, waiter, argument = waiters[orphan.kind]
    try:
        client.get_waiter(waiter).wait(**{argument: [orphan.identity]}, WaiterConfig=WAIT)
    except WaiterError as error:
        code = error.last_response.get("Error", {}).get("Code", "")
        if not MISSING.search(code):
            raise


def _address(aws: Aws, orphan: Orphan) -> None:
    [address] = aws.ec2.describe_addresses(AllocationIds=[orphan.identity])["Addresses"]
    if address.get("AssociationId"):
        aws.ec2.disassociate_address(AssociationId=address["AssociationId"])
    aws.ec2.release_address(AllocationId=orphan.identity)


def _rule(aws: Aws, orphan: Orphan) -> None:
    found = aws.ec2.describe_security_group_rules(SecurityGroupRuleIds=[orphan.identity])["SecurityGroupRules"]
    for rule in found:
        revoke = aws.ec2.revoke_security_group_egress if rule["IsEgress"] else aws.ec2.revoke_security_group_ingress
        revoke(GroupId=rule["GroupId"], SecurityGroupRuleIds=[orphan.identity])


def _route(aws: Aws, orphan: Orphan) -> None:
    aws.ec2.delete_route(RouteTableId=orphan.parent, DestinationCidrBlock=orphan.identity)


def _table(aws: Aws, orphan: Orphan) -> None:
    [table] = aws.ec2.describe_route_tables(RouteTableIds=[orphan.identity])["RouteTables"]
    for association in table["Associations"]:
        if not association.get("Main"):
            aws.ec2.disassociate_route_table(AssociationId=association["RouteTableAssociationId"])
    aws.ec2.delete_route_table(RouteTableId=orphan.identity)


def _subnet(aws: Aws, orphan: Orphan) -> None:
    reservations = aws.ec2.get_subnet_cidr_reservations(SubnetId=orphan.identity)["SubnetIpv4CidrReservations"]
    for reservation in reservations:
        aws.ec2.delete_subnet_cidr_reservation(SubnetCidrReservationId=reservation["SubnetCidrReservationId"])
    aws.ec2.delete_subnet(SubnetId=orphan.identity)


def _internet_gateway(aws: Aws, orphan: Orphan) -> None:
    found = aws.ec2.describe_internet_gateways(InternetGatewayIds=[orphan.identity])["InternetGateways"]
    for attachment in found[0]["Attachments"]:
        aws.ec2.detach_internet_gateway(InternetGatewayId=orphan.identity, VpcId=attachment["VpcId"])
    aws.ec2.delete_internet_gateway(InternetGatewayId=orphan.identity)


def _record(aws: Aws, orphan: Orphan) -> None:
    name, type = orphan.identity.split(" ")
    _delete_records(aws, orphan.parent, lambda record: (record["Name"], record["Type"]) == (name, type))


def _zone(aws: Aws, orphan: Orphan) -> None:
    """Its own NS and SOA records go with it."""
    _delete_records(aws, orphan.identity, lambda record: record["Type"] not in ("NS", "SOA"))
    aws.route53.delete_hosted_zone(Id=orphan.identity)


def _delete_records(aws: Aws, zone: str, is_wanted: Callable[[dict], bool]) -> None:
    for page in aws.route53.get_paginator("list_resource_record_sets").paginate(HostedZoneId=zone):
        changes = [
            {"Action": "DELETE", "ResourceRecordSet": one} for one in page["ResourceRecordSets"] if is_wanted(one)
        ]
        if changes:
            aws.route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})


DELETE: dict[Kind, Callable[[Aws, Orphan], object]] = {
    Kind.LISTENER: lambda aws, orphan: aws.elb.delete_listener(ListenerArn=orphan.identity),
    Kind.LOAD_BALANCER: lambda aws, orphan: aws.elb.delete_load_balancer(LoadBalancerArn=orphan.identity),
    Kind.TARGET_GROUP: lambda aws, orphan: aws.elb.delete_target_group(TargetGroupArn=orphan.identity),
    Kind.INSTANCE: lambda aws, orphan: terminate(aws, orphan.identity),
    Kind.NAT_GATEWAY: lambda aws, orphan: aws.ec2.delete_nat_gateway(NatGatewayId=orphan.identity),
    Kind.ADDRESS: _address,
    Kind.SECURITY_GROUP_RULE: _rule,
    Kind.SECURITY_GROUP: lambda aws, orphan: aws.ec2.delete_security_group(GroupId=orphan.identity),
    Kind.ROUTE: _route,
    Kind.ROUTE_TABLE_ASSOCIATION: lambda aws, orphan: aws.ec2.disassociate_route_table(AssociationId=orphan.identity),
    Kind.ROUTE_TABLE: _table,
    Kind.RESERVATION: lambda aws, orphan: aws.ec2.delete_subnet_cidr_reservation(
        SubnetCidrReservationId=orphan.identity
    ),
    Kind.SUBNET: _subnet,
    Kind.INTERNET_GATEWAY: _internet_gateway,
    Kind.RECORD: _record,
    Kind.HOSTED_ZONE: _zone,
    Kind.VPC: lambda aws, orphan: aws.ec2.delete_vpc(VpcId=orphan.identity),
}
