"""Children that outlive whoever started them: each in a control group of its own, found and ended by that alone."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from region.errors import ExpectedError
from region.fabric import cgroups
from region.fabric.cgroups import Cgroup, Limits
from region.paths import CHECKOUT, LOGS

# In its control groups before it forks away, so that what has been started is alive when `start` returns.
_ENTER = 'while [ "$1" != -- ]; do echo 0 >"$1/cgroup.procs" || exit 1; shift; done; shift; exec setsid --fork "$@"'


class ProcessError(ExpectedError):
    """A process could not be started; the message ends with what its log says."""


@dataclass(frozen=True, kw_only=True)
class Process:
    """One detached command: own session, own control group in every hierarchy, its output in a file."""

    name: str
    argv: Sequence[str]
    netns: str | None = None
    """A named network namespace to run in; None is the machine's own."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Added to the starter's own."""
    limits: Limits | None = None
    output: Path | None = None
    """Where stdout and stderr are appended; None is `STATE/logs/<name>.log`."""

    @property
    def cgroup(self) -> Cgroup:
        return Cgroup(self.name)

    @property
    def log(self) -> Path:
        return self.output or LOGS / f"{self.name}.log"

    def start(self) -> None:
        """Start it if it does not run; that a command ends at once is no error. Raises ProcessError, CgroupError."""
        if self.running():
            return
        self.cgroup.create(self.limits)
        enter = ["sh", "-c", _ENTER, "sh", *map(str, self.cgroup.paths()), "--"]
        join = ["nsenter", f"--net=/run/netns/{self.netns}", "--"] if self.netns else []
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            done = subprocess.run(
                [*enter, *join, *self.argv],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **self.environment},
                cwd=CHECKOUT,
                start_new_session=True,
            )
        if done.returncode:
            last = self.log.read_text(errors="replace").splitlines()[-3:]
            raise ProcessError(f"{self.name} could not be started (`{' '.join(self.argv)}`): " + "\n".join(last))

    def running(self) -> bool:
        return self.cgroup.alive()

    def stop(self, timeout: float = 10) -> None:
        """SIGTERM to all of it, SIGKILL after `timeout` seconds, then the control groups go. Raises CgroupError."""
        self.cgroup.end(timeout)


def running_names() -> set[str]:
    """Names of everything of the region that has a process now."""
    return {name for name in cgroups.names() if Cgroup(name).alive()}
