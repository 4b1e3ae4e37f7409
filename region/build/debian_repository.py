"""The Debian packages that a node needs beyond its image, in a signed archive of their own."""

import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from region.build.apt_repository import sign_archive
from region.build.deb_package import repack
from region.build.debian_mirror import SUITE, download
from region.build.signing import SigningKey

NODE_PACKAGES = ("containerd", "iptables", "jq")
"""What scripts/host/prepare-node.sh installs from Debian; what they depend on comes along."""
IMAGE_PACKAGES = ("busybox-static",)
"""For the container images that are made from Debian's binaries."""


def build(folder: Path, image: Path, key: SigningKey) -> None:
    """Fill a folder with the archive, as Debian's mirror has the packages today. Raises DebianMirrorError."""
    pool = folder / "pool"
    pool.mkdir()
    with tempfile.TemporaryDirectory(dir=folder, prefix=".") as name, ThreadPoolExecutor(2) as workers:
        fetched = download((*NODE_PACKAGES, *IMAGE_PACKAGES), image, Path(name))
        list(workers.map(lambda package: repack(package, pool), fetched))
    sign_archive(folder, SUITE, key)
