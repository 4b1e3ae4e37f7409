"""Elastic addresses, what they are associated with, and NAT gateways."""

from region.plugins.aws.calls import retrying, unless_missing, wait_until
from region.plugins.aws.properties import arguments, names, tag_specifications, tags_of
from region.plugins.aws.resource import AwsResource
from region.plugins.base import Call, Properties

NOT_YET = ("IncorrectInstanceState", "InvalidInstanceID", "InvalidAllocationID.NotFound")


class Eip(AwsResource):
    token = "aws:ec2/eip:Eip"
    replace_on = frozenset({"domain", "address", "publicIpv4Pool", "networkBorderGroup"})
    changeable = frozenset({"instance", "networkInterface", "associateWithPrivateIp"})
    outputs = names(
        "allocationId arn associationId carrierIp customerOwnedIp domain instance networkBorderGroup networkInterface "
        "privateDns privateIp ptrRecord publicDns publicIp publicIpv4Pool region tagsAll"
    )

    def make(self, call: Call, inputs: Properties) -> str:
        names = {
            "address": "Address",
            "publicIpv4Pool": "PublicIpv4Pool",
            "networkBorderGroup": "NetworkBorderGroup",
        }
        answer = self.session.ec2.allocate_address(
            Domain=inputs.get("domain", "vpc"), **arguments(inputs, names), **tag_specifications("elastic-ip", inputs)
        )
        return answer["AllocationId"]

    def settle(self, call: Call, id: str, inputs: Properties) -> None:
        names = {
            "instance": "InstanceId",
            "networkInterface": "NetworkInterfaceId",
            "associateWithPrivateIp": "PrivateIpAddress",
        }
        if inputs.get("instance") or inputs.get("networkInterface"):
            to = arguments(inputs, names)
            retrying(
                lambda: self.session.ec2.associate_address(AllocationId=id, AllowReassociation=True, **to), NOT_YET, 60
            )

    def look(self, id: str, before: Properties) -> Properties | None:
        found = unless_missing(lambda: self.session.ec2.describe_addresses(AllocationIds=[id])["Addresses"])
        if not found:
            return None
        address = found[0]
        public, private = address["PublicIp"], address.get("PrivateIpAddress") or ""
        dashed = public.replace(".", "-")
        region = self.session.region
        return {
            "allocationId": id,
            "arn": self.session.arn("ec2", f"elastic-ip/{id}"),
            "associationId": address.get("AssociationId") or "",
            "carrierIp": "",
            "customerOwnedIp": "",
            "domain": address.get("Domain", "vpc"),
            "instance": address.get("InstanceId") or "",
            "networkBorderGroup": address.get("NetworkBorderGroup") or region,
            "networkInterface": address.get("NetworkInterfaceId") or "",
            "privateDns": f"ip-{private.replace('.', '-')}.{_internal(region)}" if private else None,
            "privateIp": private,
            "ptrRecord": "",
            "publicDns": f"ec2-{dashed}.{'compute-1' if region == 'us-east-1' else f'{region}.compute'}.amazonaws.com",
            "publicIp": public,
            "publicIpv4Pool": address.get("PublicIpv4Pool") or "amazon",
            "tags": tags_of(address.get("Tags")),
        }

    def change(self, call: Call, id: str, old: Properties, new: Properties, changed: set[str]) -> None:
        if changed:
            self._disassociate(id)
            self.settle(call, id, new)

    def end(self, call: Call, id: str, state: Properties) -> None:
        self._disassociate(id)
        self.session.ec2.release_address(AllocationId=id)

    def _disassociate(self, id: str) -> None:
        state = self.look(id, {})
        if state and state["associationId"]:
            unless_missing(lambda: self.session.ec2.disassociate_address(AssociationId=state["associationId"]))


