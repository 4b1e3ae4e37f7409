"""Addresses as AWS gives them and takes them back, in moto 5.2.5: those of a subnet, and public ones.

moto makes public addresses up (some of them loopback), puts NAT gateways outside their subnet, gives a balancer none,
and never takes a terminated machine's address back, which a replaced master needs.
"""
# ruff: noqa: ANN401 (these functions take the place of moto's own and keep their signatures)

import ipaddress
from collections.abc import Iterator
from typing import Any

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.elastic_ip_addresses import ElasticAddress, ElasticAddressBackend
from moto.ec2.models.elastic_network_interfaces import NetworkInterface
from moto.ec2.models.instances import Instance, InstanceState
from moto.ec2.models.nat_gateways import NatGateway, NatGatewayBackend
from moto.ec2.models.subnets import Subnet
from moto.elbv2.exceptions import DuplicateLoadBalancerName
from moto.elbv2.models import AvailabilityZone, ELBv2Backend, FakeLoadBalancer

PUBLIC_RANGE = ipaddress.ip_network("203.0.113.0/24")
"""TEST-NET-3: nobody's on the real network."""

ORIGINAL_ALLOCATE = ElasticAddressBackend.allocate_address
ORIGINAL_TERMINATE = Instance.terminate
ORIGINAL_CREATE_NAT = NatGatewayBackend.create_nat_gateway
ORIGINAL_DELETE_NAT = NatGatewayBackend.delete_nat_gateway
ORIGINAL_CREATE_BALANCER = ELBv2Backend.create_load_balancer
ORIGINAL_DELETE_BALANCER = ELBv2Backend.delete_load_balancer
ORIGINAL_SET_SUBNETS = ELBv2Backend.set_subnets


def install() -> None:
    """Put everything in place; once more changes nothing."""
    patches: list[tuple[type, str, Any]] = [
        (Subnet, "get_available_subnet_ip", free_address),
        (Subnet, "request_ip", request_address),
        (Subnet, "del_subnet_ip", give_back),
        (ElasticAddressBackend, "allocate_address", allocate_address),
        (NetworkInterface, "check_auto_public_ip", check_auto_public_ip),
        (Instance, "terminate", terminate),
        (NatGatewayBackend, "create_nat_gateway", create_nat_gateway),
        (NatGatewayBackend, "delete_nat_gateway", delete_nat_gateway),
        (ELBv2Backend, "create_load_balancer", create_load_balancer),
        (ELBv2Backend, "delete_load_balancer", delete_load_balancer),
        (ELBv2Backend, "set_subnets", set_subnets),
    ]
    for owner, name, replacement in patches:
        setattr(owner, name, replacement)


def balancer_interfaces(balancer: FakeLoadBalancer) -> dict[str, NetworkInterface]:
    """A balancer's network interface per subnet id."""
    return vars(balancer).setdefault("interfaces", {})


def free_address(self: Subnet, instance: Any) -> str:
    """The lowest free address outside every reservation; moto's own order does not survive a restart."""
    for address in _host_addresses(self):
        if not any(address in reservation.cidr for reservation in self._cidr_reservations):
            self._subnet_ips[str(address)] = instance
            return str(address)
    raise EC2ClientError(
        "InsufficientFreeAddressesInSubnet", f"Subnet {self.id} ({self.cidr}) has no free address left."
    )


def _host_addresses(subnet: Subnet) -> Iterator[ipaddress.IPv4Address]:
    """Addresses nobody has, without the four at the start and the one at the end that AWS keeps."""
    network = ipaddress.IPv4Network(subnet.cidr_block)
    for number in range(int(network.network_address) + 4, int(network.broadcast_address)):
        address = ipaddress.IPv4Address(number)
        if str(address) not in subnet._subnet_ips:
            yield address


def request_address(self: Subnet, ip: str, instance: Any) -> None:
    """moto answers both mistakes with an HTTP 500, which a client repeats for minutes."""
    if ipaddress.ip_address(ip) not in self.cidr:
        raise EC2ClientError("InvalidParameterValue", f"Address {ip} does not fall within the subnet's address range")
    if ip in self._subnet_ips:
        raise EC2ClientError("InvalidIPAddress.InUse", f"Address {ip} is in use.")
    self._subnet_ips[ip] = instance


def give_back(self: Subnet, ip: str) -> None:
    self._subnet_ips.pop(ip, None)


def allocate_address(
    self: Any, domain: str, address: str | None = None, tags: dict[str, str] | None = None
) -> ElasticAddress:
    return ORIGINAL_ALLOCATE(self, domain, address or _free_public_address(self), tags)


def check_auto_public_ip(self: NetworkInterface) -> None:
    if str(self.public_ip_auto_assign).lower() == "true" and not self.public_ip:
        self.public_ip = _free_public_address(self.ec2_backend)


