"""Etcd: a member on each of some nodes, started together, and the proof that they form a healthy cluster."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pulumi

from components.etcd.datastore import Datastore, etcd_client_files
from components.etcd.disk import measure_disk
from components.etcd.documents import external_etcd
from components.etcd.health import client_url, health_files
from components.etcd.manager import STAGE, Birth, EtcdManager, peer_url
from components.host.node import Node
from components.host.step import NodeFile, remote_step
from components.pki.etcd import EtcdPki
from components.pki.random_text import random_hex
from settings.values import EtcdSettings


@dataclass(frozen=True, kw_only=True)
class EtcdArgs:
    """`reached` is what must be done on each node and master (by name) before any step may run there, `prepared` before
    `manager` may run a member. `masters` are clients of etcd: what only a client may do for a member is done there.
    """

    nodes: Sequence[Node]
    masters: Sequence[Node]
    reached: Mapping[str, pulumi.Resource]
    prepared: Mapping[str, pulumi.Resource]
    pki: EtcdPki
    manager: EtcdManager
    settings: EtcdSettings


class Etcd(pulumi.ComponentResource):
    """Output: `datastore`, what the control plane must know."""

    datastore: Datastore

    def __init__(self, name: str, args: EtcdArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kubeadm:index:Etcd", name, None, opts)
        self._name, self._args = name, args
        self._birth = Birth(nodes=args.nodes, token=random_hex(f"{name}-token", self), settings=args.settings)
        members = [
            self._member(node, self._admit(node, args.masters[(ordinal + 1) % len(args.masters)]))
            for ordinal, node in enumerate(args.nodes)
        ]
        endpoints = [client_url(node) for node in args.nodes]
        self.datastore = Datastore(
            endpoints=endpoints,
            section=pulumi.Output.all(*endpoints).apply(external_etcd),
            files=etcd_client_files(args.pki),
            ready=[self._health(members)],
        )
        self.register_outputs({})

    def _admit(self, node: Node, master: Node) -> pulumi.Resource:
        """Made again with the machine: the living members remove the one that is gone and take this one instead.

        On a master that is not the machine itself, because it can tell a cluster's birth from the loss of its quorum.
        """
        certificates, client = f"/run/kubeadm-aws/etcd-admit-{node.name}", self._args.pki.apiserver_client
        return remote_step(
            f"{self._name}-admit-{node.name}",
            master,
            "etcd/admit.sh",
            settings={
                "MEMBER": node.name,
                "MACHINE": node.identity,
                "PEER_URL": peer_url(node),
                "CLIENT_URL": client_url(node),
                "OTHER_ENDPOINTS": self._others(node, client_url),
                "CERTIFICATES": certificates,
            },
            files=[
                NodeFile(path=f"{certificates}/ca.crt", content=self._args.pki.ca.certificate),
                NodeFile(path=f"{certificates}/client.crt", content=client.certificate),
                NodeFile(path=f"{certificates}/client.key", content=client.key, mode="0600"),
            ],
            libraries=["lib/etcd-api.sh"],
            secret=True,
            triggers=[node.identity],
            opts=pulumi.ResourceOptions(
                parent=self, deleted_with=node.machine, depends_on=[self._args.reached[master.name]]
            ),
        )

    def _member(self, node: Node, admitted: pulumi.Resource) -> pulumi.Resource:
        measured = measure_disk(
            f"{self._name}-disk-{node.name}",
            node,
            settings=self._args.settings,
            after=self._args.reached[node.name],
            parent=self,
        )
        manager = self._args.manager
        return remote_step(
            f"{self._name}-{node.name}",
            node,
            manager.script,
            settings={
                "NAME": node.name,
                "ADDRESS": node.address,
                "CLUSTER": self._birth.token.apply(lambda token: hashlib.sha256(token.encode()).hexdigest()),
                "INITIAL_CLUSTER": self._birth.initial_cluster,
                "OTHER_PEERS": self._others(node, peer_url),
                "ETCD_PKI": manager.pki,
                "ETCD_OWNER": manager.owner,
                "STAGE": STAGE,
                **manager.settings(self._birth, node),
            },
            files=[*manager.files(self._birth, node, self._args.pki), *health_files(self._args.nodes)],
            libraries=manager.libraries,
            secret=True,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[admitted, measured, self._args.prepared[node.name]]),
        )

    def _health(self, members: Sequence[pulumi.Resource]) -> pulumi.Resource:
        first, identities = self._args.nodes[0], [node.identity for node in self._args.nodes]
        machines = [pulumi.Output.concat(node.name, "=", node.identity) for node in self._args.nodes]
        return remote_step(
            f"{self._name}-health",
            first,
            "etcd/await-health.sh",
            settings={
                "ADDRESS": first.address,
                "ETCD_PKI": self._args.manager.pki,
                "MACHINES": pulumi.Output.all(*machines).apply(" ".join),
            },
            libraries=["lib/etcd-api.sh"],
            triggers=identities,
            opts=pulumi.ResourceOptions(parent=self, depends_on=members),
        )

    def _others(self, node: Node, url: Callable[[Node], pulumi.Output[str]]) -> pulumi.Output[str]:
        return pulumi.Output.all(*(url(other) for other in self._args.nodes if other is not node)).apply(",".join)