class EipAssociation(AwsResource):
    token = "aws:ec2/eipAssociation:EipAssociation"
    replace_on = frozenset(
        {"allocationId", "allowReassociation", "instanceId", "networkInterfaceId", "privateIpAddress", "publicIp"}
    )
    outputs = frozenset({"allocationId", "instanceId", "networkInterfaceId", "privateIpAddress", "publicIp", "region"})
    tagged = False

    def make(self, call: Call, inputs: Properties) -> str:
        names = {
            "allocationId": "AllocationId",
            "allowReassociation": "AllowReassociation",
            "instanceId": "InstanceId",
            "networkInterfaceId": "NetworkInterfaceId",
            "privateIpAddress": "PrivateIpAddress",
            "publicIp": "PublicIp",
        }
        given = arguments(inputs, names)
        return retrying(lambda: self.session.ec2.associate_address(**given), NOT_YET, 60)["AssociationId"]

    def look(self, id: str, before: Properties) -> Properties | None:
        of_association = [{"Name": "association-id", "Values": [id]}]
        found = self.session.ec2.describe_addresses(Filters=of_association)["Addresses"]
        if not found:
            return None
        return {
            "allocationId": found[0]["AllocationId"],
            "instanceId": found[0].get("InstanceId") or "",
            "networkInterfaceId": found[0].get("NetworkInterfaceId") or "",
            "privateIpAddress": found[0].get("PrivateIpAddress") or "",
            "publicIp": found[0]["PublicIp"],
        }

    def end(self, call: Call, id: str, state: Properties) -> None:
        self.session.ec2.disassociate_address(AssociationId=id)


class NatGateway(AwsResource):
    token = "aws:ec2/natGateway:NatGateway"
    required = ("subnetId",)
    replace_on = frozenset({"subnetId", "allocationId", "connectivityType", "privateIp"})
    defaults = {"connectivityType": "public"}  # noqa: RUF012
    outputs = names(
        "associationId availabilityMode networkInterfaceId privateIp publicIp region secondaryPrivateIpAddressCount "
        "secondaryPrivateIpAddresses tagsAll vpcId"
    )

    def faults(self, inputs: Properties) -> list[str]:
        public = inputs.get("connectivityType", "public") == "public"
        return (
            ['"allocation_id" is required for a public NAT gateway'] if public and "allocationId" not in inputs else []
        )

    def make(self, call: Call, inputs: Properties) -> str:
        names = {
            "subnetId": "SubnetId",
            "allocationId": "AllocationId",
            "connectivityType": "ConnectivityType",
            "privateIp": "PrivateIpAddress",
        }
        answer = self.session.ec2.create_nat_gateway(
            **arguments(inputs, names), **tag_specifications("natgateway", inputs)
        )
        return answer["NatGateway"]["NatGatewayId"]

    def settle(self, call: Call, id: str, inputs: Properties) -> None:
        wait_until(f"NAT gateway {id}", lambda: self._state(id), ["available"], call.timeout_seconds or 300)

    def look(self, id: str, before: Properties) -> Properties | None:
        gateway = self._gateway(id)
        if not gateway or gateway["State"] in ("deleted", "deleting"):
            return None
        addresses = gateway.get("NatGatewayAddresses") or [{}]
        return {
            "subnetId": gateway["SubnetId"],
            "vpcId": gateway["VpcId"],
            "connectivityType": gateway.get("ConnectivityType", "public"),
            "availabilityMode": "zonal",
            "allocationId": addresses[0].get("AllocationId") or "",
            "associationId": addresses[0].get("AssociationId") or "",
            "networkInterfaceId": addresses[0].get("NetworkInterfaceId") or "",
            "privateIp": addresses[0].get("PrivateIp") or "",
            "publicIp": addresses[0].get("PublicIp") or "",
            "secondaryPrivateIpAddressCount": 0,
            "secondaryPrivateIpAddresses": [],
            "tags": tags_of(gateway.get("Tags")),
        }

    def end(self, call: Call, id: str, state: Properties) -> None:
        self.session.ec2.delete_nat_gateway(NatGatewayId=id)
        wait_until(f"NAT gateway {id}", lambda: self._state(id), ["deleted", ""], call.timeout_seconds or 300)

    def _gateway(self, id: str) -> Properties | None:
        found = unless_missing(lambda: self.session.ec2.describe_nat_gateways(NatGatewayIds=[id])["NatGateways"])
        return found[0] if found else None

    def _state(self, id: str) -> str:
        gateway = self._gateway(id)
        return gateway["State"] if gateway else ""


def _internal(region: str) -> str:
    return "ec2.internal" if region == "us-east-1" else f"{region}.compute.internal"
