"""VPCs, subnets, their reservations, internet gateways."""

from region.plugins.aws.calls import unless_missing, wait_until
from region.plugins.aws.properties import arguments, names, tag_specifications, tags_of
from region.plugins.aws.resource import AwsResource
from region.plugins.base import Call, Properties

SUBNET_ATTRIBUTES = {
    "mapPublicIpOnLaunch": "MapPublicIpOnLaunch",
    "assignIpv6AddressOnCreation": "AssignIpv6AddressOnCreation",
    "enableDns64": "EnableDns64",
    "enableResourceNameDnsARecordOnLaunch": "EnableResourceNameDnsARecordOnLaunch",
    "enableResourceNameDnsAaaaRecordOnLaunch": "EnableResourceNameDnsAAAARecordOnLaunch",
}


class Vpc(AwsResource):
    token = "aws:ec2/vpc:Vpc"
    replace_on = frozenset({"cidrBlock"})
    changeable = frozenset(
        {"enableDnsSupport", "enableDnsHostnames", "enableNetworkAddressUsageMetrics", "instanceTenancy"}
    )
    defaults = {"enableDnsSupport": True, "instanceTenancy": "default"}  # noqa: RUF012
    outputs = names(
        "arn cidrBlock defaultNetworkAclId defaultRouteTableId defaultSecurityGroupId dhcpOptionsId "
        "enableDnsHostnames enableNetworkAddressUsageMetrics ipv6AssociationId ipv6CidrBlock "
        "ipv6CidrBlockNetworkBorderGroup mainRouteTableId ownerId region tagsAll"
    )

    def replacing(self, old: Properties, new: Properties) -> frozenset[str]:
        loosened = old.get("instanceTenancy") == "dedicated" and new.get("instanceTenancy") == "default"
        return self.replace_on if loosened else self.replace_on | {"instanceTenancy"}

    def faults(self, inputs: Properties) -> list[str]:
        return [] if "cidrBlock" in inputs else ['"cidr_block" or "ipv4_ipam_pool_id" must be set']

    def make(self, call: Call, inputs: Properties) -> str:
        names = {"cidrBlock": "CidrBlock", "instanceTenancy": "InstanceTenancy"}
        answer = self.session.ec2.create_vpc(**arguments(inputs, names), **tag_specifications("vpc", inputs))
        return answer["Vpc"]["VpcId"]

    def settle(self, call: Call, id: str, inputs: Properties) -> None:
        for name in ("enableDnsSupport", "enableDnsHostnames", "enableNetworkAddressUsageMetrics"):
            if name in inputs:
                self._set(id, name, inputs[name])

    def look(self, id: str, before: Properties) -> Properties | None:
        ec2 = self.session.ec2
        found = unless_missing(lambda: ec2.describe_vpcs(VpcIds=[id])["Vpcs"])
        if not found:
            return None
        vpc, of_vpc = found[0], [{"Name": "vpc-id", "Values": [id]}]
        default = [*of_vpc, {"Name": "group-name", "Values": ["default"]}]
        tables = ec2.describe_route_tables(Filters=[*of_vpc, {"Name": "association.main", "Values": ["true"]}])
        table = next((table["RouteTableId"] for table in tables["RouteTables"]), "")
        acls = ec2.describe_network_acls(Filters=[*of_vpc, {"Name": "default", "Values": ["true"]}])["NetworkAcls"]
        groups = ec2.describe_security_groups(Filters=default)["SecurityGroups"]
        return {
            "arn": self.session.arn("ec2", f"vpc/{id}"),
            "cidrBlock": vpc["CidrBlock"],
            "instanceTenancy": vpc["InstanceTenancy"],
            "enableDnsSupport": self._get(id, "enableDnsSupport"),
            "enableDnsHostnames": self._get(id, "enableDnsHostnames"),
            "enableNetworkAddressUsageMetrics": self._get(id, "enableNetworkAddressUsageMetrics"),
            "defaultNetworkAclId": acls[0]["NetworkAclId"] if acls else "",
            "defaultRouteTableId": before.get("defaultRouteTableId") or table,
            "defaultSecurityGroupId": groups[0]["GroupId"] if groups else "",
            "dhcpOptionsId": vpc.get("DhcpOptionsId", ""),
            "ipv6AssociationId": "",
            "ipv6CidrBlock": "",
            "ipv6CidrBlockNetworkBorderGroup": "",
            "mainRouteTableId": table,
            "ownerId": vpc.get("OwnerId", self.session.account),
            "tags": tags_of(vpc.get("Tags")),
        }

    def change(self, call: Call, id: str, old: Properties, new: Properties, changed: set[str]) -> None:
        for name in sorted(changed - {"instanceTenancy"}):
            self._set(id, name, new[name])
        if "instanceTenancy" in changed:
            self.session.ec2.modify_vpc_tenancy(VpcId=id, InstanceTenancy=new["instanceTenancy"])

    def end(self, call: Call, id: str, state: Properties) -> None:
        self.session.ec2.delete_vpc(VpcId=id)

    def _get(self, id: str, name: str) -> bool:
        answer = self.session.ec2.describe_vpc_attribute(VpcId=id, Attribute=name)
        return answer[name[0].upper() + name[1:]]["Value"]

    def _set(self, id: str, name: str, value: bool) -> None:
        self.session.ec2.modify_vpc_attribute(VpcId=id, **{name[0].upper() + name[1:]: {"Value": value}})


