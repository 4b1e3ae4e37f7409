"""Etcd: a member on each of some nodes, started together, and the proof that they form a healthy cluster."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from components.etcd.datastore import Datastore, etcd_client_files
from components.etcd.disk import measure_disk
from components.etcd.documents import external_etcd
from components.etcd.health import client_url, health_files
from components.etcd.manager import LIBRARIES, STAGE, Birth, EtcdManager
from components.host.chain import Chain
from components.host.node import Node
from components.host.spare import Peers, ask_peers
from components.host.step import remote_step
from components.pki.etcd import EtcdPki
from components.pki.random_text import random_hex
from settings.values import EtcdSettings

# All that a member's script waits for, one after another: its turn, its admission, its start, its promotion.
MEMBER_SECONDS = 1800


@dataclass(frozen=True, kw_only=True)
class EtcdArgs:
    """`founders` are the identities of the machines on which etcd was born, None until the cluster is founded.

    `chain`, of machines that run etcd alone, goes on when a member does its work.

    `reached` is what must be done on each node (by name) before any step may run there, `prepared` before `manager` may
    run a member.
    """

    nodes: Sequence[Node]
    founders: Sequence[str] | None
    reached: Mapping[str, pulumi.Resource]
    prepared: Mapping[str, pulumi.Resource]
    pki: EtcdPki
    manager: EtcdManager
    chain: Chain | None
    settings: EtcdSettings


class Etcd(pulumi.ComponentResource):
    """Output: `datastore`, what the control plane must know."""

    datastore: Datastore

    def __init__(self, name: str, args: EtcdArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kubeadm:index:Etcd", name, None, opts)
        self._name, self._args = name, args
        self._birth = Birth(nodes=args.nodes, token=random_hex(f"{name}-token", self), settings=args.settings)
        endpoints = [client_url(node) for node in args.nodes]
        members = {node.name: self._member(node) for node in args.nodes}
        self.datastore = Datastore(
            endpoints=endpoints,
            section=pulumi.Output.all(*endpoints).apply(external_etcd),
            files=etcd_client_files(args.pki),
            members=members,
            pki=args.manager.pki,
            ready=[self._health([*members.values()])],
            steady=[self._steady(args.chain, node, members[node.name]) for node in args.nodes] if args.chain else [],
        )
        self.register_outputs({})

    def _member(self, node: Node) -> pulumi.Resource:
        args, manager = self._args, self._args.manager
        measured = measure_disk(self._name, node, args.settings, args.reached[node.name], self)
        return remote_step(
            f"{self._name}-{node.name}",
            node,
            manager.script,
            settings={
                "NAME": node.name,
                "ADDRESS": node.address,
                "CLUSTER": self._birth.token.apply(lambda token: hashlib.sha256(token.encode()).hexdigest()),
                "INITIAL_CLUSTER": self._birth.initial_cluster,
                "OTHER_ENDPOINTS": self._endpoints(self._others(node)),
                "MAY_FOUND": self._may_found(node),
                "ETCD_PKI": manager.pki,
                "ETCD_OWNER": manager.owner,
                "STAGE": STAGE,
                **manager.settings(self._birth, node),
            },
            files=[*manager.files(self._birth, node, args.pki), *health_files(args.nodes)],
            libraries=LIBRARIES,
            timeout_seconds=MEMBER_SECONDS,
            secret=True,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[measured, args.prepared[node.name]]),
        )

    def _steady(self, chain: Chain, node: Node, member: pulumi.Resource) -> pulumi.Resource:
        step = remote_step(
            f"{self._name}-steady-{node.name}",
            node,
            "etcd/await-steady-member.sh",
            settings={
                "NODE_NAME": node.name,
                "NODE_ADDRESS": node.address,
                "MADE_OF": node.made_of,
                "WANTED": node.wanted,
                "ETCD_PKI": self._args.manager.pki,
            },
            libraries=["lib/etcd-client.sh", "lib/root-disk.sh"],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[member]),
        )
        chain.is_steady(node.name, step)
        peers = Peers(
            pki=self._args.manager.pki, member=client_url(node), other_members=self._endpoints(self._others(node))
        )
        founded = self._args.founders is not None
        name = f"{self._name}-spare-{node.name}"
        ask_peers(name, node, peers, chain, founded=founded, after=step, parent=self)
        return step

    def _others(self, node: Node) -> list[Node]:
        return [other for other in self._args.nodes if other is not node]

    def _may_found(self, node: Node) -> pulumi.Output[str]:
        founders = self._args.founders
        return node.identity.apply(lambda identity: "true" if founders is None or identity in founders else "false")

    def _health(self, members: Sequence[pulumi.Resource]) -> pulumi.Resource:
        return remote_step(
            f"{self._name}-health",
            self._args.nodes[0],
            "etcd/await-health.sh",
            settings={"ENDPOINTS": self._endpoints(self._args.nodes), "ETCD_PKI": self._args.manager.pki},
            libraries=["lib/etcd-client.sh"],
            triggers=[node.identity for node in self._args.nodes],
            opts=pulumi.ResourceOptions(parent=self, depends_on=members),
        )

    def _endpoints(self, nodes: Sequence[Node]) -> pulumi.Output[str]:
        return pulumi.Output.all(*map(client_url, nodes)).apply(",".join)
