"""A small VPC as a World: a bastion, a master, a worker, one balancer over two zones, one private zone."""

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
)


def host(name: str, subnet: str, address: str, public_address: str | None = None) -> Host:
    return Host(
        instance_id=f"i-{name}",
        dns_name=f"ip-{address.replace('.', '-')}.ec2.internal",
        subnet_id=subnet,
        address=address,
        public_address=public_address,
        group_ids=(f"sg-{name}",),
        instance_type="t2.medium",
        user_data="",
    )


def tcp(low: int, high: int | None = None, *, cidr: str | None = None, group_id: str | None = None) -> Rule:
    return Rule(protocol="tcp", from_port=low, to_port=high or low, cidr=cidr, group_id=group_id)


def rule(protocol: str, low: int | None = None, high: int | None = None) -> Rule:
    return Rule(protocol=protocol, from_port=low, to_port=high, cidr="0.0.0.0/0")


EVERYTHING = rule("-1")
CHECK = HealthCheck(
    protocol="HTTPS",
    port=None,
    path="/readyz",
    interval=10,
    timeout=5,
    healthy_threshold=2,
    unhealthy_threshold=3,
    cuts_unhealthy=True,
)
TARGETS = (
    Target(target_id="10.0.16.16", address="10.0.16.16", port=6443, zone="us-east-1a"),
    Target(target_id="i-worker", address="10.0.32.4", port=6443, zone="us-east-1b"),
)
BALANCER = Balancer(
    balancer_id="81f397bf24611ec1",
    name="x-api",
    dns_name="X-api-1.us-east-1.elb.amazonaws.com",
    cross_zone=True,
    group_ids=("sg-balancer",),
    addresses=(
        BalancerAddress(subnet_id="private-a", zone="us-east-1a", address="10.0.16.4", public_address=None),
        BalancerAddress(subnet_id="private-b", zone="us-east-1b", address="10.0.32.5", public_address=None),
    ),
    listeners=(
        Listener(
            port=6443,
            idle_timeout=350,
            target_group=TargetGroup(arn="arn:x-api", health_check=CHECK, targets=TARGETS),
        ),
    ),
)
VPC = Vpc(
    vpc_id="vpc-0123456789abcdef0",
    cidr="10.0.0.0/16",
    subnets=(
        Subnet(
            subnet_id="public",
            zone="us-east-1a",
            cidr="10.0.0.0/24",
            way_out="internet-gateway",
            nat_address=None,
        ),
        Subnet(
            subnet_id="private-a",
            zone="us-east-1a",
            cidr="10.0.16.0/20",
            way_out="nat-gateway",
            nat_address="203.0.113.10",
        ),
        Subnet(subnet_id="private-b", zone="us-east-1b", cidr="10.0.32.0/20", way_out=None, nat_address=None),
    ),
    groups=(
        SecurityGroup(
            group_id="sg-bastion",
            ingress=(tcp(22, cidr="198.51.100.0/24"),),
            egress=(tcp(22, group_id="sg-master"), tcp(22, group_id="sg-of-another-vpc")),
        ),
        SecurityGroup(
            group_id="sg-master",
            ingress=(
                tcp(22, group_id="sg-bastion"),
                tcp(2379, 2380, group_id="sg-master"),
                Rule(protocol="udp", from_port=8472, to_port=8472, group_id="sg-worker"),
            ),
            egress=(EVERYTHING,),
        ),
        SecurityGroup(
            group_id="sg-worker",
            ingress=(rule("icmp", 3, 4), rule("icmp", 8, -1), rule("icmp", -1, -1), rule("4"), rule("tcp", 0, 65535)),
            egress=(EVERYTHING,),
        ),
        SecurityGroup(
            group_id="sg-balancer",
            ingress=(tcp(6443, cidr="10.0.0.0/16"),),
            egress=(tcp(6443, group_id="sg-master"),),
        ),
    ),
    hosts=(
        host("bastion", "public", "10.0.0.5", "203.0.113.11"),
        host("master", "private-a", "10.0.16.16"),
        host("worker", "private-b", "10.0.32.4", "203.0.113.12"),
    ),
    balancers=(BALANCER,),
    zones=(
        PrivateZone(
            name="internal",
            records=(
                Record(name="api.x.internal", type="A", values=("10.0.16.4", "10.0.32.5")),
                Record(name="note.x.internal", type="TXT", values=('"hello"',)),
                Record(name="www.x.internal", type="CNAME", values=("api.x.internal.",)),
            ),
        ),
    ),
)
