"""The Kubernetes packages as pkgs.k8s.io has them, in a flat signed repository.

Names, files, units and dependencies follow the templates of kubernetes/release (cmd/krel/templates/latest).
"""

from pathlib import Path

from region.build.apt_repository import sign_flat
from region.build.deb_package import Package, PackagedFile
from region.build.signing import SigningKey
from region.build.toolchain import Toolchain
from region.build.versions import module_version

PACKAGING = Path(__file__).parent / "packaging"
CNI_PLUGINS = ("bandwidth", "bridge", "host-local", "loopback", "portmap")
_REVISION = "1.1"  # what upstream calls the first build of a release
_EMPTY = PackagedFile(source="")


def repository_path() -> str:
    """Where upstream keeps the repository of this minor release, below its host."""
    major, minor, _ = module_version("kubernetes", "k8s.io/kubernetes").split(".")
    return f"kubernetes/core:/stable:/v{major}.{minor}/deb"


def build(folder: Path, tools: Toolchain, key: SigningKey) -> None:
    """Fill a folder with the repository. Raises CalledProcessError."""
    packages = folder / "amd64"
    packages.mkdir()
    for package in kubernetes_packages(tools):
        package.build(packages)
    sign_flat(folder, "obs://build.opensuse.org/isv:kubernetes:core:stable/deb", key)


def kubernetes_packages(tools: Toolchain) -> tuple[Package, ...]:
    kubernetes = f"{module_version('kubernetes', 'k8s.io/kubernetes')}-{_REVISION}"
    cni = f"{module_version('cni', 'github.com/containernetworking/plugins')}-{_REVISION}"
    cri_tools = f"{module_version('crictl', 'sigs.k8s.io/cri-tools')}-{_REVISION}"

    def binary(name: str) -> PackagedFile:
        return PackagedFile(source=tools.path(name), mode=0o755)

    return (
        Package(
            name="kubelet",
            version=kubernetes,
            summary="Node agent for Kubernetes clusters",
            depends="kubernetes-cni (>= 1.2.0), mount, util-linux",
            recommends="iptables (>= 1.8.4)",
            files={
                "/usr/bin/kubelet": binary("kubelet"),
                "/usr/lib/systemd/system/kubelet.service": PackagedFile(
                    source=PACKAGING / "kubelet.service", mode=0o600
                ),
                "/etc/default/kubelet": PackagedFile(source="KUBELET_EXTRA_ARGS=\n"),
                "/var/lib/kubelet/.kubelet-keep": _EMPTY,
                "/etc/kubernetes/manifests/.kubelet-keep": _EMPTY,
            },
            configuration=("/etc/default/kubelet",),
            unit="kubelet.service",
        ),
        Package(
            name="kubeadm",
            version=kubernetes,
            section="admin",
            summary="Command-line utility for administering a Kubernetes cluster",
            files={
                "/usr/bin/kubeadm": binary("kubeadm"),
                "/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf": PackagedFile(
                    source=PACKAGING / "10-kubeadm.conf"
                ),
            },
        ),
        Package(
            name="kubectl",
            version=kubernetes,
            section="admin",
            summary="Command-line utility for interacting with a Kubernetes cluster",
            files={"/usr/bin/kubectl": binary("kubectl")},
        ),
        Package(
            name="cri-tools",
            version=cri_tools,
            section="admin",
            summary="Command-line utility for interacting with a container runtime",
            files={"/usr/bin/crictl": binary("crictl")},
        ),
        Package(
            name="kubernetes-cni",
            version=cni,
            summary="Binaries required to provision kubernetes container networking",
            files={
                **{f"/opt/cni/bin/{name}": binary(name) for name in CNI_PLUGINS},
                "/etc/cni/net.d/.kubernetes-cni-keep": _EMPTY,
            },
        ),
    )
