"""The pods' network: flannel's own manifest with this cluster's range of pod addresses, and quicker to start."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from settings.ports import API_PORT

MANIFEST = Path(__file__).parent / "kube-flannel.yaml"

# Nothing tells a shell of a file that goes; the first time is the one that somebody waits for.
KEEP_CONFIGURED = """\
set -e
trap 'exit 0' TERM
until [ -e /run/flannel/subnet.env ]; do sleep 0.2; done
while true; do
  {install}
  while [ -e {configuration} ]; do sleep 2; done
done
"""


@cache
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
    try comes a quarter of a minute later. Here it is an ordinary container, which the kubelet starts whenever it does
    not run and which puts the configuration back when it is gone: no restart, of whatever and whenever, loses it. (A
    hook of flanneld's that is cancelled would never run again.)
    """
    (flanneld,) = pod["containers"]
    (install,) = [container for container in pod["initContainers"] if container["name"] == "install-cni"]
    (run,) = [mount for mount in flanneld["volumeMounts"] if mount["name"] == "run"]
    pod["initContainers"].remove(install)
    pod["containers"].append(install)
    command = [*install["command"], *install.pop("args")]
    script = KEEP_CONFIGURED.format(install=" ".join(command), configuration=command[-1])
    install["command"] = ["/bin/sh", "-c", script]
    install["volumeMounts"].append(run | {"readOnly": True})
