"""Reads the World out of moto's backends. The caller holds the API's lock."""

import base64
import ipaddress
from collections.abc import Iterator, Mapping

from moto.ec2.models import EC2Backend
from moto.ec2.models.instances import Instance
from moto.ec2.models.security_groups import SecurityGroupRule
from moto.ec2.models.subnets import Subnet as MotoSubnet
from moto.elbv2.models import ELBv2Backend, FakeListener, FakeLoadBalancer, FakeTargetGroup
from moto.route53.models import FakeZone, RecordSet, Route53Backend

from region.cloud.moto_addresses import balancer_interfaces
from region.cloud.world import (
    Balancer,
    BalancerAddress,
    HealthCheck,
    Host,
    Listener,
    PrivateZone,
    Record,
    Rule,
    SecurityGroup,
    Subnet,
    Target,
    TargetGroup,
    Vpc,
    WayOut,
    World,
)

ANYWHERE = "0.0.0.0/0"
CUTS_UNHEALTHY = "target_health_state.unhealthy.connection_termination.enabled"


def read(ec2: EC2Backend, elb: ELBv2Backend, route53: Route53Backend) -> World:
    """Every VPC but AWS's default one, with what is running in it."""
    return World(
        vpcs=tuple(_vpc(vpc_id, ec2, elb, route53) for vpc_id, vpc in ec2.vpcs.items() if not vpc.is_default),
        stopped=frozenset(instance.id for instance in ec2.all_instances() if instance.state == "stopped"),
    )


def _vpc(vpc_id: str, ec2: EC2Backend, elb: ELBv2Backend, route53: Route53Backend) -> Vpc:
    balancers = tuple(_balancer(b, elb, ec2) for b in elb.load_balancers.values() if b.vpc_id == vpc_id)
    aliases = {
        balancer.dns_name.lower(): tuple(a.public_address or a.address for a in balancer.addresses)
        for balancer in balancers
    }
    return Vpc(
        vpc_id=vpc_id,
        cidr=ec2.vpcs[vpc_id].cidr_block,
        subnets=tuple(_subnet(subnet, ec2) for subnet in ec2.describe_subnets() if subnet.vpc_id == vpc_id),
        groups=tuple(
            SecurityGroup(
                group_id=group.id,
                ingress=tuple(rule for row in group.ingress_rules for rule in _rule(row)),
                egress=tuple(rule for row in group.egress_rules for rule in _rule(row)),
            )
            for group in ec2.groups[vpc_id].values()
        ),
        hosts=tuple(_host(instance, ec2) for instance in ec2.all_running_instances() if instance.vpc_id == vpc_id),
        balancers=balancers,
        zones=tuple(
            _private_zone(zone, aliases)
            for zone in route53.zones.values()
            if any(attached.get("vpc_id") == vpc_id for attached in zone.vpcs)
        ),
    )


def _subnet(subnet: MotoSubnet, ec2: EC2Backend) -> Subnet:
    way_out, nat_address = _way_out(subnet, ec2)
    return Subnet(
        subnet_id=subnet.id,
        zone=subnet.availability_zone,
        cidr=subnet.cidr_block,
        way_out=way_out,
        nat_address=nat_address,
    )


def _way_out(subnet: MotoSubnet, ec2: EC2Backend) -> tuple[WayOut | None, str | None]:
    """Follow the default route; a NAT gateway leads out only when its own subnet routes to the internet gateway."""
    tables = [table for table in ec2.route_tables.values() if table.vpc_id == subnet.vpc_id]
    table = next((t for t in tables if subnet.id in t._associations.values()), None)
    table = table or next((t for t in tables if t.main_association_id), None)
    for route in table.routes if table else ():
        if route.destination_cidr_block != ANYWHERE:
            continue
        vpc = getattr(route.gateway, "vpc", None)
        if vpc is not None and vpc.id == subnet.vpc_id:
            return "internet-gateway", None
        nat = route.nat_gateway
        if nat and nat.state == "available" and nat.subnet_id != subnet.id:
            beyond, _ = _way_out(ec2.get_subnet(nat.subnet_id), ec2)
            if beyond == "internet-gateway" and nat._eni.public_ip:
                return "nat-gateway", nat._eni.public_ip
    return None, None


def _rule(row: SecurityGroupRule) -> Iterator[Rule]:
    """One row per peer; moto may hold several in one. IPv6 and prefix lists do not exist in the region."""
    peer = {"cidr": row.cidr_ipv4} if row.cidr_ipv4 else {"group_id": row.source_group.get("GroupId")}
    if any(peer.values()):
        yield Rule(protocol=row.ip_protocol or "-1", from_port=row.from_port, to_port=row.to_port, **peer)


