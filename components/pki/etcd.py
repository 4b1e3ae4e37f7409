"""etcd's certificates with kubeadm's subjects, uses and names: an authority of its own, leaves for who talks to it."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from components.host.node import Node
from components.pki.certificates import CertifiedKey, authority, leaf
from settings.values import EtcdSettings


@dataclass(frozen=True, kw_only=True)
class EtcdPkiArgs:
    """No `members`: whoever runs them makes their certificates with the authority's key."""

    members: Sequence[Node]
    settings: EtcdSettings
    protect: bool = True


class EtcdPki(pulumi.ComponentResource):
    """Everything etcd's TLS needs. A host gets the authority's key only if it makes its member's certificates itself.

    `server` and `peer` are by member name. A server certificate is for clients too, because etcd dials itself with it.
    """

    ca: CertifiedKey
    server: dict[str, CertifiedKey]
    peer: dict[str, CertifiedKey]
    healthcheck_client: CertifiedKey
    apiserver_client: CertifiedKey

    def __init__(self, name: str, args: EtcdPkiArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kubeadm:index:EtcdPki", name, {}, opts)
        self.ca = authority(f"{name}-ca", "etcd-ca", given=args.settings.ca, protect=args.protect, parent=self)

        def member_leaf(member: Node, purpose: str) -> CertifiedKey:
            return leaf(
                f"{name}-{member.name}-{purpose}",
                self.ca,
                member.name,
                uses=["server_auth", "client_auth"],
                dns_names=[member.name, "localhost"],
                ip_addresses=[member.address, "127.0.0.1", "::1"],
                parent=self,
            )

        def client(purpose: str, common_name: str) -> CertifiedKey:
            return leaf(f"{name}-{purpose}", self.ca, common_name, uses=["client_auth"], parent=self)

        self.server = {member.name: member_leaf(member, "server") for member in args.members}
        self.peer = {member.name: member_leaf(member, "peer") for member in args.members}
        self.healthcheck_client = client("healthcheck-client", "kube-etcd-healthcheck-client")
        self.apiserver_client = client("apiserver-client", "kube-apiserver-etcd-client")
        self.register_outputs({})
