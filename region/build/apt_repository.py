"""Signed apt repositories, in the two shapes there are: an archive with suites and components, and a flat one."""

import gzip
import subprocess
from collections.abc import Mapping
from pathlib import Path

from region.build.signing import SigningKey

_DESCRIPTION = {"Origin": "Debian", "Label": "Debian"}


def sign_archive(root: Path, suite: str, key: SigningKey) -> None:
    """Index the packages below `root/pool` as component `main` of a suite, under `root/dists`."""
    dist = root / "dists" / suite
    _write_index(root, "pool", dist / "main/binary-amd64")
    fields = {"Suite": "stable", "Codename": suite, "Components": "main", "Architectures": "amd64", **_DESCRIPTION}
    _sign(dist, fields, key)


def sign_flat(root: Path, label: str, key: SigningKey) -> None:
    """Index the packages below `root` where they are, with the public key beside them. Raises CalledProcessError."""
    _write_index(root, ".", root)
    _sign(root, {"Origin": label, "Label": label, "Architectures": "amd64"}, key)
    (root / "Release.key").write_bytes(key.armored)


def _write_index(root: Path, packages: str, folder: Path) -> None:
    listed = _ftparchive(root, "packages", packages)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "Packages").write_bytes(listed)
    (folder / "Packages.gz").write_bytes(gzip.compress(listed, mtime=0))


def _sign(folder: Path, fields: Mapping[str, str], key: SigningKey) -> None:
    options = [f"--option=APT::FTPArchive::Release::{name}={value}" for name, value in fields.items()]
    release = _ftparchive(folder, *options, "release", ".")
    (folder / "Release").write_bytes(release)
    key.sign(folder / "Release")


def _ftparchive(folder: Path, *arguments: str) -> bytes:
    return subprocess.run(["apt-ftparchive", *arguments], cwd=folder, check=True, stdout=subprocess.PIPE).stdout
