"""Container images as OCI layouts, written by hand: a layer is a sorted tar of the files it is told of."""

import hashlib
import io
import json
import subprocess
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_ROOT = {"uid": 0, "gid": 0, "uname": "root", "gname": "root", "mtime": 0}
# struct vfs_cap_data, revision 2, effective bit set, permitted = CAP_NET_BIND_SERVICE (bit 10), as in capability.h.
BIND_LOW_PORTS = "\x01\x00\x00\x02\x00\x04" + "\x00" * 14


@dataclass(frozen=True, kw_only=True)
class LayerFile:
    """A file of a layer: a path to copy it from, or its bytes."""

    source: Path | bytes
    mode: int = 0o755
    capability: str | None = None


@dataclass(frozen=True, kw_only=True)
class Link:
    """A symbolic link of a layer."""

    target: str


@dataclass(frozen=True, kw_only=True)
class Folder:
    """An empty folder of a layer."""

    mode: int = 0o755


Layer = Mapping[str, LayerFile | Link | Folder]
"""What a layer holds, keyed by the path in the container without its first slash."""


@dataclass(frozen=True, kw_only=True)
class Image:
    """An image by its name without a registry, its layers in order, and how it is run."""

    name: str
    tag: str
    layers: Sequence[Layer]
    entrypoint: Sequence[str]
    user: str = ""


@dataclass(frozen=True, kw_only=True)
class Blob:
    media_type: str
    digest: str
    size: int

    def descriptor(self) -> dict[str, str | int]:
        return {"mediaType": self.media_type, "digest": self.digest, "size": self.size}


class Layout:
    """An OCI image layout in a folder, in which images share the layers they have in common."""

    def __init__(self, folder: Path) -> None:
        self._blobs = folder / "blobs/sha256"
        self._blobs.mkdir(parents=True)
        self._index = folder / "index.json"
        self._manifests: list[dict[str, object]] = []
        self._layers: dict[int, tuple[str, Blob]] = {}
        (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')

    def add(self, image: Image) -> str:
        """Write an image and give back the reference by which the layout knows it."""
        layers = [self._layer(layer) for layer in image.layers]
        run = {"Entrypoint": list(image.entrypoint), "User": image.user, "Env": [_PATH]}
        config = {
            "architecture": "amd64",
            "os": "linux",
            "config": run,
            "rootfs": {"type": "layers", "diff_ids": [identity for identity, _ in layers]},
        }
        manifest = {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": self._document("application/vnd.oci.image.config.v1+json", config).descriptor(),
            "layers": [blob.descriptor() for _, blob in layers],
        }
        reference = f"{image.name}:{image.tag}".replace("/", "-").replace(":", "-")
        blob = self._document("application/vnd.oci.image.manifest.v1+json", manifest)
        named = {"annotations": {"org.opencontainers.image.ref.name": reference}}
        self._manifests.append({**blob.descriptor(), **named})
        self._index.write_text(json.dumps({"schemaVersion": 2, "manifests": self._manifests}))
        return reference

    def _layer(self, layer: Layer) -> tuple[str, Blob]:
        """The layer's identity (of its tar) and its blob; one that another image has too is written once."""
        if id(layer) not in self._layers:
            archive = tar(layer)
            # zstd's lowest level unpacks four times as fast as gzip: six hosts unpack these on two cores.
            packed = subprocess.run(
                ["zstd", "-1", "-q", "-c"], input=archive, stdout=subprocess.PIPE, check=True
            ).stdout
            self._layers[id(layer)] = (
                _digest(archive),
                self._blob("application/vnd.oci.image.layer.v1.tar+zstd", packed),
            )
        return self._layers[id(layer)]

    def _document(self, media_type: str, document: object) -> Blob:
        return self._blob(media_type, json.dumps(document, sort_keys=True).encode())

    def _blob(self, media_type: str, content: bytes) -> Blob:
        digest = _digest(content)
        (self._blobs / digest.removeprefix("sha256:")).write_bytes(content)
        return Blob(media_type=media_type, digest=digest, size=len(content))


_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def tar(layer: Layer) -> bytes:
    """The layer as a tar: folders before what is in them, everything root's, no times."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        written: set[str] = set()
        for path, entry in sorted(layer.items()):
            for parent in reversed(Path(path).parents[:-1]):
                if str(parent) not in written and str(parent) not in layer:
                    written.add(str(parent))
                    archive.addfile(_member(str(parent), tarfile.DIRTYPE, 0o755))
            _add(archive, path, entry)
    return buffer.getvalue()


def _add(archive: tarfile.TarFile, path: str, entry: LayerFile | Link | Folder) -> None:
    match entry:
        case Folder():
            archive.addfile(_member(path, tarfile.DIRTYPE, entry.mode))
        case Link():
            member = _member(path, tarfile.SYMTYPE, 0o777)
            member.linkname = entry.target
            archive.addfile(member)
        case LayerFile():
            member = _member(path, tarfile.REGTYPE, entry.mode)
            content = entry.source.read_bytes() if isinstance(entry.source, Path) else entry.source
            member.size = len(content)
            if entry.capability:
                member.pax_headers = {"SCHILY.xattr.security.capability": entry.capability}
            archive.addfile(member, io.BytesIO(content))


def _member(path: str, kind: bytes, mode: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(path)
    member.type, member.mode = kind, mode
    for name, value in _ROOT.items():
        setattr(member, name, value)
    return member


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
