"""The container images of a cluster, from the toolchain's binaries under upstream's names."""

import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from region.build import firewall_tools
from region.build.oci import BIND_LOW_PORTS, Folder, Image, Layer, LayerFile, Layout, Link
from region.build.registry import serve, upload
from region.build.toolchain import Toolchain
from region.build.versions import module_version
from region.errors import ExpectedError
from region.progress import Reach

PAUSE_SOURCE = Path(__file__).parent / "packaging" / "pause.c"
FLANNEL_CNI_PLUGIN = "v1.9.1-flannel3"
_NOBODY = "65532:65532"  # what upstream's distroless images call nonroot


class ImagesError(ExpectedError):
    """The toolchain is of another version than kubeadm wants; the message names both."""


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What images are put together from: layers that several share, and the toolchain."""

    tools: Toolchain
    base: Layer
    busybox: Layer
    firewall: Layer
    pause: Path

    def binary(self, path: str, name: str | None = None, capability: str | None = None) -> Layer:
        """A layer of one tool, at this path in the container."""
        return {path: LayerFile(source=self.tools.path(name or Path(path).name), capability=capability)}


def build(folder: Path, tools: Toolchain, image: Path, pool: Path, reach: Reach) -> None:
    """Fill a folder with a registry's data: every image under its upstream name. Raises ImagesError, RegistryError."""
    with tempfile.TemporaryDirectory(dir=folder, prefix=".") as name:
        scratch = Path(name)
        layout = Layout(scratch / "layout")
        images = tuple(cluster_images(_parts(tools, image, pool, scratch), wanted(tools)))
        with serve(folder) as registry:
            for number, one in enumerate(images, start=1):
                upload(registry, scratch / "layout", layout.add(one), f"{one.name}:{one.tag}")
                reach(number / len(images))


def wanted(tools: Toolchain) -> dict[str, str]:
    """The tag that this kubeadm expects of each image, by the image's name without its registry."""
    version = module_version("kubernetes", "k8s.io/kubernetes")
    argv = [str(tools.path("kubeadm")), "config", "images", "list", f"--kubernetes-version=v{version}"]
    listed = subprocess.run(argv, check=True, capture_output=True, text=True).stdout
    names = (line.strip().partition("/")[2] for line in listed.splitlines() if line.strip())
    return dict(name.rsplit(":", 1) for name in names)


def cluster_images(parts: Parts, tags: dict[str, str]) -> Iterator[Image]:
    """Every image that a cluster pulls."""
    coredns = f"v{module_version('coredns', 'github.com/coredns/coredns')}"
    if tags["coredns/coredns"] != coredns:
        raise ImagesError(
            f"kubeadm wants CoreDNS {tags['coredns/coredns']}, region/build/tools/coredns builds {coredns}"
        )
    for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler"):
        yield _image(name, tags[name], [parts.base, parts.binary(f"usr/local/bin/{name}")])
    tools = [parts.base, parts.busybox, parts.firewall]
    yield _image("kube-proxy", tags["kube-proxy"], [*tools, parts.binary("usr/local/bin/kube-proxy")])
    yield _image(
        "coredns/coredns",
        coredns,
        [parts.base, parts.binary("coredns", capability=BIND_LOW_PORTS)],
        entrypoint="/coredns",
        user=_NOBODY,
    )
    pause: Layer = {"pause": LayerFile(source=parts.pause)}
    yield _image("pause", tags["pause"], [parts.base, pause], entrypoint="/pause", user="65535:65535")
    yield _image(
        "etcd",
        tags["etcd"],
        [parts.base, *(parts.binary(f"usr/local/bin/{name}") for name in ("etcd", "etcdctl", "etcdutl"))],
        entrypoint="/usr/local/bin/etcd",
    )
    flanneld = [parts.binary(f"opt/bin/{name}") for name in ("flanneld", "install-conf")]
    flannel = f"v{module_version('flannel', 'github.com/flannel-io/flannel')}"
    yield _image("flannel-io/flannel", flannel, [*tools, *flanneld], entrypoint="/opt/bin/flanneld")
    plugin = [parts.base, parts.busybox, parts.binary("flannel")]
    yield _image("flannel-io/flannel-cni-plugin", FLANNEL_CNI_PLUGIN, plugin, entrypoint="/flannel")


def _image(name: str, tag: str, layers: Sequence[Layer], entrypoint: str = "", user: str = "") -> Image:
    start = entrypoint or f"/usr/local/bin/{name}"
    return Image(name=name, tag=tag, layers=layers, entrypoint=[start], user=user)


def _parts(tools: Toolchain, image: Path, pool: Path, scratch: Path) -> Parts:
    pause = scratch / "pause"
    flags = ("-Os", "-Wall", "-Werror", "-static", "-s")
    subprocess.run(["gcc", *flags, "-o", str(pause), str(PAUSE_SOURCE)], check=True)
    debian = scratch / "debian"
    (archive,) = pool.glob("busybox-static_*.deb")
    subprocess.run(["dpkg-deb", "--extract", str(archive), str(debian)], check=True)
    return Parts(
        tools=tools,
        base=_base(image),
        busybox=_busybox(debian / "usr/bin/busybox"),
        firewall=firewall_tools.layer(image, pool, debian),
        pause=pause,
    )


def _base(image: Path) -> Layer:
    merged = {name: Link(target=f"usr/{name}") for name in ("bin", "sbin", "lib", "lib64")}
    users = b"root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n"
    groups = b"root:x:0:\nnonroot:x:65532:\n"
    return {
        **merged,
        **{f"usr/{name}": Folder() for name in merged},
        "etc/passwd": LayerFile(source=users, mode=0o644),
        "etc/group": LayerFile(source=groups, mode=0o644),
        "etc/nsswitch.conf": LayerFile(source=b"hosts: files dns\n", mode=0o644),
        "etc/ssl/certs/ca-certificates.crt": LayerFile(source=image / "etc/ssl/certs/ca-certificates.crt", mode=0o644),
        "run": Folder(),
        "tmp": Folder(mode=0o1777),
        "root": Folder(mode=0o700),
        "home/nonroot": Folder(),
    }


def _busybox(busybox: Path) -> Layer:
    listed = subprocess.run([str(busybox), "--list"], check=True, capture_output=True, text=True).stdout
    names = (name for name in listed.split() if name != "busybox")
    return {
        "usr/bin/busybox": LayerFile(source=busybox),
        **{f"usr/bin/{name}": Link(target="busybox") for name in names},
    }
