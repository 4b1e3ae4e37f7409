"""The Debian packages the region's own machine needs, installed without starting a single service."""

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from region.errors import ExpectedError
from region.progress import Progress

PACKAGES = (
    *("debootstrap", "systemd-container", "haproxy", "dnsmasq-base", "nginx-light", "docker-registry", "nftables"),
    *("iproute2", "procps", "skopeo", "shellcheck", "shfmt", "apt-utils", "binutils", "gnupg"),
    *("jq", "openssh-client", "openssl", "curl", "zstd", "xz-utils", "gcc", "libc6-dev"),
)
POLICY = Path("/usr/sbin/policy-rc.d")

# It says no only while its maker lives: one that was killed leaves a policy behind that changes nothing.
_POLICY_TEXT = (
    "#!/bin/sh\n# kubeadm-aws: installs packages without starting services.\nkill -0 {pid} && exit 101\nexit 0\n"
)


class PackagesError(ExpectedError):
    """What the machine lacks cannot be installed; the message says why and what to do."""


def missing(wanted: Sequence[str] = PACKAGES) -> list[str]:
    """Those that are not installed, in order."""
    form = "${Package} ${db:Status-Status}\\n"
    try:
        listed = subprocess.run(
            ["dpkg-query", "--show", f"--showformat={form}", *wanted], capture_output=True, text=True
        )
    except FileNotFoundError as error:
        raise PackagesError("dpkg-query is not there: the region runs on Debian and Ubuntu only") from error
    return not_installed(wanted, listed.stdout)


def not_installed(wanted: Sequence[str], listed: str) -> list[str]:
    """Out of `package status` lines."""
    installed = {line.split()[0] for line in listed.splitlines() if line.endswith(" installed")}
    return [package for package in wanted if package not in installed]


def lacking() -> list[str]:
    """What `install` will do, by its name in the progress."""
    return ["packages"] if missing() else []


def install(progress: Progress) -> None:
    """Install what is missing; apt's lists are fetched only then. Raises PackagesError with apt's last lines."""
    wanted = missing()
    if not wanted:
        return
    command = f"apt-get install --no-install-recommends {' '.join(wanted)}"
    if os.geteuid() != 0:
        raise PackagesError(f"packages are missing and only root may install them: {command}")
    progress(f"packages: installing {' '.join(wanted)}")
    with progress.part("packages"), no_services():
        _apt(["update"])
        _apt(["install", "--yes", "--no-install-recommends", *wanted])
    if wanted := missing():
        raise PackagesError(f"apt-get says it succeeded, yet these are not installed: {' '.join(wanted)}")


@contextmanager
def no_services() -> Iterator[None]:
    if POLICY.exists() and "kubeadm-aws" not in POLICY.read_text():
        yield  # The machine has a policy of its own.
        return
    POLICY.write_text(_POLICY_TEXT.format(pid=os.getpid()))
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink(missing_ok=True)


def _apt(argv: Sequence[str]) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    apt = ["apt-get", "--quiet", "--option=DPkg::Lock::Timeout=300", *argv]
    done = subprocess.run(apt, capture_output=True, text=True, errors="replace", env=environment)
    if done.returncode:
        end = "\n".join((done.stdout + done.stderr).splitlines()[-15:])
        raise PackagesError(f"`{' '.join(apt)}` failed with exit code {done.returncode}:\n{end}")
