"""A host's disk: an overlay over the image for its root, and folders of its own for what cannot lie on an overlay."""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from region.paths import STATE

HOSTS = STATE / "hosts"

# A container runtime's own overlays need a plain filesystem below, and etcd's fsync its true price.
BOUND = {"containerd": "/var/lib/containerd", "kubelet": "/var/lib/kubelet", "etcd": "/var/lib/etcd"}


@dataclass(frozen=True)
class DiskFile:
    """A file, root's own."""

    text: str
    mode: int


@dataclass(frozen=True)
class Disk:
    """Everything that is stored of one host; it outlives the host's power."""

    instance_id: str

    @property
    def folder(self) -> Path:
        return HOSTS / self.instance_id

    @property
    def upper(self) -> Path:
        """What the host has written to its root, readable while it runs."""
        return self.folder / "disk" / "upper"

    @property
    def root(self) -> Path:
        """Where the overlay is mounted, in the host's own mount namespace only."""
        return self.folder / "root"

    @property
    def switch(self) -> Path:
        """Is there while the host shall have power: one whose end was begun and not finished is no running host."""
        return self.folder / "powered"

    @property
    def console(self) -> Path:
        return self.folder / "console.log"

    def exists(self) -> bool:
        return (self.folder / "disk").is_dir()

    def create(self, image: Path, files: Mapping[str, DiskFile]) -> None:
        """Make it, all or nothing, with `files` (by their path in the root) on top of the image."""
        self.root.mkdir(parents=True, exist_ok=True)
        new = self.folder / "disk.new"
        if new.exists():
            shutil.rmtree(new)
        for name in ("upper", "work", *BOUND):
            _make_folders(new, name)
        (new / "image").symlink_to(image)
        for path, file in files.items():
            _make_folders(new / "upper", os.path.dirname(path))
            (new / "upper" / path).touch(mode=0o600)
            (new / "upper" / path).write_text(file.text)
            (new / "upper" / path).chmod(file.mode)
        new.rename(self.folder / "disk")

    def overlay_options(self) -> str:
        """The options its root is mounted with."""
        disk = self.folder / "disk"
        return f"lowerdir={(disk / 'image').readlink()},upperdir={self.upper},workdir={disk / 'work'}"

    def binds(self) -> Mapping[Path, str]:
        """Folder on the machine to folder on the host."""
        return {self.folder / "disk" / name: inside for name, inside in BOUND.items()}

    def remove(self) -> None:
        if self.folder.exists():
            shutil.rmtree(self.folder)


def known() -> set[str]:
    """Instance ids of every disk, half-made and half-removed ones too."""
    return {entry.name for entry in HOSTS.iterdir()} if HOSTS.is_dir() else set()


def _make_folders(base: Path, below: str) -> None:
    """Folders of an upper layer hide the image's own: they must let everybody in, whatever the umask."""
    base.mkdir(exist_ok=True)
    base.chmod(0o755)
    for part in Path(below).parts:
        base /= part
        base.mkdir(exist_ok=True)
        base.chmod(0o755)
