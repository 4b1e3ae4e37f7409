"""What kubeadm and the kubelet are told of etcd, whoever runs its members: pure functions, no Pulumi."""

from collections.abc import Sequence

from components.etcd.flags import decided_flags, extra_arguments
from components.host.kubeadm import CONTAINERD_SOCKET, PKI, TIMEOUTS, Document, document_text
from settings.values import EtcdSettings


def external_etcd(endpoints: Sequence[str]) -> Document:
    """The `etcd` section of a cluster's configuration for members that kubeadm only uses."""
    return {
        "external": {
            "endpoints": list(endpoints),
            "caFile": f"{PKI}/etcd/ca.crt",
            "certFile": f"{PKI}/apiserver-etcd-client.crt",
            "keyFile": f"{PKI}/apiserver-etcd-client.key",
        }
    }


def local_etcd(settings: EtcdSettings, *, cluster_token: str) -> Document:
    """The `etcd` section for members that kubeadm runs beside each API server."""
    arguments = {"initial-cluster-token": cluster_token, **decided_flags(settings)}
    return {"local": {"imageTag": settings.image_tag, "extraArgs": extra_arguments(arguments)}}


def member_documents(
    settings: EtcdSettings,
    *,
    name: str,
    address: str,
    initial_cluster: str,
    cluster_token: str,
    kubernetes_version: str,
) -> str:
    """What `kubeadm init phase etcd local` makes the member's manifest of, as for the first start of a new cluster.

    Name and address come from the first document, whatever host kubeadm runs on (kubernetes.io, "Set up a High
    Availability etcd Cluster with kubeadm", step 2). To the page's arguments come the local client URL, which kubeadm
    listens on unless told otherwise, and the flags that this program decides.
    """
    client, peer = f"https://{address}:2379", f"https://{address}:2380"
    arguments = {
        "initial-cluster": initial_cluster,
        "initial-cluster-state": "new",
        "initial-cluster-token": cluster_token,
        "name": name,
        "listen-peer-urls": peer,
        "listen-client-urls": f"https://127.0.0.1:2379,{client}",
        "advertise-client-urls": client,
        "initial-advertise-peer-urls": peer,
        **decided_flags(settings),
    }
    init = {
        "apiVersion": "kubeadm.k8s.io/v1beta4",
        "kind": "InitConfiguration",
        "nodeRegistration": {"name": name, "criSocket": CONTAINERD_SOCKET},
        "localAPIEndpoint": {"advertiseAddress": address},
        # How long the manifest's probe waits for a first quorum.
        "timeouts": {"controlPlaneComponentHealthCheck": TIMEOUTS["controlPlaneComponentHealthCheck"]},
    }
    cluster = {
        "apiVersion": "kubeadm.k8s.io/v1beta4",
        "kind": "ClusterConfiguration",
        "kubernetesVersion": f"v{kubernetes_version}",
        "encryptionAlgorithm": "ECDSA-P256",
        "etcd": {
            "local": {
                "imageTag": settings.image_tag,
                "serverCertSANs": [address],
                "peerCertSANs": [address],
                "extraArgs": extra_arguments(arguments),
            }
        },
    }
    return document_text(init, cluster)


def kubelet_document(*, fail_cgroup_v1: bool) -> str:
    """A kubelet that starts static pods and that nobody may talk to: no client can prove who it is, even on this host.

    Authorization is by AlwaysAllow because a kubelet without an API server ends when it shall ask one.
    """
    document = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": "127.0.0.1",
        "authentication": {"anonymous": {"enabled": False}, "webhook": {"enabled": False}},
        "authorization": {"mode": "AlwaysAllow"},
        "cgroupDriver": "systemd",
        "containerRuntimeEndpoint": CONTAINERD_SOCKET,
        "staticPodPath": "/etc/kubernetes/manifests",
        **({} if fail_cgroup_v1 else {"failCgroupV1": False}),
    }
    return document_text(document)
