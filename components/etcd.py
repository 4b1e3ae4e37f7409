"""Etcd: a member on each of some nodes, started together, and the proof that they form a healthy cluster."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from components.etcd_pki import EtcdPki
from components.node import Node
from components.node_script import read_script
from components.remote_step import NodeFile, remote_step

CLIENT_PORT = 2379
PEER_PORT = 2380
PKI = "/etc/etcd/pki"
LIBRARIES = ("etcd-common.sh",)


@dataclass(frozen=True, kw_only=True)
class EtcdArgs:
    """`reached` is what must be done on each node (by name) before any step may run there.

    `cluster_token` tells this cluster's members from any other's. `mirror` is the URL that stands for upstream's.
    """

    nodes: Sequence[Node]
    reached: Mapping[str, pulumi.Resource]
    pki: EtcdPki
    cluster_token: str
    version: str
    mirror: str | None
    heartbeat_milliseconds: int
    election_milliseconds: int


class Etcd(pulumi.ComponentResource):
    """Outputs: `endpoints`, the members' client URLs; `ready`, what users of etcd wait for."""

    endpoints: list[pulumi.Output[str]]
    ready: list[pulumi.Resource]

    def __init__(self, name: str, args: EtcdArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kubeadm:index:Etcd", name, None, opts)
        self.endpoints = [client_url(node) for node in args.nodes]
        members = [self._member(name, args, node) for node in args.nodes]
        self.ready = [self._health(name, args, members)]
        self.register_outputs({})

    def _member(self, name: str, args: EtcdArgs, node: Node) -> pulumi.Resource:
        initial_cluster = [pulumi.Output.format("{0}={1}", peer.name, peer_url(peer)) for peer in args.nodes]
        return remote_step(
            f"{name}-{node.name}",
            node,
            "etcd-member.sh",
            settings={
                "NAME": node.name,
                "ADDRESS": node.address,
                "ETCD_VERSION": args.version,
                "MIRROR": args.mirror or "",
                "INITIAL_CLUSTER": _joined(initial_cluster),
                "OTHER_ENDPOINTS": _joined([client_url(peer) for peer in args.nodes if peer is not node]),
            },
            files=_files(args, node),
            libraries=LIBRARIES,
            secret=True,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[args.reached[node.name]]),
        )

    def _health(self, name: str, args: EtcdArgs, members: Sequence[pulumi.Resource]) -> pulumi.Resource:
        identities = [node.identity for node in args.nodes]
        return remote_step(
            f"{name}-health",
            args.nodes[0],
            "etcd-health.sh",
            settings={"ENDPOINTS": _joined(self.endpoints), "MACHINES": _joined(identities)},
            libraries=LIBRARIES,
            triggers=identities,
            opts=pulumi.ResourceOptions(parent=self, depends_on=members),
        )


def client_url(node: Node) -> pulumi.Output[str]:
    return pulumi.Output.format("https://{0}:{1}", node.address, CLIENT_PORT)


def peer_url(node: Node) -> pulumi.Output[str]:
    return pulumi.Output.format("https://{0}:{1}", node.address, PEER_PORT)


def _files(args: EtcdArgs, node: Node) -> list[NodeFile]:
    server, peer, healthcheck = args.pki.server[node.name], args.pki.peer[node.name], args.pki.healthcheck_client
    environment = pulumi.Output.format(
        "NAME={0}\nADDRESS={1}\nCLUSTER_TOKEN={2}\nHEARTBEAT_MILLISECONDS={3}\nELECTION_MILLISECONDS={4}\n",
        node.name,
        node.address,
        args.cluster_token,
        args.heartbeat_milliseconds,
        args.election_milliseconds,
    )
    return [
        NodeFile(path=f"{PKI}/ca.crt", content=args.pki.ca_certificate),
        NodeFile(path=f"{PKI}/server.crt", content=server.certificate, owner="etcd:etcd"),
        NodeFile(path=f"{PKI}/server.key", content=server.key, mode="0600", owner="etcd:etcd"),
        NodeFile(path=f"{PKI}/peer.crt", content=peer.certificate, owner="etcd:etcd"),
        NodeFile(path=f"{PKI}/peer.key", content=peer.key, mode="0600", owner="etcd:etcd"),
        NodeFile(path=f"{PKI}/healthcheck-client.crt", content=healthcheck.certificate),
        NodeFile(path=f"{PKI}/healthcheck-client.key", content=healthcheck.key, mode="0600"),
        NodeFile(path="/etc/etcd/etcd.env", content=environment),
        NodeFile(path="/etc/systemd/system/etcd.service", content=read_script("units/etcd.service")),
    ]


def _joined(parts: Sequence[pulumi.Output[str]]) -> pulumi.Output[str]:
    return pulumi.Output.all(*parts).apply(",".join)
