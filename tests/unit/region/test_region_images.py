import io
import json
import re
import tarfile
from pathlib import Path

import pytest

from components.addons.flannel.manifest import MANIFEST
from region.build.images import ImagesError, Parts, cluster_images
from region.build.oci import BIND_LOW_PORTS, Folder, Image, LayerFile, Layout, Link, tar
from region.build.toolchain import Toolchain
from region.build.versions import module_version

COREDNS = f"v{module_version('coredns', 'github.com/coredns/coredns')}"
TAGS = {
    **dict.fromkeys(("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy"), "v1.37.2"),
    "coredns/coredns": COREDNS,
    "pause": "3.10.2",
    "etcd": "3.7.0-0",
}


class AnyToolchain(Toolchain):
    def path(self, name: str) -> Path:
        return Path("/toolchain") / name


def images(tags: dict[str, str] = TAGS) -> dict[str, Image]:
    parts = Parts(tools=AnyToolchain(), base={}, busybox={}, firewall={}, pause=Path("/pause"))
    return {f"{image.name}:{image.tag}": image for image in cluster_images(parts, tags)}


def members(layer) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(tar(layer))) as archive:
        return {member.name: member for member in archive}


def test_names_and_tags_are_what_kubeadm_and_flannel_pull():
    assert {
        "kube-apiserver:v1.37.2",
        "kube-proxy:v1.37.2",
        f"coredns/coredns:{COREDNS}",
        "pause:3.10.2",
        "etcd:3.7.0-0",
        "flannel-io/flannel-cni-plugin:v1.9.1-flannel3",
    } <= set(images())


def test_flannels_plugin_knows_the_version_of_cni_that_the_manifest_asks_for():
    (major,) = re.findall(r'"cniVersion": "(\d+)\.', MANIFEST.read_text())
    assert int(module_version("flannel-cni", "github.com/containernetworking/cni").partition(".")[0]) >= int(major)


def test_a_coredns_that_kubeadm_does_not_want_is_refused():
    with pytest.raises(ImagesError, match=r"wants CoreDNS v0\.1"):
        images({**TAGS, "coredns/coredns": "v0.1"})


def test_coredns_is_nobody_and_may_still_bind_port_53():
    coredns = images()[f"coredns/coredns:{COREDNS}"]
    assert coredns.user == "65532:65532"
    binary = coredns.layers[-1]["coredns"]
    assert isinstance(binary, LayerFile)
    assert binary.capability == BIND_LOW_PORTS
    assert len(BIND_LOW_PORTS.encode()) == 20  # struct vfs_cap_data of revision 2


def test_images_share_the_layers_they_have_in_common(tmp_path: Path):
    base = {"etc/passwd": LayerFile(source=b"root:x:0:0::/:\n")}
    layout = Layout(tmp_path)
    for name in ("one", "two"):
        layout.add(Image(name=name, tag="1", layers=[base, {name: LayerFile(source=b"")}], entrypoint=[name]))
    index = json.loads((tmp_path / "index.json").read_text())
    manifests = [
        json.loads((tmp_path / "blobs/sha256" / entry["digest"].removeprefix("sha256:")).read_text())
        for entry in index["manifests"]
    ]
    (first, own), (second, other) = (manifest["layers"] for manifest in manifests)
    assert first == second
    assert own != other
    assert len(list((tmp_path / "blobs/sha256").iterdir())) == 3 + 2 + 2


def test_a_layer_has_folders_first_and_belongs_to_root():
    found = members(
        {
            "usr/bin/tool": LayerFile(source=b"x", capability=BIND_LOW_PORTS),
            "bin": Link(target="usr/bin"),
            "tmp": Folder(mode=0o1777),
        }
    )
    assert list(found) == ["bin", "tmp", "usr", "usr/bin", "usr/bin/tool"]
    assert (found["bin"].linkname, found["tmp"].mode, found["usr/bin/tool"].mode) == ("usr/bin", 0o1777, 0o755)
    assert {(member.uid, member.gid, member.mtime) for member in found.values()} == {(0, 0, 0)}
    assert found["usr/bin/tool"].pax_headers["SCHILY.xattr.security.capability"] == BIND_LOW_PORTS


def test_the_same_files_make_the_same_layer():
    layer = {"a/b": LayerFile(source=b"x"), "a/c": LayerFile(source=b"y")}
    assert tar(layer) == tar(dict(reversed(layer.items())))
