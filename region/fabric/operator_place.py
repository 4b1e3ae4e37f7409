"""The operator's place: the namespace and the environment in which Pulumi and everything an operator types runs."""

import json
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from region import pulumi_home
from region.build.toolchain import Toolchain
from region.errors import ExpectedError
from region.fabric.namespaces import INTERNET
from region.paths import CHECKOUT, STATE

LOCKS = STATE / "pulumi" / ".pulumi" / "locks"


class CommandError(ExpectedError):
    """A command of the operator's failed; the message ends with what it said."""


@dataclass(frozen=True, kw_only=True)
class OperatorPlace:
    """Runs commands beside the AWS API, outside the VPC, with the region's own Pulumi home."""

    environment: Mapping[str, str]

    @classmethod
    def prepare(cls, real_plugins: Path | None = None) -> "OperatorPlace":
        home = pulumi_home.prepare(STATE / "pulumi-home", Toolchain(), real_plugins=real_plugins)
        return cls(environment={**os.environ, **home})

    def argv(self, command: Sequence[str]) -> list[str]:
        return ["nsenter", f"--net=/run/netns/{INTERNET}", "--", *command]

    def run(self, command: Sequence[str]) -> int:
        """Run in the foreground, on this terminal; give back the exit code.

        Ctrl-C is for the command alone: Pulumi lets what is under way finish, and must not be killed meanwhile.
        """
        process = subprocess.Popen(self.argv(command), env=dict(self.environment), cwd=CHECKOUT)
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            return process.wait()
        finally:
            signal.signal(signal.SIGINT, before)

    def read(self, command: Sequence[str]) -> str:
        """Run and give back what it printed. Raises CommandError with what it complained of."""
        done = subprocess.run(
            self.argv(command), env=dict(self.environment), cwd=CHECKOUT, capture_output=True, text=True
        )
        if done.returncode:
            raise CommandError(f"`{' '.join(command)}` failed with exit code {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    def stacks(self) -> list[str]:
        return [stack["name"] for stack in json.loads(self.read(["pulumi", "stack", "ls", "--json"]))]

    def last_changes(self, stack: str) -> Mapping[str, int]:
        """What the stack's last update did: how many resources per operation, as Pulumi's history tells."""
        history = json.loads(
            self.read(["pulumi", "stack", "history", "--json", "--page-size", "1", "--page", "1", "-s", stack])
        )
        return history[0].get("resourceChanges", {}) if history else {}

    def mend(self) -> None:
        """Take away what a killed `pulumi` left half-written beside its state; nothing while one is alive.

        The state is replaced in one step, but the file of its attributes is not: an empty one stops every command.
        """
        if any(_lives(_holder(lock)) for lock in LOCKS.glob("**/*.json")):
            return
        for file in pulumi_home.BACKEND.rglob("*"):
            if file.suffix == ".tmp" or (file.suffix == ".attrs" and not file.stat().st_size):
                file.unlink()

    def release_dead_locks(self, stack: str) -> bool:
        """A killed `pulumi` leaves its lock behind; take it away when the process that made it is gone.

        Gives whether there was such a lock.
        """
        for lock in LOCKS.glob(f"**/{stack}/*.json"):
            if not _lives(_holder(lock)):
                self.read(["pulumi", "cancel", "--yes", "--stack", stack])
                return True
        return False


def _holder(lock: Path) -> int:
    """The process that made the lock; 0 when it was killed before it could say so."""
    try:
        return int(json.loads(lock.read_text())["pid"])
    except ValueError:
        return 0


def _lives(pid: int) -> bool:
    """Whether the process is there and no zombie: nobody may have waited for one that was killed."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False
