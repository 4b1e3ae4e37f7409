"""The cluster's own certificates: what masters share, what each kubelet serves, and who may join or administer."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import yaml

from components.host.node import Node
from components.pki.certificates import Authority, Leaf, authority, leaf, private_key
from settings.values import KubernetesSettings

# kubeadm's init binds these groups: the first may have its kubelet's certificate issued, the second may do everything.
BOOTSTRAPPERS = "system:bootstrappers:kubeadm:default-node-token"
ADMINISTRATORS = "kubeadm:cluster-admins"


@dataclass(frozen=True, kw_only=True)
class ClusterPkiArgs:
    """`nodes` are all that join, masters and workers."""

    nodes: Sequence[Node]
    settings: KubernetesSettings
    protect: bool = True


@dataclass(frozen=True, kw_only=True)
class ServiceAccountKey:
    """The key pair that signs and checks service accounts' tokens, both PEM; the private one is secret."""

    public: pulumi.Output[str]
    private: pulumi.Output[str]


class ClusterPki(pulumi.ComponentResource):
    """Authorities and keys that all masters share, and credentials made with them."""

    kubernetes_ca: Authority
    front_proxy_ca: Authority
    service_account: ServiceAccountKey
    admin_kubeconfig: pulumi.Output[str]

    def __init__(self, name: str, args: ClusterPkiArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kubeadm:index:ClusterPki", name, {}, opts)
        self._args = args
        self.kubernetes_ca = authority(
            f"{name}-ca", "kubernetes", given=args.settings.ca, protect=args.protect, parent=self
        )
        self.front_proxy_ca = authority(f"{name}-front-proxy-ca", "front-proxy-ca", protect=args.protect, parent=self)
        service_account = private_key(
            f"{name}-service-account", opts=pulumi.ResourceOptions(parent=self, protect=args.protect)
        )
        self.service_account = ServiceAccountKey(
            public=service_account.public_key_pem, private=pulumi.Output.secret(service_account.private_key_pem)
        )
        self._kubelet_serving = {node.name: self._make_serving(f"{name}-{node.name}", node) for node in args.nodes}
        self._bootstrap = {
            node.name: leaf(
                f"{name}-{node.name}-bootstrap",
                self.kubernetes_ca,
                f"bootstrap:{node.name}",
                organization=BOOTSTRAPPERS,
                uses=["client_auth"],
                parent=self,
            )
            for node in args.nodes
        }
        administrator = leaf(
            f"{name}-admin",
            self.kubernetes_ca,
            "kubernetes-admin",
            organization=ADMINISTRATORS,
            uses=["client_auth"],
            parent=self,
        )
        self.admin_kubeconfig = self._kubeconfig("kubernetes-admin", administrator)
        self.register_outputs({})

    def kubelet_serving(self, node: Node) -> Leaf:
        """What the kubelet of `node` serves its API with, so that API servers can tell it from an impostor."""
        return self._kubelet_serving[node.name]

    def bootstrap_kubeconfig(self, node: Node) -> pulumi.Output[str]:
        """kubeadm's `discovery.file` for `node`: the authority, and a certificate that is good for joining only."""
        return self._kubeconfig(f"bootstrap:{node.name}", self._bootstrap[node.name])

    def _make_serving(self, name: str, node: Node) -> Leaf:
        return leaf(
            f"{name}-kubelet",
            self.kubernetes_ca,
            f"system:node:{node.name}",
            organization="system:nodes",
            uses=["server_auth"],
            dns_names=[node.name],
            ip_addresses=[node.address],
            parent=self,
        )

    def _kubeconfig(self, user: str, client: Leaf) -> pulumi.Output[str]:
        settings = self._args.settings
        return pulumi.Output.secret(
            pulumi.Output.all(self.kubernetes_ca.certificate, client.certificate, client.key).apply(
                lambda pem: kubeconfig(settings.cluster_name, settings.api_endpoint, user, *pem)
            )
        )


def kubeconfig(cluster: str, api_server: str, user: str, ca: str, certificate: str, key: str) -> str:
    """A kubeconfig with everything inside it; `ca`, `certificate` and `key` are PEM."""

    def data(pem: str) -> str:
        return base64.b64encode(pem.encode()).decode()

    context = f"{user}@{cluster}"
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": cluster, "cluster": {"server": api_server, "certificate-authority-data": data(ca)}}],
            "users": [
                {"name": user, "user": {"client-certificate-data": data(certificate), "client-key-data": data(key)}}
            ],
            "contexts": [{"name": context, "context": {"cluster": cluster, "user": user}}],
            "current-context": context,
        },
        sort_keys=False,
    )
