"""Route tables, their routes, and the subnets that use them."""

import zlib
from collections.abc import Sequence

from region.plugins.aws.calls import unless_missing
from region.plugins.aws.properties import arguments, tag_specifications, tags_of
from region.plugins.aws.resource import AwsResource
from region.plugins.base import Call, Properties

TARGETS = {
    "gatewayId": "GatewayId",
    "natGatewayId": "NatGatewayId",
    "networkInterfaceId": "NetworkInterfaceId",
    "transitGatewayId": "TransitGatewayId",
    "vpcEndpointId": "VpcEndpointId",
    "vpcPeeringConnectionId": "VpcPeeringConnectionId",
}
DESTINATION = {"destinationCidrBlock": "DestinationCidrBlock"}


class RouteTable(AwsResource):
    token = "aws:ec2/routeTable:RouteTable"
    required = ("vpcId",)
    replace_on = frozenset({"vpcId"})
    changeable = frozenset({"routes"})
    outputs = frozenset({"arn", "ownerId", "propagatingVgws", "region", "routes", "tagsAll"})

    def make(self, call: Call, inputs: Properties) -> str:
        tags = tag_specifications("route-table", inputs)
        return self.session.ec2.create_route_table(VpcId=inputs["vpcId"], **tags)["RouteTable"]["RouteTableId"]

    def settle(self, call: Call, id: str, inputs: Properties) -> None:
        self._route(id, [], inputs.get("routes") or [])

    def look(self, id: str, before: Properties) -> Properties | None:
        table = table_of(self, id)
        if table is None:
            return None
        routes = [{"cidrBlock": destination(route), **targets(route)} for route in own_routes(table)]
        return {
            "arn": self.session.arn("ec2", f"route-table/{id}"),
            "vpcId": table["VpcId"],
            "ownerId": table.get("OwnerId", self.session.account),
            "propagatingVgws": [],
            "routes": sorted(routes, key=lambda route: route["cidrBlock"]),
            "tags": tags_of(table.get("Tags")),
        }

    def change(self, call: Call, id: str, old: Properties, new: Properties, changed: set[str]) -> None:
        if "routes" in changed:
            self._route(id, old.get("routes") or [], new.get("routes") or [])

    def end(self, call: Call, id: str, state: Properties) -> None:
        self.session.ec2.delete_route_table(RouteTableId=id)

    def _route(self, id: str, old: Sequence[Properties], new: Sequence[Properties]) -> None:
        before = {route["cidrBlock"]: arguments(route, TARGETS) for route in old}
        after = {route["cidrBlock"]: arguments(route, TARGETS) for route in new}
        ec2 = self.session.ec2
        for cidr in sorted(before.keys() - after.keys()):
            ec2.delete_route(RouteTableId=id, DestinationCidrBlock=cidr)
        for cidr, target in after.items():
            if cidr not in before:
                ec2.create_route(RouteTableId=id, DestinationCidrBlock=cidr, **target)
            elif before[cidr] != target:
                ec2.replace_route(RouteTableId=id, DestinationCidrBlock=cidr, **target)


