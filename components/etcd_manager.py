"""Who runs an etcd member on its host: what the member's step needs for it, and where its certificates lie."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

import pulumi

from components.etcd_pki import EtcdPki
from components.node import Node
from components.remote_step import NodeFile

PEER_PORT = 2380


@dataclass(frozen=True, kw_only=True)
class Birth:
    """What all members of a cluster start with: `nodes` are theirs, `token` is the cluster's own."""

    nodes: Sequence[Node]
    token: pulumi.Output[str]
    heartbeat_milliseconds: int
    election_milliseconds: int

    @property
    def initial_cluster(self) -> pulumi.Output[str]:
        """The members as etcd's flag wants them, `name=URL` by comma."""
        parts = [pulumi.Output.format("{0}={1}", node.name, peer_url(node)) for node in self.nodes]
        return pulumi.Output.all(*parts).apply(",".join)


class EtcdManager(Protocol):
    """A member's step: `script` with `libraries` before it, settings and files for one node, certificates in `pki`."""

    script: ClassVar[str]
    libraries: ClassVar[Sequence[str]]
    pki: ClassVar[str]

    def settings(self, birth: Birth, node: Node) -> Mapping[str, pulumi.Input[str]]: ...

    def files(self, birth: Birth, node: Node, pki: EtcdPki) -> list[NodeFile]: ...


def peer_url(node: Node) -> pulumi.Output[str]:
    """Where the other members reach the one on this machine."""
    return pulumi.Output.format("https://{0}:{1}", node.address, PEER_PORT)


def certificate_files(folder: str, node: Node, pki: EtcdPki, owner: str) -> list[NodeFile]:
    """The member's certificates under kubeadm's names; `owner` runs etcd, and nobody else reads its keys."""
    server, peer, healthcheck = pki.server[node.name], pki.peer[node.name], pki.healthcheck_client
    return [
        NodeFile(path=f"{folder}/ca.crt", content=pki.ca.certificate),
        NodeFile(path=f"{folder}/server.crt", content=server.certificate, owner=owner),
        NodeFile(path=f"{folder}/server.key", content=server.key, mode="0600", owner=owner),
        NodeFile(path=f"{folder}/peer.crt", content=peer.certificate, owner=owner),
        NodeFile(path=f"{folder}/peer.key", content=peer.key, mode="0600", owner=owner),
        NodeFile(path=f"{folder}/healthcheck-client.crt", content=healthcheck.certificate),
        NodeFile(path=f"{folder}/healthcheck-client.key", content=healthcheck.key, mode="0600"),
    ]
