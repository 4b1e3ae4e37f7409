"""Firewall: a security group for each role, and one table that says who may talk to whom, on what, and why."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import pulumi
import pulumi_aws as aws

from components.addons.installed import NETWORK
from components.aws.load_balancer import HEALTH_CHECK_PORT
from components.aws.network import ANYWHERE
from settings.ports import API_PORT
from settings.values import NetworkSettings

Role = Literal["bastion", "master", "worker", "etcd", "api-balancer", "ingress-balancer"]
ROLES: Mapping[Role, str] = {
    "bastion": "the only machine that the internet can reach",
    "master": "API servers and etcd members",
    "worker": "what runs the pods",
    "api-balancer": "the balancer before the API servers",
    "ingress-balancer": "the balancer before the NodePorts",
}
WITH_DEDICATED_ETCD: Mapping[Role, str] = {**ROLES, "master": "API servers", "etcd": "etcd members"}
Protocol = Literal["tcp", "udp", "icmp", "-1"]


@dataclass(frozen=True, kw_only=True)
class Block:
    """Addresses that are no role's: `name` is a word for the rules' names."""

    name: str
    cidr: pulumi.Input[str]


@dataclass(frozen=True, kw_only=True)
class Row:
    """`source` may open connections to `destination`. `ports` is a range; of ICMP it is type and code."""

    source: Role | Block
    destination: Role | Block
    what: str
    why: str
    protocol: Protocol = "tcp"
    ports: tuple[int, int] | None = None


@dataclass(frozen=True, kw_only=True)
class FirewallArgs:
    """`dedicated_etcd`: members are on machines of their own, not on masters.

    `nat_addresses` are those that the VPC's own machines have in the internet, by zone.
    """

    vpc_id: pulumi.Input[str]
    settings: NetworkSettings
    dedicated_etcd: bool
    nat_addresses: Mapping[str, pulumi.Input[str]]
    tags: Mapping[str, pulumi.Input[str]]


def table(args: FirewallArgs) -> list[Row]:
    """All that is allowed: in at a row's destination, out at its source; the machines' way out is a row of its own."""
    return [*_ssh(args), *_api(), *_etcd(args), *_nodes(), *_ingress(args), *_ways_out(args)]


def _ssh(args: FirewallArgs) -> Iterator[Row]:
    for cidr in args.settings.admin_cidrs:
        administrator = Block(name=f"administrator-{_word(cidr)}", cidr=cidr)
        yield _tcp(administrator, "bastion", 22, what="ssh", why="administrators log in")
    for role in _machines(args):
        yield _tcp("bastion", role, 22, what="ssh", why="steps run through the bastion")


def _api() -> Iterator[Row]:
    clients: Mapping[Role, str] = {
        "bastion": "kubectl through the bastion",
        "master": "joins, and kubectl on a master",
        "worker": "kubelets and kube-proxies",
    }
    for role, why in clients.items():
        yield _tcp(role, "api-balancer", API_PORT, what="api", why=why)
    reasons: Mapping[Role, str] = {
        "api-balancer": "what the balancer passes on, and its health check",
        "master": "pods on masters, and the proof that each API server is ready",
        "worker": "pods reach the Service kubernetes, whose endpoints are the masters",
    }
    for role, why in reasons.items():
        yield _tcp(role, "master", API_PORT, what="api", why=why)


def _etcd(args: FirewallArgs) -> Iterator[Row]:
    members: Role = "etcd" if args.dedicated_etcd else "master"
    clients: Mapping[Role, str] = {members: "a new machine asks to be taken in", "master": "API servers to etcd"}
    for client, why in clients.items():
        yield _tcp(client, members, 2379, what="etcd-client", why=why)
    yield _tcp(members, members, 2380, what="etcd-peer", why="members to each other")
    if args.dedicated_etcd:
        yield from (_path_mtu("master", "etcd"), _path_mtu("etcd", "master"), _path_mtu("etcd", "etcd"))


def _nodes() -> Iterator[Row]:
    roles: tuple[Role, Role] = ("master", "worker")
    for source in roles:
        for destination in roles:
            kubelet = "API servers ask kubelets for logs and commands" if source == "master" else "metrics of kubelets"
            yield _tcp(source, destination, 10250, what="kubelet", why=kubelet)
            for flow in NETWORK.traffic:
                yield Row(
                    source=source,
                    destination=destination,
                    protocol=flow.protocol,
                    ports=(flow.port, flow.port),
                    what=flow.what,
                    why=flow.why,
                )
            yield _path_mtu(source, destination)


def _tcp(source: Role | Block, destination: Role | Block, port: int, *, what: str, why: str) -> Row:
    return Row(source=source, destination=destination, ports=(port, port), what=what, why=why)


def _path_mtu(source: Role, destination: Role) -> Row:
    why = "a packet too large for the path is answered"
    return Row(source=source, destination=destination, protocol="icmp", ports=(3, 4), what="path-mtu", why=why)


def _ingress(args: FirewallArgs) -> Iterator[Row]:
    settings = args.settings
    clients = [
        Block(name="vpc", cidr=settings.vpc_cidr),
        *(
            Block(name=f"nat-{zone}", cidr=pulumi.Output.concat(address, "/32"))
            for zone, address in args.nat_addresses.items()
        ),
        *(
            Block(name=f"client-{_word(cidr)}", cidr=cidr)
            for cidr in settings.ingress_cidrs
            if cidr != settings.vpc_cidr
        ),
    ]
    for port, node_port in settings.node_ports.items():
        for client in clients:
            yield _tcp(client, "ingress-balancer", port, what=f"port-{port}", why="clients of what the workers serve")
        why = f"what the balancer passes on from port {port}"
        yield _tcp("ingress-balancer", "worker", node_port, what=f"node-port-{node_port}", why=why)
    why = "the balancer asks kube-proxy whether the node takes connections"
    yield _tcp("ingress-balancer", "worker", HEALTH_CHECK_PORT, what="health", why=why)


def _ways_out(args: FirewallArgs) -> Iterator[Row]:
    anywhere = Block(name="anywhere", cidr=ANYWHERE)
    for role in _machines(args):
        why = "packages and images" if role == "etcd" else "packages, images, and whatever the pods want"
        yield Row(source=role, destination=anywhere, protocol="-1", what="all", why=why)
    for what, port in (("http", 80), ("https", 443)):
        yield _tcp("bastion", anywhere, port, what=what, why="security updates")


def _machines(args: FirewallArgs) -> list[Role]:
    return ["master", "worker", "etcd"] if args.dedicated_etcd else ["master", "worker"]


class Firewall(pulumi.ComponentResource):
    """`groups` are the security groups' ids by role, `ready` all their rules, and `rows` what they say, a line each."""

    rows: list[pulumi.Output[str]]
    groups: dict[Role, pulumi.Output[str]]
    ready: list[pulumi.Resource]

    def __init__(self, name: str, args: FirewallArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kubeadm:index:Firewall", name, None, opts)
        self._name, self._args = name, args
        roles = WITH_DEDICATED_ETCD if args.dedicated_etcd else ROLES
        self.groups = {role: self._group(role, what) for role, what in roles.items()}
        rows = table(args)
        self.rows = list(map(_line, rows))
        unbounded = {row.source for row in rows if row.protocol == "-1"}
        self.ready = [
            self._rule(aws.vpc.SecurityGroupIngressRule, row, row.destination, row.source)
            for row in rows
            if isinstance(row.destination, str)
        ]
        self.ready += [
            self._rule(aws.vpc.SecurityGroupEgressRule, row, row.source, row.destination)
            for row in rows
            if isinstance(row.source, str) and (row.protocol == "-1" or row.source not in unbounded)
        ]
        self.register_outputs({})

    def _group(self, role: Role, description: str) -> pulumi.Output[str]:
        name = f"{self._name}-{role}"
        return aws.ec2.SecurityGroup(
            name,
            name=name,
            vpc_id=self._args.vpc_id,
            description=description,
            tags=self._tags(name),
            opts=pulumi.ResourceOptions(parent=self),
        ).id

    def _rule(
        self,
        kind: type[aws.vpc.SecurityGroupIngressRule] | type[aws.vpc.SecurityGroupEgressRule],
        row: Row,
        own: Role,
        peer: Role | Block,
    ) -> pulumi.Resource:
        ends = (end.name if isinstance(end, Block) else end for end in (row.source, row.destination))
        name, (low, high) = f"{self._name}-{'-to-'.join(ends)}-{row.what}", row.ports or (None, None)
        return kind(
            name,
            security_group_id=self.groups[own],
            referenced_security_group_id=None if isinstance(peer, Block) else self.groups[peer],
            cidr_ipv4=peer.cidr if isinstance(peer, Block) else None,
            ip_protocol=row.protocol,
            from_port=low,
            to_port=high,
            description=row.why,
            tags=self._tags(name),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _tags(self, name: str) -> dict[str, pulumi.Input[str]]:
        return {**self._args.tags, "Name": name}


def _line(row: Row) -> pulumi.Output[str]:
    source, destination = (end.cidr if isinstance(end, Block) else end for end in (row.source, row.destination))
    return pulumi.Output.format("{0} to {1}: {2} {3}", source, destination, row.protocol, str(row.ports))


def _word(cidr: str) -> str:
    return cidr.replace("/", "-")
