"""The figures of the default cluster on this machine: `make bench`. Needs a warm cache and no running region."""

import json
import subprocess
import sys
import time
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from region.fabric import cgroups
from region.fabric.cgroups import Cgroup

REGION = (sys.executable, "-m", "region")


def main() -> None:
    """Stand the local stack up, run it again unchanged, take it away; print what each took."""
    console = Console()
    figures: list[tuple[str, str]] = []
    try:
        figures.append(("region start and pulumi up", _timed("up")))
        figures.append(("unchanged pulumi up, refresh included", _timed("exec", "--", *_UNCHANGED)))
        figures.append(("memory of hosts and daemons", f"{_resident_bytes() / 2**30:.2f} GiB"))
        figures.append(("resources", str(_resources())))
    finally:
        figures.append(("make down", _timed("down")))
    table = Table("what", "figure")
    for figure in figures:
        table.add_row(*figure)
    console.print(table)


_UNCHANGED = ("pulumi", "up", "--yes", "--skip-preview", "--stack", "local", "--expect-no-changes")


def _timed(*arguments: str) -> str:
    begin = time.monotonic()
    subprocess.run([*REGION, *arguments], check=True)
    return f"{time.monotonic() - begin:.1f} s"


def _resources() -> int:
    exported: Sequence[str] = ("exec", "--", "pulumi", "stack", "export", "--stack", "local")
    state = subprocess.run([*REGION, *exported], check=True, capture_output=True, text=True).stdout
    return len(json.loads(state)["deployment"]["resources"])


def _resident_bytes() -> int:
    """Anonymous memory of everything the region started."""
    return sum(Cgroup(name).anonymous_memory() for name in cgroups.names())


if __name__ == "__main__":
    main()
