"""What the API says there should be, as one frozen value: network, hosts, balancers and names are made from it."""

import ipaddress
from dataclasses import dataclass
from typing import Literal

WayOut = Literal["internet-gateway", "nat-gateway"]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One row of a security group. Ports: a range for tcp and udp, type and code for icmp (-1: any), None for all."""

    protocol: str
    from_port: int | None
    to_port: int | None
    cidr: str | None = None
    group_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class SecurityGroup:
    group_id: str
    ingress: tuple[Rule, ...]
    egress: tuple[Rule, ...]


@dataclass(frozen=True, kw_only=True)
class Subnet:
    subnet_id: str
    zone: str
    cidr: str
    way_out: WayOut | None
    """Where the default route of the subnet's route table leads, if it leads anywhere that exists."""
    nat_address: str | None
    """The public address that the subnet's NAT gateway gives what leaves through it."""

    @property
    def gateway(self) -> str:
        return str(ipaddress.ip_network(self.cidr)[1])


@dataclass(frozen=True, kw_only=True)
class Host:
    instance_id: str
    dns_name: str
    subnet_id: str
    address: str
    public_address: str | None
    group_ids: tuple[str, ...]
    instance_type: str
    user_data: str


@dataclass(frozen=True, kw_only=True)
class HealthCheck:
    """Times are seconds; no port means the target's own. `cuts_unhealthy`: connections to a target that fails end."""

    protocol: str
    port: int | None
    path: str
    interval: int
    timeout: int
    healthy_threshold: int
    unhealthy_threshold: int
    cuts_unhealthy: bool


@dataclass(frozen=True, kw_only=True)
class Target:
    """A registered target that has an address; `target_id` is as registered (an instance's id or an address)."""

    target_id: str
    address: str
    port: int
    zone: str | None


@dataclass(frozen=True, kw_only=True)
class TargetGroup:
    arn: str
    health_check: HealthCheck
    targets: tuple[Target, ...]


@dataclass(frozen=True, kw_only=True)
class Listener:
    port: int
    idle_timeout: int
    target_group: TargetGroup


@dataclass(frozen=True, kw_only=True)
class BalancerAddress:
    subnet_id: str
    zone: str
    address: str
    public_address: str | None


@dataclass(frozen=True, kw_only=True)
class Balancer:
    balancer_id: str
    name: str
    dns_name: str
    cross_zone: bool
    group_ids: tuple[str, ...]
    addresses: tuple[BalancerAddress, ...]
    listeners: tuple[Listener, ...]


@dataclass(frozen=True, kw_only=True)
class Record:
    """A DNS record with its values; an alias has been resolved to addresses."""

    name: str
    type: str
    values: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class PrivateZone:
    name: str
    records: tuple[Record, ...]


@dataclass(frozen=True, kw_only=True)
class Vpc:
    vpc_id: str
    cidr: str
    subnets: tuple[Subnet, ...]
    groups: tuple[SecurityGroup, ...]
    hosts: tuple[Host, ...]
    balancers: tuple[Balancer, ...]
    zones: tuple[PrivateZone, ...]

    @property
    def resolver(self) -> str:
        """Where the VPC's DNS answers: the second address of its range, as on AWS."""
        return str(ipaddress.ip_network(self.cidr)[2])

    def subnet(self, subnet_id: str) -> Subnet:
        return next(subnet for subnet in self.subnets if subnet.subnet_id == subnet_id)

    def public_addresses(self) -> dict[str, str]:
        """Public to private address of hosts and balancers whose subnet routes to the internet gateway."""
        return {
            member.public_address: member.address
            for member in (*self.hosts, *(address for balancer in self.balancers for address in balancer.addresses))
            if member.public_address and self.subnet(member.subnet_id).way_out == "internet-gateway"
        }

    def nat_addresses(self) -> set[str]:
        return {subnet.nat_address for subnet in self.subnets if subnet.nat_address}


@dataclass(frozen=True, kw_only=True)
class World:
    vpcs: tuple[Vpc, ...]
    stopped: frozenset[str] = frozenset()
    """Instances that are switched off but keep their disk."""

    @property
    def hosts(self) -> tuple[Host, ...]:
        return tuple(host for vpc in self.vpcs for host in vpc.hosts)

    @property
    def balancers(self) -> tuple[Balancer, ...]:
        return tuple(balancer for vpc in self.vpcs for balancer in vpc.balancers)
