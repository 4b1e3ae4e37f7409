"""Orphans that take no tags: known by the creations of which the state says that they began and never ended."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from operate.aws import MISSING, Aws, error_code, pages
from operate.orphan import INTERRUPTED, Kind, Orphan
from operate.stack_state import Registered, StackState


def find(aws: Aws, state: StackState) -> Iterator[Orphan]:
    """Those whose creation was interrupted, and which no later run made."""
    for creating in state.creating:
        look = UNTAGGED.get(creating.type)
        if look and not any(_is_same(creating, other) for other in state.resources):
            yield from look(aws, creating)


def _route(aws: Aws, creating: Registered) -> Iterator[Orphan]:
    table, cidr = creating.inputs["routeTableId"], creating.inputs["destinationCidrBlock"]
    for found in _some(lambda: aws.ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"]):
        if any(route.get("DestinationCidrBlock") == cidr for route in found["Routes"]):
            yield _interrupted(Kind.ROUTE, cidr, creating, parent=table)


def _association(aws: Aws, creating: Registered) -> Iterator[Orphan]:
    table, subnet = creating.inputs["routeTableId"], creating.inputs["subnetId"]
    for found in _some(lambda: aws.ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"]):
        for association in found["Associations"]:
            if association.get("SubnetId") == subnet:
                identity = association["RouteTableAssociationId"]
                yield _interrupted(Kind.ROUTE_TABLE_ASSOCIATION, identity, creating)


def _reservation(aws: Aws, creating: Registered) -> Iterator[Orphan]:
    subnet = creating.inputs["subnetId"]
    found = _some(lambda: aws.ec2.get_subnet_cidr_reservations(SubnetId=subnet)["SubnetIpv4CidrReservations"])
    for reservation in found:
        if reservation["Cidr"] == creating.inputs["cidrBlock"]:
            yield _interrupted(Kind.RESERVATION, reservation["SubnetCidrReservationId"], creating)


def _record(aws: Aws, creating: Registered) -> Iterator[Orphan]:
    zone, name, type = (creating.inputs[key] for key in ("zoneId", "name", "type"))
    which = {"HostedZoneId": zone}
    for record in _some(lambda: list(pages(aws.route53, "list_resource_record_sets", "ResourceRecordSets", **which))):
        if (record["Name"], record["Type"]) == (dotted(name), type):
            yield _interrupted(Kind.RECORD, f"{record['Name']} {type}", creating, parent=zone)


UNTAGGED: Mapping[str, Callable[[Aws, Registered], Iterator[Orphan]]] = {
    "aws:ec2/route:Route": _route,
    "aws:ec2/routeTableAssociation:RouteTableAssociation": _association,
    "aws:ec2/subnetCidrReservation:SubnetCidrReservation": _reservation,
    "aws:route53/record:Record": _record,
}
"""What takes no tags is an orphan only where the state says that its creation began. Other types of which that is true
(attachments to target groups, elastic addresses' associations) can be made once more without harm."""
SAME = ("routeTableId", "destinationCidrBlock", "subnetId", "cidrBlock", "zoneId", "name", "type")


def _is_same(creating: Registered, other: Registered) -> bool:
    """Whether the state has that very thing after all, from a later run."""
    return creating.type == other.type and all(creating.inputs.get(key) == other.inputs.get(key) for key in SAME)


def _interrupted(kind: Kind, identity: str, creating: Registered, parent: str = "") -> Orphan:
    return Orphan(kind=kind, identity=identity, name=creating.name, why=INTERRUPTED, parent=parent)


def _some(look: Callable[[], list[Any]]) -> list[Any]:
    """Nothing where what it would be part of is gone."""
    try:
        return look()
    except ClientError as error:
        if MISSING.search(error_code(error)):
            return []
        raise


def dotted(name: str) -> str:
    """A DNS name as Route 53 has it."""
    return name.lower().rstrip(".") + "."