class Subnet(AwsResource):
    token = "aws:ec2/subnet:Subnet"
    required = ("vpcId",)
    replace_on = frozenset({"vpcId", "cidrBlock", "availabilityZone", "availabilityZoneId"})
    changeable = frozenset({*SUBNET_ATTRIBUTES, "privateDnsHostnameTypeOnLaunch"})
    defaults = dict.fromkeys(SUBNET_ATTRIBUTES, False)
    outputs = names(
        "arn availabilityZone availabilityZoneId ipv6CidrBlockAssociationId ownerId privateDnsHostnameTypeOnLaunch "
        "region tagsAll"
    )

    def make(self, call: Call, inputs: Properties) -> str:
        names = {
            "vpcId": "VpcId",
            "cidrBlock": "CidrBlock",
            "availabilityZone": "AvailabilityZone",
            "availabilityZoneId": "AvailabilityZoneId",
        }
        answer = self.session.ec2.create_subnet(**arguments(inputs, names), **tag_specifications("subnet", inputs))
        return answer["Subnet"]["SubnetId"]

    def settle(self, call: Call, id: str, inputs: Properties) -> None:
        self.change(call, id, {}, inputs, {name for name in self.changeable if inputs.get(name)})

    def look(self, id: str, before: Properties) -> Properties | None:
        found = unless_missing(lambda: self.session.ec2.describe_subnets(SubnetIds=[id])["Subnets"])
        if not found:
            return None
        subnet = found[0]
        names = subnet.get("PrivateDnsNameOptionsOnLaunch") or {}
        return {
            "arn": subnet.get("SubnetArn") or self.session.arn("ec2", f"subnet/{id}"),
            "vpcId": subnet["VpcId"],
            "cidrBlock": subnet["CidrBlock"],
            "availabilityZone": subnet["AvailabilityZone"],
            "availabilityZoneId": subnet.get("AvailabilityZoneId", ""),
            "ownerId": subnet.get("OwnerId", self.session.account),
            "ipv6CidrBlockAssociationId": "",
            "privateDnsHostnameTypeOnLaunch": names.get("HostnameType", "ip-name"),
            **{name: bool(subnet.get(key, names.get(key[6:], False))) for name, key in SUBNET_ATTRIBUTES.items()},
            "tags": tags_of(subnet.get("Tags")),
        }

    def change(self, call: Call, id: str, old: Properties, new: Properties, changed: set[str]) -> None:
        for name in sorted(changed & SUBNET_ATTRIBUTES.keys()):
            value = {SUBNET_ATTRIBUTES[name]: {"Value": new[name]}}
            self.session.ec2.modify_subnet_attribute(SubnetId=id, **value)
        if "privateDnsHostnameTypeOnLaunch" in changed:
            kind = new["privateDnsHostnameTypeOnLaunch"]
            self.session.ec2.modify_subnet_attribute(SubnetId=id, PrivateDnsHostnameTypeOnLaunch=kind)

    def end(self, call: Call, id: str, state: Properties) -> None:
        self.session.ec2.delete_subnet(SubnetId=id)


