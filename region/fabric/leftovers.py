"""All of a region that is still on the machine, whoever was killed half-way: looked for, not remembered."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from region.fabric import cgroups, kernel, namespaces
from region.fabric.cgroups import Cgroup
from region.paths import RUN, STATE

SIDE_BY_SIDE = 8


def found() -> list[str]:
    """One line for everything that is left; empty after `remove`."""
    places = [f"folder {folder}" for folder in (RUN, STATE) if folder.exists()]
    return [
        *(f"control group {cgroups.PARENT}/{name}" for name in sorted(cgroups.names())),
        *(f"process {pid} in a network namespace of the region" for pid in sorted(_inhabitants())),
        *(f"mount {path}" for path in _mounts()),
        *(f"network namespace {name}" for name in sorted(namespaces.names())),
        *places,
    ]


def remove() -> None:
    """Take all of it away and put the kernel's settings back; the cache stays. Raises CgroupError, NamespaceError."""
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        list(pool.map(lambda name: Cgroup(name).end(), cgroups.names()))
    cgroups.remove_parent()
    for pid in _inhabitants():
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    for path in _mounts():
        subprocess.run(["umount", "--lazy", str(path)], check=True)
    for name in namespaces.names():
        _remove_links(name)
        namespaces.delete(name)
    kernel.restore()
    for folder in (RUN, STATE):
        if folder.exists():
            shutil.rmtree(folder)


def _inhabitants() -> set[int]:
    """Processes in the region's network namespaces: in no control group of ours is what an operator ran in there."""
    ours = {_inode(namespaces.DIRECTORY / name) for name in namespaces.names()} - {None}
    pids = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return {pid for pid in pids if _inode(Path(f"/proc/{pid}/ns/net")) in ours} - _ancestry()


def _ancestry() -> set[int]:
    """This process and those it descends from: `down` may have been typed in there."""
    pids = {os.getpid()}
    pid = os.getppid()
    while pid > 1:
        pids.add(pid)
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return pids


def _inode(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _mounts() -> list[Path]:
    """Below the region's folders, the last mounted first."""
    points = (unescaped(line.split()[1]) for line in Path("/proc/mounts").read_text().splitlines())
    return [path for path in reversed(list(points)) if STATE in path.parents or RUN in path.parents]


def unescaped(text: str) -> Path:
    """/proc/mounts writes a blank as \\040."""
    return Path(text.encode().decode("unicode_escape"))


def _remove_links(namespace: str) -> None:
    """The kernel ends a namespace without hurry, and until then the other ends of its links are there."""
    with suppress(namespaces.NamespaceError):
        listed = namespaces.run_in(namespace, ["ip", "-brief", "link", "show"])
        for name in link_names(listed):
            with suppress(namespaces.NamespaceError):
                namespaces.run_in(namespace, ["ip", "link", "delete", name])


def link_names(listed: str) -> Iterator[str]:
    """All but the loopback, out of `name@peer STATE …` lines."""
    for line in listed.splitlines():
        if (name := line.split()[0].partition("@")[0]) != "lo":
            yield name
