"""The documents kubeadm reads, as YAML text: pure functions of plain values, no Pulumi."""

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

API_PORT = 6443
CONTAINERD_SOCKET = "unix:///run/containerd/containerd.sock"
PKI = "/etc/kubernetes/pki"
KUBELET_SERVING_CERTIFICATE = "/var/lib/kubelet/pki/serving.crt"
KUBELET_SERVING_KEY = "/var/lib/kubelet/pki/serving.key"
PATCHES = "/etc/kubernetes/patches"

# The etcd that each minor version of Kubernetes is released with: the default of its kubeadm.
ETCD_IMAGE_TAGS: Mapping[str, str] = {"1.35": "3.6.6-0", "1.36": "3.6.8-0", "1.37": "3.7.0-0"}

# Twice kubeadm's patience or more: a burstable machine booting its whole control plane at once is slow, not broken.
TIMEOUTS = {
    "controlPlaneComponentHealthCheck": "8m0s",
    "kubeletHealthCheck": "8m0s",
    "kubernetesAPICall": "3m0s",
    "etcdAPICall": "4m0s",
    "tlsBootstrap": "8m0s",
    "discovery": "8m0s",
}

Document = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Host:
    """One machine as kubeadm sees it: the name its Node gets, its private address and its provider's id for it."""

    name: str
    address: str
    provider_id: str


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """What all machines of one cluster have in common; `etcd` is the section of that name."""

    name: str
    kubernetes_version: str
    api_name: str
    pod_cidr: str
    service_cidr: str
    masters: tuple[Host, ...]
    etcd: Document
    fail_cgroup_v1: bool = True
    ignore_preflight_errors: tuple[str, ...] = ()
    conntrack_max_per_core: int | None = None


def init_documents(cluster: Cluster, host: Host) -> str:
    """Everything `kubeadm init` wants to know to found the cluster on one master."""
    return _text(
        _init(cluster, host),
        _cluster(cluster),
        _kubelet(cluster),
        _kube_proxy(cluster),
    )


def upload_documents(cluster: Cluster, host: Host, certificate_key: str) -> str:
    """What `kubeadm init phase upload-certs` wants to know; `certificate_key` is an AES key, 64 hexadecimal digits."""
    return _text(_init(cluster, host) | {"certificateKey": certificate_key}, _cluster(cluster))


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
    return _text(document)


def external_etcd(endpoints: Sequence[str]) -> Document:
    """The `etcd` section for members that kubeadm only uses."""
    return {
        "external": {
            "endpoints": list(endpoints),
            "caFile": f"{PKI}/etcd/ca.crt",
            "certFile": f"{PKI}/apiserver-etcd-client.crt",
            "keyFile": f"{PKI}/apiserver-etcd-client.key",
        }
    }


def local_etcd(
    *, image_tag: str, cluster_token: str, heartbeat_milliseconds: int, election_milliseconds: int
) -> Document:
    """The `etcd` section for members that kubeadm runs beside each API server."""
    arguments = {
        "initial-cluster-token": cluster_token,
        "heartbeat-interval": heartbeat_milliseconds,
        "election-timeout": election_milliseconds,
    }
    return {
        "local": {
            "imageTag": image_tag,
            "extraArgs": [{"name": name, "value": str(value)} for name, value in arguments.items()],
        }
    }


def etcd_image_tag(kubernetes_version: str) -> str:
    """The tag of registry.k8s.io/etcd for a member that kubeadm or a kubelet runs."""
    minor = ".".join(kubernetes_version.split(".")[:2])
    if minor not in ETCD_IMAGE_TAGS:
        raise ValueError(
            f"no etcd image is known for Kubernetes {kubernetes_version}; known are {', '.join(ETCD_IMAGE_TAGS)}: "
            "add the tag that kubeadm of that version names (kubeadm config images list) to ETCD_IMAGE_TAGS"
        )
    return ETCD_IMAGE_TAGS[minor]


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
    return _text({"spec": {"template": {"spec": pod}}})


def api_server_names(cluster: Cluster) -> list[str]:
    """Names and addresses every API server's certificate covers beside those that kubeadm adds by itself."""
    names = {cluster.api_name} | {master.name for master in cluster.masters}
    addresses = {"127.0.0.1"} | {master.address for master in cluster.masters}
    return sorted(names) + sorted(addresses, key=ipaddress.ip_address)


def _init(cluster: Cluster, host: Host) -> dict[str, Any]:
    return {
        "apiVersion": "kubeadm.k8s.io/v1beta4",
        "kind": "InitConfiguration",
        # Nobody joins by token, but kubeadm makes one with the RBAC rules that certificate joins need too.
        "bootstrapTokens": [{"ttl": "1m0s"}],
        "localAPIEndpoint": _local_endpoint(host),
        "nodeRegistration": _registration(host, cluster.ignore_preflight_errors),
        "patches": {"directory": PATCHES},
        "timeouts": TIMEOUTS,
    }


def _cluster(cluster: Cluster) -> Document:
    return {
        "apiVersion": "kubeadm.k8s.io/v1beta4",
        "kind": "ClusterConfiguration",
        "clusterName": cluster.name,
        "kubernetesVersion": f"v{cluster.kubernetes_version}",
        "controlPlaneEndpoint": f"{cluster.api_name}:{API_PORT}",
        "certificatesDir": PKI,
        "encryptionAlgorithm": "ECDSA-P256",
        "networking": {
            "podSubnet": cluster.pod_cidr,
            "serviceSubnet": cluster.service_cidr,
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
    document: dict[str, Any] = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        # containerd 1.7 cannot tell the kubelet its driver, so both are told.
        "cgroupDriver": "systemd",
        "tlsCertFile": KUBELET_SERVING_CERTIFICATE,
        "tlsPrivateKeyFile": KUBELET_SERVING_KEY,
    }
    if not cluster.fail_cgroup_v1:
        document["failCgroupV1"] = False
    return document


def _kube_proxy(cluster: Cluster) -> Document:
    document: dict[str, Any] = {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "iptables",
    }
    if cluster.conntrack_max_per_core is not None:
        document["conntrack"] = {"maxPerCore": cluster.conntrack_max_per_core}
    return document


def _registration(host: Host, ignore_preflight_errors: tuple[str, ...]) -> Document:
    registration: dict[str, Any] = {
        "name": host.name,
        "criSocket": CONTAINERD_SOCKET,
        "imagePullPolicy": "IfNotPresent",
        "kubeletExtraArgs": [
            {"name": "node-ip", "value": host.address},
            {"name": "provider-id", "value": host.provider_id},
        ],
    }
    if ignore_preflight_errors:
        registration["ignorePreflightErrors"] = list(ignore_preflight_errors)
    return registration


def _local_endpoint(host: Host) -> Document:
    return {"advertiseAddress": host.address, "bindPort": API_PORT}


def _text(*documents: Document) -> str:
    return "---\n".join(yaml.safe_dump(document, sort_keys=False) for document in documents)