class SubnetCidrReservation(AwsResource):
    token = "aws:ec2/subnetCidrReservation:SubnetCidrReservation"
    required = ("cidrBlock", "reservationType", "subnetId")
    replace_on = frozenset({"cidrBlock", "reservationType", "subnetId", "description"})
    outputs = frozenset({"ownerId", "region"})
    tagged = False

    def make(self, call: Call, inputs: Properties) -> str:
        names = {
            "cidrBlock": "Cidr",
            "reservationType": "ReservationType",
            "subnetId": "SubnetId",
            "description": "Description",
        }
        answer = self.session.ec2.create_subnet_cidr_reservation(**arguments(inputs, names))
        return answer["SubnetCidrReservation"]["SubnetCidrReservationId"]

    def look(self, id: str, before: Properties) -> Properties | None:
        subnet = before["subnetId"]
        answer = unless_missing(lambda: self.session.ec2.get_subnet_cidr_reservations(SubnetId=subnet)) or {}
        for reservation in answer.get("SubnetIpv4CidrReservations", ()):
            if reservation["SubnetCidrReservationId"] == id:
                return {
                    "cidrBlock": reservation["Cidr"],
                    "reservationType": reservation["ReservationType"],
                    "subnetId": reservation["SubnetId"],
                    "description": reservation.get("Description") or before.get("description", ""),  # moto drops it
                    "ownerId": reservation.get("OwnerId", self.session.account),
                }
        return None

    def end(self, call: Call, id: str, state: Properties) -> None:
        self.session.ec2.delete_subnet_cidr_reservation(SubnetCidrReservationId=id)


class InternetGateway(AwsResource):
    token = "aws:ec2/internetGateway:InternetGateway"
    changeable = frozenset({"vpcId"})
    outputs = frozenset({"arn", "ownerId", "region", "tagsAll", "vpcId"})

    def make(self, call: Call, inputs: Properties) -> str:
        answer = self.session.ec2.create_internet_gateway(**tag_specifications("internet-gateway", inputs))
        return answer["InternetGateway"]["InternetGatewayId"]

    def settle(self, call: Call, id: str, inputs: Properties) -> None:
        if inputs.get("vpcId") and self._vpc(id) != inputs["vpcId"]:
            self._attach(id, inputs["vpcId"])

    def look(self, id: str, before: Properties) -> Properties | None:
        ec2 = self.session.ec2
        found = unless_missing(lambda: ec2.describe_internet_gateways(InternetGatewayIds=[id])["InternetGateways"])
        if not found:
            return None
        attached = [attachment["VpcId"] for attachment in found[0].get("Attachments", ())]
        return {
            "arn": self.session.arn("ec2", f"internet-gateway/{id}"),
            "ownerId": found[0].get("OwnerId", self.session.account),
            "vpcId": attached[0] if attached else "",
            "tags": tags_of(found[0].get("Tags")),
        }

    def change(self, call: Call, id: str, old: Properties, new: Properties, changed: set[str]) -> None:
        if "vpcId" in changed:
            self._detach(id)
            if new.get("vpcId"):
                self._attach(id, new["vpcId"])

    def end(self, call: Call, id: str, state: Properties) -> None:
        self._detach(id)
        self.session.ec2.delete_internet_gateway(InternetGatewayId=id)

    def _attach(self, id: str, vpc: str) -> None:
        self.session.ec2.attach_internet_gateway(InternetGatewayId=id, VpcId=vpc)
        wait_until(f"the attachment of {id} to {vpc}", lambda: self._vpc(id), [vpc], 60)

    def _detach(self, id: str) -> None:
        vpc = self._vpc(id)
        if vpc:
            self.session.ec2.detach_internet_gateway(InternetGatewayId=id, VpcId=vpc)

    def _vpc(self, id: str) -> str:
        state = self.look(id, {})
        return state["vpcId"] if state else ""
