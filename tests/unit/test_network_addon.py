"""flannel's manifest as it is applied."""

import json

import yaml

from components.network_addon import MANIFEST, flannel_manifest


def of_kind(text: str, kind: str) -> dict:
    (found,) = [item for item in yaml.safe_load_all(text) if item["kind"] == kind]
    return found


def test_only_range_and_version_differ_from_upstream():
    same = list(yaml.safe_load_all(flannel_manifest("0.28.9", "10.244.0.0/16")))
    upstream = list(yaml.safe_load_all(MANIFEST.read_text()))
    for item in (*same, *upstream):
        if item["kind"] == "ConfigMap":
            item["data"]["net-conf.json"] = json.loads(item["data"]["net-conf.json"])
    assert same == upstream


def test_pods_get_the_clusters_range():
    data = of_kind(flannel_manifest("0.28.9", "10.32.0.0/14"), "ConfigMap")["data"]
    assert json.loads(data["net-conf.json"]) == {
        "Network": "10.32.0.0/14",
        "EnableNFTables": False,
        "Backend": {"Type": "vxlan"},
    }


def test_version_is_flannels_and_leaves_the_plugins_alone():
    pod = of_kind(flannel_manifest("0.29.0", "10.244.0.0/16"), "DaemonSet")["spec"]["template"]["spec"]
    images = [container["image"] for container in (*pod["initContainers"], *pod["containers"])]
    assert images == [
        "ghcr.io/flannel-io/flannel-cni-plugin:v1.9.1-flannel3",
        "ghcr.io/flannel-io/flannel:v0.29.0",
        "ghcr.io/flannel-io/flannel:v0.29.0",
    ]
