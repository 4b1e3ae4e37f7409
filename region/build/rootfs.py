"""A Debian root filesystem in a folder: made by debootstrap, changed through chroot, no mount outlives the making."""

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from region.build.debian_mirror import SUITE, debian_mirror
from region.errors import ExpectedError

# Its own mount and process namespaces, ended with this thread: killed at any moment, nothing is mounted or running.
_ALONE = ("setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child")
_CHROOT = 'mount -t proc proc "$0/proc" && exec chroot "$0" "$@"'
_ENVIRONMENT = {
    "DEBIAN_FRONTEND": "noninteractive",
    "LC_ALL": "C.UTF-8",
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
}
_PROXIES = ("http_proxy", "https_proxy", "no_proxy")
_NO_SERVICES = "#!/bin/sh\nexit 101\n"


class RootfsError(ExpectedError):
    """A command that builds a root filesystem failed; the message ends with its last lines."""


@dataclass(frozen=True)
class Rootfs:
    """The root filesystem in the folder `path`."""

    path: Path

    @classmethod
    def bootstrap(cls, path: Path) -> "Rootfs":
        """A minimal Debian from the machine's own mirror, ready for `run`: no service starts, names resolve."""
        _check([*_ALONE, "debootstrap", "--variant=minbase", SUITE, str(path), debian_mirror()])
        rootfs = cls(path)
        (path / "etc/resolv.conf").unlink(missing_ok=True)
        (path / "etc/resolv.conf").write_bytes(Path("/etc/resolv.conf").read_bytes())
        (path / "usr/sbin/policy-rc.d").write_text(_NO_SERVICES)
        (path / "usr/sbin/policy-rc.d").chmod(0o755)
        return rootfs

    def run(self, argv: Sequence[str]) -> str:
        """Run inside, with /proc and the machine's proxies, and give back what it printed. Raises RootfsError."""
        proxies = {name: os.environ[name] for name in _PROXIES if name in os.environ}
        return _check([*_ALONE, "sh", "-c", _CHROOT, str(self.path), *argv], _ENVIRONMENT | proxies)

    def install(self, packages: Sequence[str]) -> None:
        unsafe = ("-o", "DPkg::Options::=--force-unsafe-io")
        self.run(["apt-get", *unsafe, "install", "--yes", "--no-install-recommends", *packages])


def _check(argv: Sequence[str], environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, errors="replace", env=environment)
    if done.returncode:
        end = "\n".join((done.stdout + done.stderr).splitlines()[-15:])
        command = " ".join(arg for arg in argv if arg not in _ALONE)
        raise RootfsError(f"`{command}` failed with exit code {done.returncode}:\n{end}")
    return done.stdout
