"""flannel's manifest as it is applied."""

import json

import yaml

from components.network_addon import MANIFEST, flannel_manifest


def manifest(version: str = "0.28.9", pod_cidr: str = "10.244.0.0/16") -> str:
    return flannel_manifest(version, pod_cidr, "api.demo.internal")


def of_kind(text: str, kind: str) -> dict:
    (found,) = [item for item in yaml.safe_load_all(text) if item["kind"] == kind]
    return found


def pod_of(text: str) -> dict:
    return of_kind(text, "DaemonSet")["spec"]["template"]["spec"]


def test_all_but_range_and_pod_is_upstreams():
    kinds = ("Namespace", "ClusterRole", "ClusterRoleBinding", "ServiceAccount")
    upstream = MANIFEST.read_text()
    assert [of_kind(manifest(), kind) for kind in kinds] == [of_kind(upstream, kind) for kind in kinds]


def test_pods_get_the_clusters_range():
    data = of_kind(manifest(pod_cidr="10.32.0.0/14"), "ConfigMap")["data"]
    assert json.loads(data["net-conf.json"]) == {
        "Network": "10.32.0.0/14",
        "EnableNFTables": False,
        "Backend": {"Type": "vxlan"},
    }
    assert data["cni-conf.json"] == of_kind(MANIFEST.read_text(), "ConfigMap")["data"]["cni-conf.json"]


def test_version_is_flannels_and_leaves_the_plugins_alone():
    pod = pod_of(manifest(version="0.29.0"))
    images = [container["image"] for container in (*pod["initContainers"], *pod["containers"])]
    assert images == ["ghcr.io/flannel-io/flannel-cni-plugin:v1.9.1-flannel3", "ghcr.io/flannel-io/flannel:v0.29.0"]


def test_flanneld_does_not_need_kube_proxy_to_reach_the_api_server():
    (flanneld,) = pod_of(manifest())["containers"]
    environment = {entry["name"]: entry.get("value") for entry in flanneld["env"]}
    assert environment["KUBERNETES_SERVICE_HOST"] == "api.demo.internal"
    assert environment["KUBERNETES_SERVICE_PORT"] == "6443"
    assert "POD_NAME" in environment


def test_a_node_is_ready_when_its_network_is_and_not_before():
    pod = pod_of(manifest())
    assert [container["name"] for container in pod["initContainers"]] == ["install-cni-plugin"]
    (flanneld,) = pod["containers"]
    assert flanneld["lifecycle"]["postStart"]["exec"]["command"] == [
        "/bin/sh",
        "-c",
        "until [ -e /run/flannel/subnet.env ]; do sleep 0.2; done; exec /opt/bin/install-conf "
        "/etc/kube-flannel/cni-conf.json /etc/cni/net.d/10-flannel.conflist",
    ]
    assert sorted(mount["mountPath"] for mount in flanneld["volumeMounts"]) == [
        "/etc/cni/net.d",
        "/etc/kube-flannel/",
        "/run/flannel",
        "/run/xtables.lock",
    ]
