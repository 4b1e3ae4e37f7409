"""Birth after birth of one stack's cluster on the same machines: does each succeed, and in what time? `make births`."""

import os
import statistics
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import click
from rich.console import Console
from rich.table import Table

from region import lifecycle
from tests.e2e.cluster import Cluster

SECONDS_PER_BIRTH = 1500


class BirthError(Exception):
    """A birth that did not end well; what `make` printed is on the terminal. The cluster is left as it is."""


@dataclass(frozen=True, kw_only=True)
class Birth:
    """One `make up` on machines that have no cluster: its seconds, and whether the machine had other work to do."""

    seconds: float
    busy: bool


def found_again(cluster: Cluster, *, busy: bool) -> Birth:
    """Wipe the cluster and found another on its machines. Raises BirthError."""
    if cluster.make("reset", CONFIRM=cluster.name).returncode:
        raise BirthError(f"make reset of stack {cluster.stack} failed")
    return found(cluster, busy=busy)


def found(cluster: Cluster, *, busy: bool) -> Birth:
    """Found the stack's cluster, beside other work on every core or not. Raises BirthError."""
    with other_work(os.cpu_count() or 1 if busy else 0):
        begin = time.monotonic()
        try:
            done = cluster.make("up", timeout=SECONDS_PER_BIRTH)
        except subprocess.TimeoutExpired as error:
            raise BirthError(f"make up of stack {cluster.stack} did not end within {SECONDS_PER_BIRTH} s") from error
        seconds = time.monotonic() - begin
    if done.returncode:
        raise BirthError(f"make up of stack {cluster.stack} failed after {seconds:.0f} s")
    return Birth(seconds=seconds, busy=busy)


@contextmanager
def other_work(processes: int) -> Iterator[None]:
    """That many processes that want a core each, for no longer than a birth may take and than this one lives."""
    loop = ["setpriv", "--pdeathsig", "TERM", "timeout", str(SECONDS_PER_BIRTH), "sh", "-c", "while :; do :; done"]
    running = [subprocess.Popen(loop, stdin=subprocess.DEVNULL) for _ in range(processes)]
    try:
        yield
    finally:
        for process in running:
            process.terminate()
            process.wait()


@click.command()
@click.argument("count", type=click.IntRange(1, 200))
@click.option("--stack", default="local", show_default=True, help="The stack whose cluster is founded.")
def main(count: int, stack: str) -> None:
    """Found the stack's cluster COUNT times, every second time beside other work on every core; take it away.

    The first birth makes the machines too. One that fails ends it all with exit code 1 and is left to be looked at.
    """
    if lifecycle.exists():
        raise click.ClickException("there is a region already, and its clusters would be wiped: `make down` first")
    console, cluster = Console(), Cluster(stack=stack)
    births: list[Birth] = []
    for number in range(1, count + 1):
        try:
            birth = found_again(cluster, busy=number % 2 == 0) if births else found(cluster, busy=False)
        except BirthError as error:
            raise click.ClickException(
                f"birth {number} of {count}: {error}. Look at it with `make status`, then `make down`"
            ) from error
        console.print(f"birth {number} of {count}: {birth.seconds:.1f} s{' beside other work' if birth.busy else ''}")
        births.append(birth)
    if cluster.make("down").returncode:
        raise click.ClickException("make down failed; what it printed is above")
    console.print(spread(births))


def spread(births: Sequence[Birth]) -> Table:
    """The figures: the first birth, which made the machines, apart from the others."""
    table = Table("births", "number", "shortest", "median", "longest")
    kinds = {
        "machines included": births[:1],
        "on machines that were there": [birth for birth in births[1:] if not birth.busy],
        "the same, beside other work on every core": [birth for birth in births[1:] if birth.busy],
    }
    for kind, found in kinds.items():
        if seconds := [birth.seconds for birth in found]:
            figures = (min(seconds), statistics.median(seconds), max(seconds))
            table.add_row(kind, str(len(seconds)), *(f"{figure:.1f} s" for figure in figures))
    return table


if __name__ == "__main__":
    main()
