"""etcd's release archive with its checksums, as in the folder of a release on GitHub."""

import hashlib
import io
import subprocess
import tarfile
from pathlib import Path

from region.build.toolchain import Toolchain
from region.build.versions import module_version

BINARIES = ("etcd", "etcdctl", "etcdutl")


def etcd_version() -> str:
    return f"v{module_version('etcd', 'go.etcd.io/etcd/server/v3')}"


def build(folder: Path, tools: Toolchain) -> None:
    """Fill a folder with the archive for amd64 and SHA256SUMS."""
    stem = f"etcd-{etcd_version()}-linux-amd64"
    archive = subprocess.run(["gzip", "-1", "-n"], input=_tar(stem, tools), stdout=subprocess.PIPE, check=True).stdout
    (folder / f"{stem}.tar.gz").write_bytes(archive)
    (folder / "SHA256SUMS").write_text(f"{hashlib.sha256(archive).hexdigest()}  {stem}.tar.gz\n")


def _tar(stem: str, tools: Toolchain) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name in BINARIES:
            member = archive.gettarinfo(tools.path(name), f"{stem}/{name}")
            member.uid = member.gid = 0
            member.uname = member.gname = "root"
            member.mode = 0o755
            with tools.path(name).open("rb") as binary:
                archive.addfile(member, binary)
    return buffer.getvalue()
