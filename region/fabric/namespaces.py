"""The region's network namespaces, all called `ka-…`, and the one outside every VPC."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from region.errors import ExpectedError

DIRECTORY = Path("/run/netns")
PREFIX = "ka-"
INTERNET = "ka-internet"
"""Where the operator, the AWS API and the mirror live. It has no link but those to the VPCs' routers."""

GATEWAY_ADDRESS = "198.51.100.1"
"""The next hop of every VPC's router."""
OPERATOR_ADDRESS = "198.51.100.2"
API_ADDRESS = "198.51.100.10"
API_PORT = 4566
MIRROR_ADDRESS = "198.51.100.20"


class NamespaceError(ExpectedError):
    """A command in a network namespace failed; the message has the command and what it said."""


def names() -> set[str]:
    """Every network namespace of the region."""
    return {path.name for path in DIRECTORY.glob(f"{PREFIX}*")} if DIRECTORY.is_dir() else set()


def create(name: str) -> None:
    """Make the namespace with its loopback up; one that is there is kept."""
    if not (DIRECTORY / name).exists():
        _run(["ip", "netns", "add", name])
    run_in(name, ["ip", "link", "set", "lo", "up"])


def delete(name: str) -> None:
    """Take the namespace and its links away; processes that are still in it keep it alive unnamed."""
    if (DIRECTORY / name).exists():
        _run(["ip", "netns", "delete", name])


def run_in(name: str, argv: Sequence[str], text: str | None = None) -> str:
    """Run a command in the namespace, `text` on its stdin; give back its stdout. Raises NamespaceError."""
    return _run(["nsenter", f"--net={DIRECTORY / name}", "--", *argv], text)


def set_sysctls(name: str, settings: Mapping[str, str]) -> None:
    run_in(name, ["sysctl", "-q", "-w", *(f"{key}={value}" for key, value in settings.items())])


def create_internet() -> None:
    """Make the namespace outside every VPC with its addresses; it forwards between the VPCs' public addresses only."""
    create(INTERNET)
    commands = [
        f"address replace {address}/32 dev lo"
        for address in (GATEWAY_ADDRESS, OPERATOR_ADDRESS, API_ADDRESS, MIRROR_ADDRESS)
    ]
    run_in(INTERNET, ["ip", "-batch", "-"], "\n".join(commands) + "\n")
    set_sysctls(INTERNET, {"net.ipv4.ip_forward": "1", "net.ipv4.conf.all.rp_filter": "0"})


def _run(argv: Sequence[str], text: str | None = None) -> str:
    done = subprocess.run(argv, input=text, capture_output=True, text=True)
    if done.returncode:
        said = (done.stderr or done.stdout).strip()
        raise NamespaceError(f"`{' '.join(argv)}` failed with exit code {done.returncode}: {said}")
    return done.stdout
