import hashlib
import re
import tarfile
from pathlib import Path

import pytest

from region.build import debian_repository, etcd_archive, kubernetes_repository, versions
from region.build.deb_package import Package, PackagedFile
from region.build.kubernetes_repository import kubernetes_packages, repository_path
from region.build.toolchain import Toolchain
from region.paths import CHECKOUT

PACKAGING = kubernetes_repository.PACKAGING


class AnyToolchain(Toolchain):
    def path(self, name: str) -> Path:
        return Path("/toolchain") / name


def packages() -> dict[str, Package]:
    return {package.name: package for package in kubernetes_packages(AnyToolchain())}


def test_control_leaves_out_what_is_empty():
    package = Package(name="tool", version="1.2.3-1.1", summary="A tool", files={}, depends="mount")
    assert package.control(7).splitlines() == [
        "Package: tool",
        "Version: 1.2.3-1.1",
        "Architecture: amd64",
        "Maintainer: Kubernetes Authors <dev@kubernetes.io>",
        "Installed-Size: 7",
        "Depends: mount",
        "Section: net",
        "Priority: optional",
        "Homepage: https://kubernetes.io",
        "Description: A tool",
    ]


def test_packages_are_upstreams():
    assert set(packages()) == {"kubelet", "kubeadm", "kubectl", "cri-tools", "kubernetes-cni"}
    assert all(package.version.endswith("-1.1") for package in packages().values())
    assert packages()["kubelet"].version == packages()["kubeadm"].version == packages()["kubectl"].version
    assert packages()["kubelet"].depends == "kubernetes-cni (>= 1.2.0), mount, util-linux"


def test_the_mirror_has_what_nodes_install():
    assert debian_repository.node_packages() == ("jq", "containerd", "iptables")
    listed = re.search(r"^PACKAGES=\((.+)\)$", (CHECKOUT / "scripts/host/prepare-node.sh").read_text(), re.MULTILINE)
    assert listed
    others = {word.strip('"').partition("=")[0] for word in listed[1].split()} - {"${TOOLS[@]}", "${RUNTIME[@]}"}
    assert others == packages().keys()


def test_files_are_where_upstream_has_them():
    files = {path for package in packages().values() for path in package.files}
    assert {
        "/usr/bin/kubelet",
        "/usr/lib/systemd/system/kubelet.service",
        "/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf",
        "/etc/default/kubelet",
        "/usr/bin/crictl",
        "/opt/cni/bin/loopback",
    } <= files
    assert packages()["kubelet"].configuration == ("/etc/default/kubelet",)


def test_binaries_are_executable_and_of_the_toolchain():
    assert packages()["kubeadm"].files["/usr/bin/kubeadm"] == PackagedFile(
        source=Path("/toolchain/kubeadm"), mode=0o755
    )


def test_the_drop_in_hands_the_kubelet_every_argument_in_kubeadms_order():
    text = (PACKAGING / "10-kubeadm.conf").read_text()
    assert "\nExecStart=\nExecStart=/usr/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS" in text
    assert text.rstrip().endswith("$KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS")
    assert "EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env\nEnvironmentFile=-/etc/default/kubelet\n" in text


def test_the_repository_is_the_minor_releases():
    major, minor, _ = versions.module_version("kubernetes", "k8s.io/kubernetes").split(".")
    assert repository_path() == f"kubernetes/core:/stable:/v{major}.{minor}/deb"


def test_versions_come_from_go_mod():
    go_mod = "module x\n\nrequire a.example/tool/sub v4.5.6\nrequire (\n\ta.example/tool v1.2.3 // indirect\n)\n"
    assert versions.required_version(go_mod, "a.example/tool") == "1.2.3"
    assert versions.required_version(go_mod, "a.example/tool/sub") == "4.5.6"
    with pytest.raises(LookupError, match=r"a\.example/other"):
        versions.required_version(go_mod, "a.example/other")


def test_etcds_archive_is_as_githubs(tmp_path: Path):
    tools, folder = tmp_path / "tools", tmp_path / "etcd"
    tools.mkdir()
    folder.mkdir()
    for name in etcd_archive.BINARIES:
        (tools / name).write_text(name)

    class Tools(Toolchain):
        def path(self, name: str) -> Path:
            return tools / name

    etcd_archive.build(folder, Tools())
    stem = f"etcd-{etcd_archive.etcd_version()}-linux-amd64"
    archive = folder / f"{stem}.tar.gz"
    digest, name = (folder / "SHA256SUMS").read_text().split()
    assert (digest, name) == (hashlib.sha256(archive.read_bytes()).hexdigest(), archive.name)
    with tarfile.open(archive) as content:
        assert [(member.name, member.mode) for member in content] == [
            (f"{stem}/{binary}", 0o755) for binary in ("etcd", "etcdctl", "etcdutl")
        ]
