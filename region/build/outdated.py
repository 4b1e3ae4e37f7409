"""Which pins are behind what can be had now: `python -m region.build.outdated`, which `make outdated` calls."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import click
from packaging.version import InvalidVersion, Version
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from region.build.pins import Pin, Registry, pins

SECONDS = 60
PARALLEL = 4


class NoAnswerError(Exception):
    """A registry did not say which versions there are; the message is the last it said."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A pin and the newest releases of it; `trouble` says why they are not known."""

    pin: Pin
    newest_of_minor: str = ""
    newest: str = ""
    trouble: str = ""

    @property
    def behind(self) -> bool:
        return bool(self.newest) and not self.pin.held and Version(self.newest) > Version(self.pin.version)

    @property
    def verdict(self) -> str:
        if self.trouble:
            return f"no answer: {self.trouble}"
        if self.pin.held:
            return f"held: {self.pin.held}"
        return "behind" if self.behind else "current"


def find(pin: Pin, listed: Iterable[str]) -> Finding:
    """Compare a pin with the versions that a registry lists, which may leave out the pinned one."""
    pinned = Version(pin.version)
    candidates = {pinned, *_releases(listed)}
    same_minor = (version for version in candidates if version.release[:2] == pinned.release[:2])
    return Finding(pin=pin, newest_of_minor=str(max(same_minor)), newest=str(max(candidates)))


def _releases(listed: Iterable[str]) -> Iterable[Version]:
    for text in listed:
        try:
            version = Version(text)
        except InvalidVersion:
            continue
        if not version.is_prerelease:
            yield version


def _listed(registry: Registry, name: str) -> list[str]:
    """The versions that a registry lists under a name. Raises NoAnswerError."""
    if registry is Registry.GO:
        found = _ask(["go", "list", "-m", "-versions", name]).split()[1:]
    else:
        answer = _ask([sys.executable, "-m", "pip", "index", "versions", name])
        found = answer.partition("Available versions:")[2].partition("\n")[0].replace(",", " ").split()
    if not found:
        raise NoAnswerError("it lists no version")
    return found


def _ask(argv: Sequence[str]) -> str:
    with tempfile.TemporaryDirectory(prefix="kubeadm-aws-") as folder:
        # A module without requirements: those of a tool would leave versions out of the list.
        (Path(folder) / "go.mod").write_text("module outdated\n")
        environment = {**os.environ, "GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local", "GOWORK": "off"}
        try:
            done = subprocess.run(
                argv, cwd=folder, env=environment, capture_output=True, text=True, timeout=SECONDS, check=True
            )
        except subprocess.TimeoutExpired as error:
            raise NoAnswerError(f"nothing in {SECONDS} s") from error
        except subprocess.CalledProcessError as error:
            raise NoAnswerError((error.stderr.strip().splitlines() or ["no reason given"])[-1].strip()) from error
        except OSError as error:
            raise NoAnswerError(str(error)) from error
    return done.stdout


def _look_up(pin: Pin) -> Finding:
    try:
        return find(pin, _listed(pin.registry, pin.name))
    except NoAnswerError as error:
        return Finding(pin=pin, trouble=str(error))


def table(findings: Iterable[Finding]) -> Table:
    """One row for each pin; those that are behind stand out."""
    rows = Table(Column("what", overflow="fold"), "where", "pinned", "of its minor", "newest", "")
    for one in findings:
        style = "bold" if one.behind else None
        cells = (one.pin.name, one.pin.where, one.pin.version, one.newest_of_minor, one.newest, one.verdict)
        rows.add_row(*map(Text, cells), style=style)
    return rows


@click.command()
def main() -> None:
    """List the direct pins of the toolchain and of the program, and what can be had now.

    The registries are asked by name, through go and pip; pre-releases do not count, and a version that a registry gives
    without listing it is not known of. Exit code 0 when every pin is current or held, for the reason in its row; 1 when
    one is behind, or its registry did not answer.
    """
    with ThreadPoolExecutor(PARALLEL) as pool:
        findings = list(pool.map(_look_up, pins()))
    Console(width=None if sys.stdout.isatty() else 160).print(table(findings))
    if any(one.behind or one.trouble for one in findings):
        sys.exit(1)


if __name__ == "__main__":
    main(prog_name="python -m region.build.outdated")