class Route(AwsResource):
    token = "aws:ec2/route:Route"
    required = ("routeTableId",)
    replace_on = frozenset({"routeTableId", "destinationCidrBlock"})
    changeable = frozenset(TARGETS)
    outputs = frozenset({"instanceId", "instanceOwnerId", "networkInterfaceId", "origin", "region", "state"})
    tagged = False

    def faults(self, inputs: Properties) -> list[str]:
        if "destinationCidrBlock" not in inputs:
            return ['one of "destination_cidr_block", … must be specified']
        given = [name for name in TARGETS if name in inputs]
        return [] if len(given) == 1 else [f"exactly one target must be specified, of {', '.join(TARGETS)}: {given}"]

    def make(self, call: Call, inputs: Properties) -> str:
        table = inputs["routeTableId"]
        self.session.ec2.create_route(RouteTableId=table, **arguments(inputs, DESTINATION | TARGETS))
        return f"r-{table}{zlib.crc32(inputs['destinationCidrBlock'].encode())}"

    def look(self, id: str, before: Properties) -> Properties | None:
        table = table_of(self, before["routeTableId"])
        for route in own_routes(table) if table else ():
            if destination(route) == before["destinationCidrBlock"]:
                return {
                    "routeTableId": before["routeTableId"],
                    "destinationCidrBlock": destination(route),
                    **targets(route),
                    "instanceId": route.get("InstanceId") or "",
                    "instanceOwnerId": route.get("InstanceOwnerId") or "",
                    "origin": route.get("Origin") or "",
                    "state": route.get("State") or "",
                }
        return None

    def change(self, call: Call, id: str, old: Properties, new: Properties, changed: set[str]) -> None:
        given = {name: value for name, value in new.items() if name in DESTINATION or name in changed}
        arguments_ = arguments(given, DESTINATION | TARGETS)
        self.session.ec2.replace_route(RouteTableId=new["routeTableId"], **arguments_)

    def end(self, call: Call, id: str, state: Properties) -> None:
        self.session.ec2.delete_route(
            RouteTableId=state["routeTableId"], DestinationCidrBlock=state["destinationCidrBlock"]
        )


class RouteTableAssociation(AwsResource):
    """A change of table gives the association another id on AWS; this finds it by its subnet, as the state keeps the
    id it was born with."""

    token = "aws:ec2/routeTableAssociation:RouteTableAssociation"
    required = ("routeTableId",)
    replace_on = frozenset({"subnetId", "gatewayId"})
    changeable = frozenset({"routeTableId"})
    outputs = frozenset({"region"})
    tagged = False

    def faults(self, inputs: Properties) -> list[str]:
        given = [name for name in ("subnetId", "gatewayId") if name in inputs]
        return [] if len(given) == 1 else ["exactly one of `gateway_id,subnet_id` must be specified"]

    def make(self, call: Call, inputs: Properties) -> str:
        names = {"routeTableId": "RouteTableId", "subnetId": "SubnetId", "gatewayId": "GatewayId"}
        return self.session.ec2.associate_route_table(**arguments(inputs, names))["AssociationId"]

    def look(self, id: str, before: Properties) -> Properties | None:
        association = self._association(before)
        if association is None:
            return None
        return {
            "routeTableId": association["RouteTableId"],
            "subnetId": association.get("SubnetId") or "",
            "gatewayId": association.get("GatewayId") or "",
        }

    def change(self, call: Call, id: str, old: Properties, new: Properties, changed: set[str]) -> None:
        association = self._association(new)
        if association is None:
            self.make(call, new)
        else:
            self.session.ec2.replace_route_table_association(
                AssociationId=association["RouteTableAssociationId"], RouteTableId=new["routeTableId"]
            )

    def end(self, call: Call, id: str, state: Properties) -> None:
        association = self._association(state)
        if association:
            self.session.ec2.disassociate_route_table(AssociationId=association["RouteTableAssociationId"])

    def _association(self, inputs: Properties) -> Properties | None:
        kind, value = ("subnet", inputs["subnetId"]) if inputs.get("subnetId") else ("gateway", inputs["gatewayId"])
        of_it = [{"Name": f"association.{kind}-id", "Values": [value]}]
        for table in self.session.ec2.describe_route_tables(Filters=of_it)["RouteTables"]:
            for association in table["Associations"]:
                if value in (association.get("SubnetId"), association.get("GatewayId")):
                    return {**association, "RouteTableId": table["RouteTableId"]}
        return None


def table_of(resource: AwsResource, id: str) -> Properties | None:
    found = unless_missing(lambda: resource.session.ec2.describe_route_tables(RouteTableIds=[id])["RouteTables"])
    return found[0] if found else None


def own_routes(table: Properties) -> list[Properties]:
    """Without the local one, which every table has."""
    return [route for route in table.get("Routes", ()) if route.get("GatewayId") != "local"]


def destination(route: Properties) -> str:
    return route.get("DestinationCidrBlock") or route.get("DestinationIpv6CidrBlock") or ""


def targets(route: Properties) -> Properties:
    return {name: route.get(key) or "" for name, key in TARGETS.items()}
