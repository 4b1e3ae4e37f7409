"""flannel's manifest as it is applied."""

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from components.addons.flannel.manifest import MANIFEST, flannel_manifest


def manifest(version: str = "0.28.10", pod_cidr: str = "10.244.0.0/16") -> str:
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
    flannel = "ghcr.io/flannel-io/flannel:v0.29.0"
    assert images == ["ghcr.io/flannel-io/flannel-cni-plugin:v1.9.1-flannel3", flannel, flannel]


def test_flanneld_does_not_need_kube_proxy_to_reach_the_api_server():
    flanneld, _ = pod_of(manifest())["containers"]
    environment = {entry["name"]: entry.get("value") for entry in flanneld["env"]}
    assert environment["KUBERNETES_SERVICE_HOST"] == "api.demo.internal"
    assert environment["KUBERNETES_SERVICE_PORT"] == "6443"
    assert "POD_NAME" in environment


def test_a_node_is_ready_when_its_network_is_and_not_before():
    pod = pod_of(manifest())
    assert [container["name"] for container in pod["initContainers"]] == ["install-cni-plugin"]
    flanneld, install = pod["containers"]
    assert (flanneld["name"], install["name"]) == ("kube-flannel", "install-cni")
    assert places(flanneld) == {"/run/flannel", "/etc/kube-flannel/", "/run/xtables.lock"}
    assert places(install) == {"/run/flannel", "/etc/kube-flannel/", "/etc/cni/net.d"}
    assert "args" not in install


def test_nothing_that_is_done_once_configures_a_node():
    """A hook that a kubelet's restart cancels never runs again, and the pod looks well."""
    for container in pod_of(manifest())["containers"]:
        assert "lifecycle" not in container


@pytest.fixture
def installer(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The script of the container, on folders of its own; install-conf copies, as the real one does."""
    _, install = pod_of(manifest())["containers"]
    shell, option, script = install["command"]
    for path in ("/run/flannel", "/etc/kube-flannel", "/etc/cni/net.d", "/opt/bin"):
        (tmp_path / path[1:]).mkdir(parents=True)
        script = script.replace(path, f"{tmp_path}{path}")
    tool = tmp_path / "opt/bin/install-conf"
    tool.write_text('#!/bin/sh\ncp "$1" "$2"\n')
    tool.chmod(0o755)
    (tmp_path / "etc/kube-flannel/cni-conf.json").write_text("{}")
    with subprocess.Popen([shell, option, script]) as running:
        yield running
        running.kill()


def test_the_configuration_waits_for_the_subnet_and_is_put_back_when_it_is_gone(
    installer: subprocess.Popen[bytes], tmp_path: Path
):
    configuration = tmp_path / "etc/cni/net.d/10-flannel.conflist"
    time.sleep(0.5)
    assert not configuration.exists()
    (tmp_path / "run/flannel/subnet.env").touch()
    assert comes(configuration)
    configuration.unlink()
    assert comes(configuration)
    installer.terminate()
    assert installer.wait(timeout=10) == 0, "a pod that ends need not be killed"


def comes(path: Path) -> bool:
    deadline = time.monotonic() + 10
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    return path.exists()


def places(container: dict) -> set[str]:
    return {mount["mountPath"] for mount in container["volumeMounts"]}
