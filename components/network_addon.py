"""The pods' network: flannel's own manifest with this cluster's range of pod addresses, and quicker to start."""

import json
from pathlib import Path
from typing import Any

import yaml

from components.kubeadm_config import API_PORT

MANIFEST = Path(__file__).parent.parent / "manifests" / "flannel.yaml"


def flannel_manifest(version: str, pod_cidr: str, api_name: str) -> str:
    """flannel's manifest as upstream publishes it, with flanneld `version` (no leading v), and changed in three ways.

    Pods get their addresses from `pod_cidr`. flanneld reaches the API server by `api_name`, as kubelet and kube-proxy
    do. And a node is Ready only when its network is.
    """
    objects = list(yaml.safe_load_all(MANIFEST.read_text()))
    for item in objects:
        if item["kind"] == "ConfigMap":
            network = json.loads(item["data"]["net-conf.json"])
            item["data"]["net-conf.json"] = json.dumps(network | {"Network": pod_cidr}, indent=2) + "\n"
        if item["kind"] == "DaemonSet":
            pod = item["spec"]["template"]["spec"]
            _set_version(pod, version)
            _reach_api_server(pod, api_name)
            _configure_last(pod)
    return yaml.safe_dump_all(objects, sort_keys=False)


def _set_version(pod: dict[str, Any], version: str) -> None:
    for container in (*pod["initContainers"], *pod["containers"]):
        repository, _, _ = container["image"].partition(":")
        if repository.endswith("/flannel"):
            container["image"] = f"{repository}:v{version}"


def _reach_api_server(pod: dict[str, Any], api_name: str) -> None:
    """The Service address that pods otherwise use is dead until kube-proxy has run; a first try in vain costs 30 s."""
    (flanneld,) = pod["containers"]
    flanneld["env"] += [
        {"name": "KUBERNETES_SERVICE_HOST", "value": api_name},
        {"name": "KUBERNETES_SERVICE_PORT", "value": str(API_PORT)},
    ]


def _configure_last(pod: dict[str, Any]) -> None:
    """The CNI configuration, which makes a node Ready, is installed when flanneld has its subnet and not before.

    Upstream's init container installs it at once: the first pods then fail for want of the subnet, and kubelet's next
    try comes a quarter of a minute later.
    """
    (flanneld,) = pod["containers"]
    (install,) = [container for container in pod["initContainers"] if container["name"] == "install-cni"]
    pod["initContainers"].remove(install)
    flanneld["volumeMounts"] += [mount for mount in install["volumeMounts"] if mount not in flanneld["volumeMounts"]]
    command = " ".join(install["command"] + install["args"])
    script = f"until [ -e /run/flannel/subnet.env ]; do sleep 0.2; done; exec {command}"
    flanneld["lifecycle"] = {"postStart": {"exec": {"command": ["/bin/sh", "-c", script]}}}
