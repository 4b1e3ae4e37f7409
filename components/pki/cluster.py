"""The cluster's own certificates: what masters share, what each kubelet serves, and who may join or administer."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_tls as tls
import yaml

from components.host.node import Node
from components.pki.certificates import CertifiedKey, authority, leaf, private_key
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


class ClusterPki(pulumi.ComponentResource):
    """Authorities and keys that all masters share, and credentials made with them.

    `service_account` signs and checks service accounts' tokens. `kubelet_serving`, by node name, is what a kubelet
    serves its API with, so that API servers can tell it from an impostor; `bootstrap_kubeconfigs` are kubeadm's
    `discovery.file` there: the authority, and a certificate that is good for joining only.
    """

    kubernetes_ca: CertifiedKey
    front_proxy_ca: CertifiedKey
    service_account: tls.PrivateKey
    kubelet_serving: Mapping[str, CertifiedKey]
    bootstrap_kubeconfigs: Mapping[str, pulumi.Output[str]]
    admin_kubeconfig: pulumi.Output[str]

    def __init__(self, name: str, args: ClusterPkiArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kubeadm:index:ClusterPki", name, {}, opts)
        self._args = args
        self.kubernetes_ca = authority(
            f"{name}-ca", "kubernetes", given=args.settings.ca, protect=args.protect, parent=self
        )
        self.front_proxy_ca = authority(f"{name}-front-proxy-ca", "front-proxy-ca", protect=args.protect, parent=self)
        self.service_account = private_key(
            f"{name}-service-account", opts=pulumi.ResourceOptions(parent=self, protect=args.protect)
        )
        self.kubelet_serving = {
            node.name: self._make_serving(f"{name}-{node.name}-kubelet", node) for node in args.nodes
        }
        self.bootstrap_kubeconfigs = {
            node.name: self._kubeconfig(f"{name}-{node.name}-bootstrap", f"bootstrap:{node.name}", BOOTSTRAPPERS)
            for node in args.nodes
        }
        self.admin_kubeconfig = self._kubeconfig(f"{name}-admin", "kubernetes-admin", ADMINISTRATORS)
        self.register_outputs({})

    def _make_serving(self, name: str, node: Node) -> CertifiedKey:
        return leaf(
            name,
            self.kubernetes_ca,
            f"system:node:{node.name}",
            organization="system:nodes",
            uses=["server_auth"],
            dns_names=[node.name],
            ip_addresses=[node.address],
            parent=self,
        )

    def _kubeconfig(self, name: str, user: str, organization: str) -> pulumi.Output[str]:
        client = leaf(name, self.kubernetes_ca, user, organization=organization, uses=["client_auth"], parent=self)
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
