"""Network: a VPC with a public and a private subnet in each zone, and the ways out of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network

import pulumi
import pulumi_aws as aws

from settings.values import ZONE_LETTERS, NetworkSettings, Scheme

ANYWHERE = "0.0.0.0/0"


@dataclass(frozen=True, kw_only=True)
class ZonePlan:
    """One zone's addresses. Nothing but what is told to takes one of the `reserved`, 16 of the private subnet's."""

    public: IPv4Network
    private: IPv4Network
    reserved: IPv4Network


def network_plan(vpc_cidr: str, zones: Sequence[str]) -> dict[str, ZonePlan]:
    """Addresses by zone. They depend on the zone's letter only, so zones may come and go without moving the others.

    Raises ValueError for a zone that ends with no letter from a to o.
    """
    public_part, *private = IPv4Network(vpc_cidr).subnets(prefixlen_diff=4)
    public = list(public_part.subnets(prefixlen_diff=4))
    letters = {zone: ZONE_LETTERS.index(zone[-1]) for zone in zones}
    return {
        zone: ZonePlan(
            public=public[letter],
            private=private[letter],
            reserved=list(private[letter].subnets(new_prefix=28))[1],
        )
        for zone, letter in letters.items()
    }


@dataclass(frozen=True, kw_only=True)
class NetworkArgs:
    """`protect` keeps Pulumi from deleting the VPC, and with it everything."""

    settings: NetworkSettings
    protect: bool
    tags: Mapping[str, pulumi.Input[str]]


class Network(pulumi.ComponentResource):
    """Subnets are by zone. `ready`: what machines need to reach the internet; `nat_addresses`: how they look there."""

    plan: dict[str, ZonePlan]
    vpc_id: pulumi.Output[str]
    public_subnet_ids: dict[str, pulumi.Output[str]]
    private_subnet_ids: dict[str, pulumi.Output[str]]
    nat_addresses: dict[str, pulumi.Output[str]]
    ready: list[pulumi.Resource]

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kubeadm:index:Network", name, None, opts)
        self._name, self._args = name, args
        self._child = pulumi.ResourceOptions(parent=self)
        self.plan = network_plan(args.settings.vpc_cidr, args.settings.zones)
        vpc = aws.ec2.Vpc(
            name,
            cidr_block=args.settings.vpc_cidr,
            enable_dns_support=True,
            enable_dns_hostnames=True,
            tags=self._tags(name),
            opts=pulumi.ResourceOptions(parent=self, protect=args.protect),
        )
        self.vpc_id = vpc.id
        self.ready = []
        public = {zone: self._subnet("public", zone, plan.public) for zone, plan in self.plan.items()}
        private = {zone: self._subnet("private", zone, plan.private) for zone, plan in self.plan.items()}
        self.private_subnet_ids = {zone: self._reserve(zone, subnet) for zone, subnet in private.items()}
        self._open_public(public)
        # AWS puts no balancer or elastic address into a VPC that has no gateway, nor takes the gateway away under them.
        self.public_subnet_ids = {zone: _known_after(subnet.id, self._gateway.id) for zone, subnet in public.items()}
        self._open_private(public, private)
        self.register_outputs({"vpc_id": self.vpc_id})

    def subnet_ids(self, scheme: Scheme) -> dict[str, pulumi.Output[str]]:
        """The subnets, by zone, that a load balancer of that scheme belongs in."""
        return self.private_subnet_ids if scheme == "internal" else self.public_subnet_ids

    def _subnet(self, kind: str, zone: str, cidr: IPv4Network) -> aws.ec2.Subnet:
        name = f"{self._name}-{kind}-{zone}"
        return aws.ec2.Subnet(
            name,
            vpc_id=self.vpc_id,
            cidr_block=str(cidr),
            availability_zone=zone,
            tags=self._tags(name),
            opts=self._child,
        )

    def _reserve(self, zone: str, subnet: aws.ec2.Subnet) -> pulumi.Output[str]:
        """The subnet's id, known no sooner than nothing in it can get one of the fixed addresses by chance."""
        reservation = aws.ec2.SubnetCidrReservation(
            f"{self._name}-masters-{zone}",
            subnet_id=subnet.id,
            cidr_block=str(self.plan[zone].reserved),
            reservation_type="explicit",
            description="fixed addresses of masters",
            opts=self._child,
        )
        return _known_after(subnet.id, reservation.id)

    def _open_public(self, subnets: Mapping[str, aws.ec2.Subnet]) -> None:
        gateway = aws.ec2.InternetGateway(self._name, vpc_id=self.vpc_id, tags=self._tags(self._name), opts=self._child)
        self._gateway = gateway
        table = self._route_table("public")
        route = aws.ec2.Route(
            f"{self._name}-public",
            route_table_id=table.id,
            destination_cidr_block=ANYWHERE,
            gateway_id=gateway.id,
            opts=self._child,
        )
        self.ready.append(route)
        for zone, subnet in subnets.items():
            self._associate("public", zone, table, subnet)

    def _open_private(self, public: Mapping[str, aws.ec2.Subnet], private: Mapping[str, aws.ec2.Subnet]) -> None:
        """Each zone has a table of its own, so that a gateway for each zone can come later and move no subnet."""
        zones = list(private)
        with_gateway = zones if self._args.settings.nat_gateways == "per-zone" else zones[:1]
        gateways = {zone: self._nat_gateway(zone, public[zone]) for zone in with_gateway}
        self.nat_addresses = {zone: gateway.public_ip for zone, gateway in gateways.items()}
        for zone, subnet in private.items():
            table = self._route_table(f"private-{zone}")
            route = aws.ec2.Route(
                f"{self._name}-private-{zone}",
                route_table_id=table.id,
                destination_cidr_block=ANYWHERE,
                nat_gateway_id=gateways.get(zone, gateways[zones[0]]).id,
                opts=self._child,
            )
            self.ready.append(route)
            self._associate("private", zone, table, subnet)

    def _nat_gateway(self, zone: str, subnet: aws.ec2.Subnet) -> aws.ec2.NatGateway:
        name = f"{self._name}-nat-{zone}"
        address = aws.ec2.Eip(name, domain="vpc", tags=self._tags(name), opts=self._child)
        return aws.ec2.NatGateway(
            name,
            subnet_id=subnet.id,
            allocation_id=address.id,
            tags=self._tags(name),
            # AWS makes none in a VPC whose way out is not there yet.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self._gateway]),
        )

    def _route_table(self, kind: str) -> aws.ec2.RouteTable:
        name = f"{self._name}-{kind}"
        return aws.ec2.RouteTable(name, vpc_id=self.vpc_id, tags=self._tags(name), opts=self._child)

    def _associate(self, kind: str, zone: str, table: aws.ec2.RouteTable, subnet: aws.ec2.Subnet) -> None:
        association = aws.ec2.RouteTableAssociation(
            f"{self._name}-{kind}-{zone}", route_table_id=table.id, subnet_id=subnet.id, opts=self._child
        )
        self.ready.append(association)

    def _tags(self, name: str) -> dict[str, pulumi.Input[str]]:
        return {**self._args.tags, "Name": name}


def _known_after(value: pulumi.Output[str], other: pulumi.Output[str]) -> pulumi.Output[str]:
    return pulumi.Output.all(value, other).apply(lambda known: known[0])
