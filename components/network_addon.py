"""The pods' network: flannel's own manifest with this cluster's range of pod addresses."""

import json
from pathlib import Path

import yaml

MANIFEST = Path(__file__).parent.parent / "manifests" / "flannel.yaml"


def flannel_manifest(version: str, pod_cidr: str) -> str:
    """flannel's manifest as upstream publishes it, for `pod_cidr`, with flanneld `version` (no leading v)."""
    objects = list(yaml.safe_load_all(MANIFEST.read_text()))
    for item in objects:
        if item["kind"] == "ConfigMap":
            network = json.loads(item["data"]["net-conf.json"])
            item["data"]["net-conf.json"] = json.dumps(network | {"Network": pod_cidr}, indent=2) + "\n"
        if item["kind"] == "DaemonSet":
            pod = item["spec"]["template"]["spec"]
            for container in [*pod["initContainers"], *pod["containers"]]:
                repository, _, _ = container["image"].partition(":")
                if repository.endswith("/flannel"):
                    container["image"] = f"{repository}:v{version}"
    return yaml.safe_dump_all(objects, sort_keys=False)
