"""Who runs an etcd member on its host: what the member's step needs for it, and where its certificates lie."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

import pulumi

from components.host.node import Node, by_name
from components.host.step import NodeFile
from components.pki.etcd import EtcdPki
from settings.values import EtcdSettings

PEER_PORT = 2380
# Where a member's new files wait until its script has looked at them.
STAGE = "/run/kubeadm-aws/etcd-member"
LIBRARIES = ("lib/etcd-client.sh", "lib/etcd-member-common.sh", "lib/etcd-admission.sh")


@dataclass(frozen=True, kw_only=True)
class Birth:
    """What all members of a cluster start with: `nodes` are theirs, `token` is the cluster's own."""

    nodes: Sequence[Node]
    token: pulumi.Output[str]
    settings: EtcdSettings

    @property
    def initial_cluster(self) -> pulumi.Output[str]:
        """The members as etcd's flag wants them, `name=URL` by comma."""
        return by_name(self.nodes, peer_url, ",")


class EtcdManager(Protocol):
    """A member's step: `script` with LIBRARIES before it, settings and files for one node.

    Certificates lie in `pki`, and `owner` (user and group) runs etcd.
    """

    script: ClassVar[str]
    pki: ClassVar[str]
    owner: ClassVar[str]

    def settings(self, birth: Birth, node: Node) -> Mapping[str, pulumi.Input[str]]: ...

    def files(self, birth: Birth, node: Node, pki: EtcdPki) -> list[NodeFile]: ...


def peer_url(node: Node) -> pulumi.Output[str]:
    """Where the other members reach the one on this machine."""
    return pulumi.Output.format("https://{0}:{1}", node.address, PEER_PORT)


def certificate_files(node: Node, pki: EtcdPki) -> list[NodeFile]:
    """The member's certificates under kubeadm's names, staged."""
    return [
        NodeFile(path=f"{STAGE}/pki/ca.crt", content=pki.ca.certificate),
        *pki.server[node.name].files(f"{STAGE}/pki/server"),
        *pki.peer[node.name].files(f"{STAGE}/pki/peer"),
        *pki.healthcheck_client.files(f"{STAGE}/pki/healthcheck-client"),
    ]
