"""What everything that has kubeadm do something on a host agrees on: places, patience, the form of its documents."""

from collections.abc import Mapping
from typing import Any

import pulumi
import yaml

from components.host.step import NodeFile

CONTAINERD_SOCKET = "unix:///run/containerd/containerd.sock"
PKI = "/etc/kubernetes/pki"
STAGE = "/run/kubeadm-aws/kubeadm"

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


def document_text(*documents: Document) -> str:
    """The documents as one YAML file."""
    return "---\n".join(yaml.safe_dump(document, sort_keys=False) for document in documents)


def staged(path: str, content: pulumi.Input[str]) -> NodeFile:
    """A file that waits where only a reboot or the step's end would find it, until the script puts it in its place."""
    secret = path.endswith((".key", ".conf", "kubeadm.yaml"))
    return NodeFile(path=f"{STAGE}/{path}", content=content, mode="0600" if secret else "0644")
