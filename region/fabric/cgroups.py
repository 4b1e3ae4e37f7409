"""Control groups: every child of the region has one of its own in every hierarchy, to be found, measured and ended by.

Version 1 and version 2 have other names for the same things: nobody else needs to know them.
"""

import contextlib
import errno
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from region.errors import ExpectedError

ROOT = Path("/sys/fs/cgroup")
PARENT = "kubeadm-aws"
PERIOD_MICROSECONDS = 100_000
KILL_SECONDS = 20
BUSY_SECONDS = 0.5
UNBOUNDED_BYTES = 1 << 62
"""Version 1 has no word for "no limit", but a number that no machine has."""


class CgroupError(ExpectedError):
    """A control group cannot be made, or what is in it does not end."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Upper bounds of a control group; None leaves it unbounded."""

    memory_bytes: int | None = None
    cpus: float | None = None


@cache
def hierarchies() -> tuple[Path, ...]:
    """Every mounted hierarchy: each controller's and systemd's (v1), the unified one (v2), systemd's first."""
    return mounted_hierarchies(Path("/proc/mounts").read_text())


def mounted_hierarchies(mounts: str) -> tuple[Path, ...]:
    """Those at the usual places, out of the text of /proc/mounts."""
    lines = (line.split() for line in mounts.splitlines())
    paths = {Path(fields[1]) for fields in lines if fields[2] in ("cgroup", "cgroup2")}
    usual = (path for path in paths if ROOT in (path, path.parent))
    return tuple(sorted(usual, key=lambda path: (path.name != "systemd", path.name)))


@dataclass(frozen=True)
class Cgroup:
    """The control group `kubeadm-aws/<name>` of every hierarchy, as one thing."""

    name: str

    def paths(self) -> tuple[Path, ...]:
        return tuple(hierarchy / PARENT / self.name for hierarchy in hierarchies())

    def create(self, limits: Limits | None = None) -> None:
        """Make it where it is missing and set its limits. Raises CgroupError naming the file that refused."""
        for path in self.paths():
            try:
                for folder in (path.parent, path):
                    folder.mkdir(exist_ok=True)
                    _inherit(folder)
                _limit(path, limits or Limits())
            except OSError as error:
                raise CgroupError(
                    f"control group {path} cannot be made: {error}; it needs root on the machine"
                ) from error

    def pids(self) -> set[int]:
        """Processes in it or below, in any hierarchy; those of nested namespaces too."""
        return set(self._each_pid())

    def alive(self) -> bool:
        return next(self._each_pid(), None) is not None

    def exists(self) -> bool:
        return any(path.exists() for path in self.paths())

    def setting(self, *names: str) -> Path | None:
        """The first of these files that any hierarchy has for it."""
        files = (path / name for path in self.paths() for name in names)
        return next((file for file in files if file.exists()), None)

    def memory_limit(self) -> int | None:
        """The bytes that the kernel holds it to; None without a limit, or without the group."""
        limit = self._bytes("memory.limit_in_bytes", "memory.max")
        return limit if limit is not None and limit < UNBOUNDED_BYTES else None

    def memory_usage(self) -> int | None:
        """The bytes it has now, page cache included; None without the group."""
        return self._bytes("memory.usage_in_bytes", "memory.current")

    def anonymous_memory(self) -> int:
        """The bytes that are its processes' own: the page cache would be given back."""
        stat = self.setting("memory.stat")
        values = dict(line.split() for line in stat.read_text().splitlines()) if stat else {}
        return int(values.get("total_rss", values.get("anon", 0)))

    def signal(self, number: signal.Signals) -> None:
        for pid in self.pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def end(self, timeout: float = 0) -> None:
        """SIGTERM, SIGKILL after `timeout` seconds (0: at once), then it goes. Raises CgroupError for a survivor."""
        if timeout > 0:
            self.signal(signal.SIGTERM)
            self._wait_until_empty(timeout)
        deadline = time.monotonic() + KILL_SECONDS
        while self.exists():
            self._thaw()
            self.signal(signal.SIGKILL)
            # One that was on its way in when its starter was killed may arrive late: then look again.
            if not (self._wait_until_empty(0.2) and self._remove()) and time.monotonic() > deadline:
                raise CgroupError(f"control group {self.name} does not end: processes {sorted(self.pids())} survive")

    def _bytes(self, *names: str) -> int | None:
        file = self.setting(*names)
        text = file.read_text().strip() if file else "max"
        return None if text == "max" else int(text)

    def _each_pid(self) -> Iterator[int]:
        for folder in self._folders():
            try:
                lines = (folder / "cgroup.procs").read_text().split()
            except OSError as error:
                # Gone meanwhile, or a threaded v2 group, whose processes its parent lists.
                if error.errno not in (errno.ENOENT, errno.ENODEV, errno.EOPNOTSUPP):
                    raise
                continue
            yield from (int(line) for line in lines if line != "0")

    def _folders(self, topdown: bool = True) -> Iterator[Path]:
        """Its own and all below, as far as they do not vanish meanwhile."""
        for path in self.paths():
            for folder, _, _ in os.walk(path, topdown):
                yield Path(folder)

    def _wait_until_empty(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while self.alive():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        return True

    def _thaw(self) -> None:
        """A frozen v1 process does not die of SIGKILL; a paused container's is frozen."""
        for state in (folder / "freezer.state" for folder in self._folders()):
            with contextlib.suppress(OSError):
                if state.exists():
                    state.write_text("THAWED")

    def _remove(self) -> bool:
        """Whether every folder of it could be removed, those below first."""
        return all(_remove_folder(folder) for folder in self._folders(topdown=False))


def names() -> set[str]:
    """Every control group of the region, with or without processes."""
    folders = (hierarchy / PARENT for hierarchy in hierarchies())
    return {entry.name for folder in folders if folder.is_dir() for entry in folder.iterdir() if entry.is_dir()}


def remove_parent() -> None:
    """Take away the empty folder that holds the region's control groups. Raises CgroupError when it is not empty."""
    for parent in (hierarchy / PARENT for hierarchy in hierarchies()):
        if not _remove_folder(parent):
            raise CgroupError(f"control group {parent} cannot be removed: something is still in it")


def _inherit(folder: Path) -> None:
    """What the kernel does not hand down: a v1 cpuset's cpus and memory nodes, a v2 group's controllers."""
    for setting in ("cpuset.cpus", "cpuset.mems"):
        above = folder.parent / setting
        if (folder / setting).exists() and above.exists() and not (folder / setting).read_text().strip():
            (folder / setting).write_text(above.read_text())
    switches = folder.parent / "cgroup.subtree_control"
    if switches.exists():
        for controller in (folder.parent / "cgroup.controllers").read_text().split():
            switches.write_text(f"+{controller}")


def _limit(folder: Path, limits: Limits) -> None:
    if limits.memory_bytes is not None:
        for setting in ("memory.limit_in_bytes", "memory.max"):
            _set(folder / setting, str(limits.memory_bytes))
    if limits.cpus is not None:
        quota = round(limits.cpus * PERIOD_MICROSECONDS)
        _set(folder / "cpu.cfs_period_us", str(PERIOD_MICROSECONDS))
        _set(folder / "cpu.cfs_quota_us", str(quota))
        _set(folder / "cpu.max", f"{quota} {PERIOD_MICROSECONDS}")


def _set(setting: Path, value: str) -> None:
    if setting.exists():
        setting.write_text(value)


def _remove_folder(folder: Path) -> bool:
    """Whether it is gone; a control group is busy for a moment after its last process has ended."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            folder.rmdir()
            return True
        except FileNotFoundError:
            return True
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