def _host(instance: Instance, ec2: EC2Backend) -> Host:
    nic = instance.nics[0]
    return Host(
        instance_id=instance.id,
        dns_name=instance.private_dns_name,
        subnet_id=nic.subnet.id,
        address=nic.private_ip_address or "",
        public_address=nic.public_ip,
        group_ids=tuple(sorted({group.id for group in nic.group_set})),
        instance_type=instance.instance_type,
        user_data=base64.b64decode(str(instance.user_data or "")).decode("utf-8", errors="replace"),
    )


def _balancer(balancer: FakeLoadBalancer, elb: ELBv2Backend, ec2: EC2Backend) -> Balancer:
    return Balancer(
        balancer_id=balancer.arn.rsplit("/", 1)[1],
        name=balancer.name,
        dns_name=balancer.dns_name,
        cross_zone=balancer.attrs.get("load_balancing.cross_zone.enabled") == "true",
        group_ids=tuple(balancer.security_groups or ()),
        addresses=tuple(
            BalancerAddress(
                subnet_id=subnet_id,
                zone=nic.availability_zone,
                address=nic.private_ip_address or "",
                public_address=nic.public_ip,
            )
            for subnet_id, nic in balancer_interfaces(balancer).items()
        ),
        listeners=tuple(listener for one in balancer.listeners.values() for listener in _listener(one, elb, ec2)),
    )


def _listener(listener: FakeListener, elb: ELBv2Backend, ec2: EC2Backend) -> Iterator[Listener]:
    """Only TCP listeners that forward to one target group: what a network load balancer is used for here."""
    forward = [action.data.get("TargetGroupArn") for action in listener.default_actions if action.type == "forward"]
    if listener.protocol == "TCP" and forward and forward[0] in elb.target_groups:
        yield Listener(
            port=int(listener.port),
            idle_timeout=int(listener.attributes.get("tcp.idle_timeout.seconds", 350)),
            target_group=_target_group(elb.target_groups[forward[0]], ec2),
        )


def _target_group(group: FakeTargetGroup, ec2: EC2Backend) -> TargetGroup:
    port = group.health_check_port
    check = HealthCheck(
        protocol=group.health_check_protocol or "TCP",
        port=None if port in (None, "traffic-port") else int(port),
        path=group.health_check_path or "/",
        interval=int(group.health_check_interval_seconds),
        timeout=int(group.health_check_timeout_seconds),
        healthy_threshold=int(group.healthy_threshold_count),
        unhealthy_threshold=int(group.unhealthy_threshold_count),
        cuts_unhealthy=group.attributes.get(CUTS_UNHEALTHY, "true") == "true",
    )
    targets = (_target(t["Id"], int(t.get("Port") or group.port), group.vpc_id, ec2) for t in group.targets.values())
    return TargetGroup(arn=group.arn, health_check=check, targets=tuple(t for t in targets if t))


def _target(target_id: str, port: int, vpc_id: str, ec2: EC2Backend) -> Target | None:
    if not target_id.startswith("i-"):
        zone = next((s.availability_zone for s in ec2.describe_subnets() if _holds(s, target_id, vpc_id)), None)
        return Target(target_id=target_id, address=target_id, port=port, zone=zone)
    for instance in ec2.all_running_instances():
        if instance.id == target_id and instance.private_ip:
            return Target(target_id=target_id, address=instance.private_ip, port=port, zone=instance.availability_zone)
    return None


def _holds(subnet: MotoSubnet, address: str, vpc_id: str) -> bool:
    return subnet.vpc_id == vpc_id and ipaddress.ip_address(address) in ipaddress.ip_network(subnet.cidr_block)


def _private_zone(zone: FakeZone, aliases: Mapping[str, tuple[str, ...]]) -> PrivateZone:
    records = tuple(record for row in zone.rrsets for record in _record(row, aliases))
    return PrivateZone(name=zone.name.rstrip(".").lower(), records=records)


def _record(row: RecordSet, aliases: Mapping[str, tuple[str, ...]]) -> Iterator[Record]:
    """An alias to something that is not there has no answer, as on AWS."""
    if row.alias_target:
        values = aliases.get(row.alias_target["DNSName"].rstrip(".").lower(), ())
    else:
        values = tuple(value if isinstance(value, str) else value["Value"] for value in row.records)
    if row.type not in ("NS", "SOA") and values:
        yield Record(name=row.name.rstrip(".").lower(), type=row.type or "A", values=values)
