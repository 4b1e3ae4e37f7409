"""The documents kubeadm reads, as YAML text: pure functions of plain values, no Pulumi."""

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from components.host.kubeadm import CONTAINERD_SOCKET, PKI, TIMEOUTS, Document, document_text
from settings.ports import API_PORT
from settings.values import KubernetesSettings

KUBELET_SERVING_CERTIFICATE = "/var/lib/kubelet/pki/serving.crt"
KUBELET_SERVING_KEY = "/var/lib/kubelet/pki/serving.key"
PATCHES = "/etc/kubernetes/patches"


@dataclass(frozen=True, kw_only=True)
class Host:
    """One machine as kubeadm sees it: the name its Node gets, its private address and its provider's id for it.

    The Node begins with `labels`, and with `taints` beside those that kubeadm gives a master.
    """

    name: str
    address: str
    provider_id: str
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """What all machines of one cluster have in common: masters' addresses by name, and the section `etcd`."""

    settings: KubernetesSettings
    masters: Mapping[str, str]
    etcd: Document


def init_documents(cluster: Cluster, host: Host) -> str:
    """Everything `kubeadm init` wants to know to found the cluster on one master."""
    return document_text(_init(cluster, host), _cluster(cluster), _kubelet(cluster), _kube_proxy(cluster))


def upload_documents(cluster: Cluster, certificate_key: str) -> str:
    """What `kubeadm init phase upload-certs` wants to know; `certificate_key` is an AES key, 64 hexadecimal digits."""
    init = {"apiVersion": "kubeadm.k8s.io/v1beta4", "kind": "InitConfiguration", "certificateKey": certificate_key}
    return document_text(init, _cluster(cluster))


def join_document(
    host: Host,
    discovery_file: str,
    *,
    control_plane: bool,
    ignore_preflight_errors: tuple[str, ...] = (),
    certificate_key: str | None = None,
) -> str:
    """What `kubeadm join` wants to know; the rest it reads from the cluster.

    `discovery_file` is a kubeconfig on the host with the cluster's CA and a bootstrap client certificate. With the
    `certificate_key` of an upload a master gets what all masters share from there.
    """
    document: dict[str, Any] = {
        "apiVersion": "kubeadm.k8s.io/v1beta4",
        "kind": "JoinConfiguration",
        "discovery": {"file": {"kubeConfigPath": discovery_file}},
        "nodeRegistration": _registration(host, ignore_preflight_errors),
        "timeouts": TIMEOUTS,
    }
    if control_plane:
        download = {} if certificate_key is None else {"certificateKey": certificate_key}
        document["controlPlane"] = {"localAPIEndpoint": _local_endpoint(host), **download}
    return document_text(document)


def coredns_patch() -> str:
    """kubeadm's strategic patch of the CoreDNS Deployment: never two replicas on one node, and quick to notice.

    kubeadm only *prefers* two nodes. At birth, with one node there, both would land on it and stay; with the
    requirement the second waits a few seconds for the second node, and no step has to move it. A probe every 2 s in
    place of 10 puts a new replica to work, and a dead one out of it, that much sooner.
    """
    term = {
        "labelSelector": {"matchExpressions": [{"key": "k8s-app", "operator": "In", "values": ["kube-dns"]}]},
        "topologyKey": "kubernetes.io/hostname",
    }
    pod = {
        "affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}},
        "containers": [{"name": "coredns", "readinessProbe": {"periodSeconds": 2}}],
    }
    return document_text({"spec": {"template": {"spec": pod}}})


def api_server_names(cluster: Cluster) -> list[str]:
    """Names and addresses every API server's certificate covers beside those that kubeadm adds by itself."""
    names = {cluster.settings.api_name, *cluster.masters}
    addresses = {"127.0.0.1", *cluster.masters.values()}
    return sorted(names) + sorted(addresses, key=ipaddress.ip_address)


def _init(cluster: Cluster, host: Host) -> dict[str, Any]:
    return {
        "apiVersion": "kubeadm.k8s.io/v1beta4",
        "kind": "InitConfiguration",
        # Nobody joins by token, but kubeadm makes one with the RBAC rules that certificate joins need too.
        "bootstrapTokens": [{"ttl": "1m0s"}],
        "localAPIEndpoint": _local_endpoint(host),
        "nodeRegistration": _registration(host, cluster.settings.ignore_preflight_errors),
        "patches": {"directory": PATCHES},
        "timeouts": TIMEOUTS,
    }


def _cluster(cluster: Cluster) -> Document:
    return {
        "apiVersion": "kubeadm.k8s.io/v1beta4",
        "kind": "ClusterConfiguration",
        "clusterName": cluster.settings.cluster_name,
        "kubernetesVersion": f"v{cluster.settings.version}",
        "controlPlaneEndpoint": f"{cluster.settings.api_name}:{API_PORT}",
        "certificatesDir": PKI,
        "encryptionAlgorithm": "ECDSA-P256",
        "networking": {
            "podSubnet": cluster.settings.pod_cidr,
            "serviceSubnet": cluster.settings.service_cidr,
            "dnsDomain": "cluster.local",
        },
        "apiServer": {
            "certSANs": api_server_names(cluster),
            # kubeadm leaves kubelets unverified, because it signs no serving certificates for them; this program does.
            "extraArgs": [{"name": "kubelet-certificate-authority", "value": f"{PKI}/ca.crt"}],
        },
        "etcd": cluster.etcd,
    }


def _kubelet(cluster: Cluster) -> Document:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        # containerd 1.7 cannot tell the kubelet its driver, so both are told.
        "cgroupDriver": "systemd",
        "tlsCertFile": KUBELET_SERVING_CERTIFICATE,
        "tlsPrivateKeyFile": KUBELET_SERVING_KEY,
        **({} if cluster.settings.fail_cgroup_v1 else {"failCgroupV1": False}),
    }


def _kube_proxy(cluster: Cluster) -> Document:
    conntrack = cluster.settings.conntrack_max_per_core
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "iptables",
        **({} if conntrack is None else {"conntrack": {"maxPerCore": conntrack}}),
    }


def _registration(host: Host, ignore_preflight_errors: tuple[str, ...]) -> Document:
    return {
        "name": host.name,
        "criSocket": CONTAINERD_SOCKET,
        "imagePullPolicy": "IfNotPresent",
        "kubeletExtraArgs": [
            {"name": "node-ip", "value": host.address},
            {"name": "provider-id", "value": host.provider_id},
            *([{"name": "node-labels", "value": ",".join(map("=".join, host.labels.items()))}] if host.labels else []),
        ],
        **({"taints": list(map(_taint, host.taints))} if host.taints else {}),
        **({"ignorePreflightErrors": list(ignore_preflight_errors)} if ignore_preflight_errors else {}),
    }


def _taint(text: str) -> Document:
    """As Kubernetes spells it for people, key=value:Effect."""
    rest, _, effect = text.rpartition(":")
    key, _, value = rest.partition("=")
    return {"key": key, **({"value": value} if value else {}), "effect": effect}


def _local_endpoint(host: Host) -> Document:
    return {"advertiseAddress": host.address, "bindPort": API_PORT}
