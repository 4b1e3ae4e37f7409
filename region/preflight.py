"""What a machine must have to hold the region: installed where apt can, said all at once where it cannot."""

import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_network
from pathlib import Path

from region import probes
from region.build import packages
from region.errors import ExpectedError
from region.fabric import hosts, kernel
from region.paths import CACHE, STATE
from region.progress import Progress

GIB = 1 << 30
MEMORY_GIB = 8
CACHE_GIB = 8
STATE_GIB = 7
EVICTION_SHARE = 0.15
"""Of a disk: with less than this free, a kubelet evicts pods by default (`imagefs.available` of its evictionHard)."""
GO = (1, 26, 8)
PYTHON = (3, 11)
NETWORKS = (ip_network("198.51.100.0/24"), ip_network("203.0.113.0/24"))
"""Documentation ranges that the region uses for what stands for the internet."""


class PreflightError(ExpectedError):
    """The machine cannot hold the region; the message lists everything that is missing."""


def install_packages(progress: Progress) -> None:
    """Install the Debian packages that are missing. Raises PreflightError."""
    try:
        packages.install(progress)
    except packages.PackagesError as error:
        raise PreflightError(str(error)) from error


def check() -> None:
    """Try everything the region needs of this machine. Raises PreflightError with the complete list."""
    if problems := list(_problems()):
        raise PreflightError("this machine cannot hold the region:\n" + "\n".join(f"- {line}" for line in problems))


def _problems() -> Iterator[str]:
    yield from system_problems(_os_release(Path("/etc/os-release").read_text()), platform.machine())
    yield from version_problems(_go_version(), tuple(sys.version_info[:2]))
    yield from address_problems(_ip("address"), _ip("route"))
    if os.geteuid() != 0:
        yield "you are not root: start it with sudo (namespaces, mounts and control groups need it)"
        return
    idle = not hosts.running()
    if idle:
        yield from memory_problems(Path("/proc/meminfo").read_text())
    CACHE.mkdir(parents=True, exist_ok=True)
    STATE.mkdir(parents=True, exist_ok=True, mode=0o700)
    yield from disk_problems({CACHE: 0 if (CACHE / "mirror").exists() else CACHE_GIB, STATE: STATE_GIB if idle else 0})
    if idle:
        yield from eviction_problems(STATE, STATE_GIB)
    kernel.load_modules()
    yield from probes.namespaces()
    yield from probes.control_groups()
    yield from probes.kernel_features(STATE)
    yield from probes.nspawn(STATE)


def system_problems(release: Mapping[str, str], machine: str) -> Iterator[str]:
    """`release` is /etc/os-release."""
    if not {"debian", "ubuntu"} & {release.get("ID"), *release.get("ID_LIKE", "").split()}:
        yield f"this is {release.get('PRETTY_NAME', 'an unknown system')}: the region runs on Debian and Ubuntu"
    if machine != "x86_64":
        yield f"the processor is {machine}: the region's hosts are x86_64"


def version_problems(go: tuple[int, ...] | None, python: tuple[int, ...]) -> Iterator[str]:
    if go is None:
        yield f"Go is not on PATH: install {_dotted(GO)} or later"
    elif go < GO:
        yield f"Go is {_dotted(go)}: install {_dotted(GO)} or later"
    if python < PYTHON:
        yield f"Python is {_dotted(python)}: install {_dotted(PYTHON)} or later"


def memory_problems(meminfo: str) -> Iterator[str]:
    found = re.search(r"^MemAvailable:\s+(\d+) kB$", meminfo, re.MULTILINE)
    available = int(found[1]) * 1024 / GIB if found else 0
    if available < MEMORY_GIB:
        yield f"{available:.1f} GiB of memory are available: {MEMORY_GIB} GiB are needed"


def disk_problems(needed: Mapping[Path, int]) -> Iterator[str]:
    """`needed`: GiB per existing folder; folders of one filesystem share what it has."""
    filesystems: dict[int, list[Path]] = {}
    for folder in needed:
        filesystems.setdefault(folder.stat().st_dev, []).append(folder)
    for folders in filesystems.values():
        want = sum(needed[folder] for folder in folders)
        free = shutil.disk_usage(folders[0]).free / GIB
        if free < want:
            yield f"{free:.1f} GiB are free on the disk of {' and '.join(map(str, folders))}: {want} GiB are needed"


def eviction_problems(folder: Path, wanted: int) -> Iterator[str]:
    """`wanted`: GiB that the hosts in this folder will take."""
    usage = shutil.disk_usage(folder)
    needed = wanted * GIB + EVICTION_SHARE * usage.total
    if usage.free < needed:
        yield (
            f"{usage.free / GIB:.1f} GiB are free on the disk of {folder}: with less than {needed / GIB:.1f} GiB the "
            f"hosts' kubelets would evict pods, as they do when less than {EVICTION_SHARE:.0%} of a disk is free"
        )


def address_problems(addresses: Iterable[Mapping], routes: Iterable[Mapping]) -> Iterator[str]:
    """Both as `ip -json` prints them."""
    for link in addresses:
        for address in link.get("addr_info", ()):
            if _collides(address["local"]):
                yield f"{address['local']} on {link['ifname']} is in a range the region uses: {_ranges()}"
    for route in routes:
        if route["dst"] != "default" and _collides(route["dst"]):
            yield f"the route to {route['dst']} is in a range the region uses: {_ranges()}"


def _collides(text: str) -> bool:
    network = ip_network(text, strict=False)
    return any(network.version == 4 and network.overlaps(mine) for mine in NETWORKS)


def _ranges() -> str:
    return ", ".join(map(str, NETWORKS))


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _os_release(text: str) -> dict[str, str]:
    pairs = (line.split("=", 1) for line in text.splitlines() if "=" in line)
    return {name: value.strip('"') for name, value in pairs}


def _go_version() -> tuple[int, ...] | None:
    if not shutil.which("go"):
        return None
    said = subprocess.run(["go", "env", "GOVERSION"], capture_output=True, text=True).stdout
    found = re.match(r"go(\d+)\.(\d+)(?:\.(\d+))?", said)
    return tuple(int(number or 0) for number in found.groups()) if found else None


def _ip(what: str) -> list[Mapping]:
    if not shutil.which("ip"):
        return []
    done = subprocess.run(["ip", "-4", "-json", what, "show"], capture_output=True, text=True)
    return json.loads(done.stdout or "[]")
