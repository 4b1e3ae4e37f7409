"""Joining: what a join needs on any node, and how the cluster's documents name that node."""

import pulumi

from components.host.kubeadm import STAGE, staged
from components.host.node import Node
from components.host.step import NodeFile
from components.kubernetes import documents as kubeadm
from components.kubernetes.documents import Host
from components.pki.cluster import ClusterPki

LIBRARIES = ("lib/kubeadm.sh", "lib/membership.sh", "lib/api-server.sh")
KUBELET_SERVING = f"{STAGE}/kubelet-pki/serving"
# More than kubeadm's own patience with everything that it waits for one after another.
STEP_SECONDS = 1800


def host_of(node: Node) -> pulumi.Output[Host]:
    """The node as kubeadm's documents name it; its provider id is the one that AWS's own controllers would give it."""
    labels, taints = (node.pool.labels, node.pool.taints) if node.pool else ({}, ())
    return pulumi.Output.all(node.address, provider_id(node)).apply(
        lambda known: Host(name=node.name, address=known[0], provider_id=known[1], labels=labels, taints=taints)
    )


def provider_id(node: Node) -> pulumi.Output[str]:
    """What the Node object says about the machine it stands for, for all its life."""
    return pulumi.Output.format("aws:///{0}/{1}", node.zone, node.identity)


def join_files(
    pki: ClusterPki,
    node: Node,
    ignore_preflight_errors: tuple[str, ...],
    *,
    control_plane: bool,
    certificate_key: pulumi.Output[str] | None = None,
) -> list[NodeFile]:
    """What any node needs for its join: kubeadm's document and the credential it introduces itself with."""
    document = pulumi.Output.all(host_of(node), certificate_key).apply(
        lambda known: kubeadm.join_document(
            known[0],
            f"{STAGE}/bootstrap.conf",
            control_plane=control_plane,
            ignore_preflight_errors=ignore_preflight_errors,
            certificate_key=known[1],
        )
    )
    return [
        staged("kubeadm.yaml", document),
        staged("bootstrap.conf", pki.bootstrap_kubeconfigs[node.name]),
        staged("ca.crt", pki.kubernetes_ca.certificate),
    ]
