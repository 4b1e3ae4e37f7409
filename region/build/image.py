"""The region's machine image: what Debian 13's cloud image for EC2 has, as a folder that hosts boot from."""

import os
import shutil
from pathlib import Path

from region.build.cache import content_key, made_once
from region.build.rootfs import Rootfs
from region.build.signing import FOLDER as SIGNING_KEY
from region.build.signing import SigningKey, signing_key
from region.paths import CACHE
from region.progress import Progress

SOURCES = Path(__file__).parent
MACHINE = SOURCES / "machine"
"""Files that lie over Debian's: what the cloud image sets, and the properties of a host of the region."""

PACKAGES = (
    *("systemd-sysv", "systemd-timesyncd", "dbus", "libpam-systemd", "cloud-init", "openssh-server", "sudo"),
    *("ca-certificates", "curl", "gnupg", "iproute2", "iputils-ping", "kmod", "less", "netcat-openbsd", "nftables"),
    *("procps", "python3"),
)
MASKED = (
    # Hosts live for an hour: nothing to trim, back up or upgrade, and no apt that takes the lock from an installation.
    *("apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer", "fstrim.timer"),
    # A login over SSH, of which there are many, needs no service manager of its own.
    "user@.service",
    # Addresses and the resolver are the region's; a login is over the network.
    *("systemd-networkd.service", "systemd-networkd.socket", "systemd-networkd-wait-online.service"),
    *("systemd-pstore.service", "getty@tty1.service", "console-getty.service"),
)
_MADE_AT_BOOT = ("etc/ssh/ssh_host_*", "var/lib/dbus/machine-id", "var/log/*.log", "var/log/apt/*")
_OF_THE_BUILD = ("usr/sbin/policy-rc.d", "var/cache/apt/*.bin", "var/cache/apt/archives/*.deb", "var/lib/apt/lists/*_*")


def image_key() -> str:
    code = (SOURCES / "image.py", SOURCES / "rootfs.py", MACHINE)
    return content_key(*code, signing_key().binary)


def folder() -> Path:
    """Where the image is, or will be."""
    return CACHE / "image" / image_key()


def lacking() -> list[str]:
    """What the cache does not hold. (What makes the key may not be installed yet.)"""
    return [] if SIGNING_KEY.exists() and folder().exists() else ["image"]


def build(progress: Progress) -> Path:
    """The image's root folder in the cache, made anew when its sources changed. Raises RootfsError."""

    def make(root: Path) -> None:
        with progress.part("image") as reach:
            rootfs = Rootfs.bootstrap(root)
            reach(0.4)
            rootfs.install(PACKAGES)
            reach(0.95)
            _finish(rootfs, signing_key())

    return made_once(folder(), make)


def _finish(rootfs: Rootfs, key: SigningKey) -> None:
    root = rootfs.path
    for source in (path for path in MACHINE.rglob("*") if path.is_file()):
        target = root / source.relative_to(MACHINE)
        target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        target.chmod(0o755 if os.access(source, os.X_OK) else 0o644)
    for unit in MASKED:
        (root / "etc/systemd/system" / unit).unlink(missing_ok=True)
        (root / "etc/systemd/system" / unit).symlink_to("/dev/null")
    rootfs.run(["systemctl", "enable", "region-cgroups.service"])
    _trust(root, key)
    for pattern in (*_MADE_AT_BOOT, *_OF_THE_BUILD):
        for path in root.glob(pattern):
            path.unlink()
    (root / "etc/apt/sources.list").unlink()
    for empty in ("etc/machine-id", "etc/resolv.conf", "etc/hostname"):
        (root / empty).write_bytes(b"")
        (root / empty).chmod(0o644)


def _trust(root: Path, key: SigningKey) -> None:
    """Inside the region this key is Debian's: it counts wherever the archive's own keyring is named, and by default."""
    with (root / "usr/share/keyrings/debian-archive-keyring.pgp").open("ab") as keyring:
        keyring.write(key.binary)
    (root / "etc/apt/trusted.gpg.d/region.gpg").write_bytes(key.binary)
