"""The Debian packages that a node needs beyond its image, in a signed archive of their own."""

import re
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from region.build.apt_repository import sign_archive
from region.build.deb_package import repack
from region.build.debian_mirror import SUITE, download
from region.build.signing import SigningKey
from region.paths import CHECKOUT

IMAGE_PACKAGES = ("busybox-static",)
"""For the container images that are made from Debian's binaries."""


def node_packages() -> tuple[str, ...]:
    """What the program installs from Debian on every node; what they depend on comes along."""
    library = (CHECKOUT / "scripts/lib/packages.sh").read_text()
    listed = re.findall(r"^(?:TOOLS|RUNTIME)=\((.*)\)$", library, re.MULTILINE)
    return tuple(" ".join(listed).split())


def build(folder: Path, image: Path, key: SigningKey) -> None:
    """Fill a folder with the archive, as Debian's mirror has the packages today. Raises DebianMirrorError."""
    pool = folder / "pool"
    pool.mkdir()
    with tempfile.TemporaryDirectory(dir=folder, prefix=".") as name, ThreadPoolExecutor(2) as workers:
        fetched = download((*node_packages(), *IMAGE_PACKAGES), image, Path(name))
        list(workers.map(lambda package: repack(package, pool), fetched))
    sign_archive(folder, SUITE, key)