def _free_public_address(ec2: Any) -> str:
    taken = {address.public_ip for address in ec2.addresses} | {eni.public_ip for eni in ec2.enis.values()}
    for address in list(PUBLIC_RANGE.hosts())[9:]:
        if str(address) not in taken:
            return str(address)
    raise EC2ClientError("AddressLimitExceeded", f"All public addresses of {PUBLIC_RANGE} are taken.")


def terminate(self: Instance) -> InstanceState:
    """Take back the private addresses, the elastic ones and the interfaces. Terminating twice changes nothing."""
    if self._state.name == "terminated":
        return InstanceState("terminated", 48)
    previous = ORIGINAL_TERMINATE(self)
    for nic in self.nics.values():
        _remove_interface(nic)
    self._private_ips.clear()
    return previous


def create_nat_gateway(self: Any, *args: Any, **kwargs: Any) -> NatGateway:
    gateway = ORIGINAL_CREATE_NAT(self, *args, **kwargs)
    subnet = self.get_subnet(gateway.subnet_id)
    address = free_address(subnet, gateway)
    gateway.private_ip = address
    gateway._eni.private_ip_address = address
    gateway._eni.private_ip_addresses = [{"Primary": True, "PrivateIpAddress": address}]
    gateway._eni.description = f"Interface for NAT Gateway {gateway.id}"
    gateway.address_set[0]["privateIp"] = address
    return gateway


def delete_nat_gateway(self: Any, nat_gateway_id: str) -> NatGateway:
    gateway = self.nat_gateways.get(nat_gateway_id)
    if gateway is None:
        raise EC2ClientError("NatGatewayNotFound", f"NAT gateway {nat_gateway_id} was not found")
    _remove_interface(gateway._eni)
    return ORIGINAL_DELETE_NAT(self, nat_gateway_id)


def create_load_balancer(self: ELBv2Backend, *args: Any, **kwargs: Any) -> FakeLoadBalancer:
    """moto also makes another balancer of a name that is taken."""
    if any(balancer.name == kwargs["name"] for balancer in self.load_balancers.values()):
        raise DuplicateLoadBalancerName
    balancer = ORIGINAL_CREATE_BALANCER(self, *args, **kwargs)
    wanted = {
        mapping["SubnetId"]: mapping["PrivateIPv4Address"]
        for mapping in kwargs.get("subnet_mappings") or []
        if mapping.get("PrivateIPv4Address")
    }
    _place_balancer(self, balancer, wanted)
    return balancer


def delete_load_balancer(self: ELBv2Backend, arn: str) -> None:
    """moto also leaves the target groups saying that they are in use by it."""
    balancer = self.load_balancers.get(arn)
    if balancer:
        for nic in balancer_interfaces(balancer).values():
            _remove_interface(nic)
    for group in self.target_groups.values():
        group.load_balancer_arns = [used_by for used_by in group.load_balancer_arns if used_by != arn]
    ORIGINAL_DELETE_BALANCER(self, arn)


def set_subnets(self: ELBv2Backend, arn: str, *args: Any, **kwargs: Any) -> list[AvailabilityZone]:
    zones = ORIGINAL_SET_SUBNETS(self, arn, *args, **kwargs)
    _place_balancer(self, self.load_balancers[arn], {})
    return zones


def _place_balancer(elb: ELBv2Backend, balancer: FakeLoadBalancer, wanted: dict[str, str]) -> None:
    """One interface in each of the balancer's subnets, and none elsewhere, as a network load balancer has."""
    interfaces = balancer_interfaces(balancer)
    for subnet in balancer.subnets:
        if subnet.id not in interfaces:
            if subnet.id in wanted:
                request_address(subnet, wanted[subnet.id], balancer)
            interfaces[subnet.id] = elb.ec2_backend.create_network_interface(
                subnet,
                wanted.get(subnet.id) or free_address(subnet, balancer),
                group_ids=list(balancer.security_groups or []),
                description=f"ELB net/{balancer.name}/{balancer.arn.rsplit('/', 1)[1]}",
                public_ip_auto_assign=balancer.scheme != "internal",
            )
    for subnet_id in interfaces.keys() - {subnet.id for subnet in balancer.subnets}:
        _remove_interface(interfaces.pop(subnet_id))


def _remove_interface(nic: NetworkInterface) -> None:
    ec2 = nic.ec2_backend
    for address in [address for address in ec2.addresses if address.eni is nic]:
        ec2.disassociate_address(address=address.public_ip)
    nic.public_ip = None
    nic.subnet.del_subnet_ip(nic.private_ip_address)
    ec2.enis.pop(nic.id, None)
