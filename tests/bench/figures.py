"""The figures of the default cluster on this machine: `make bench`. Needs a warm cache and no running region."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import yaml
from rich.console import Console
from rich.table import Table

from region.fabric import cgroups
from region.fabric.cgroups import Cgroup
from region.paths import CHECKOUT
from tests.e2e.cluster import Cluster

REGION = (sys.executable, "-m", "region")
UP = ("exec", "--", "pulumi", "up", "--yes", "--skip-preview", "--stack", "local")
REPLACE = ("exec", "--", "python", "-m", "operate", "replace", "--yes", "--stack", "local")


def main() -> None:
    """Stand the local stack up, run it again unchanged, change it, take it away; print what each took."""
    console = Console()
    figures: list[tuple[str, str]] = []
    try:
        figures.append(("region start and pulumi up", _timed("up")))
        figures.append(("unchanged pulumi up, refresh included", _timed(*UP, "--expect-no-changes")))
        figures.append(("memory of hosts and daemons", f"{_resident_bytes() / 2**30:.2f} GiB"))
        figures.append(("resources", str(_resources())))
        figures.append(("etcdctl check perf --load s", _etcd()))
        with _another_count() as file:
            figures.append(("add a worker", _timed(*UP, "--config-file", file)))
        figures.append(("remove it, drained", _timed(*UP)))
        figures.append(("replace a master", _timed(*REPLACE, "master-0")))
        figures.append(("replace a worker, drained", _timed(*REPLACE, "worker-0")))
    finally:
        figures.append(("make down", _timed("down")))
    table = Table("what", "figure")
    for figure in figures:
        table.add_row(*figure)
    console.print(table)


@contextmanager
def _another_count() -> Iterator[str]:
    """The path of the stack's settings with a worker more."""
    stack = yaml.safe_load((CHECKOUT / "Pulumi.local.yaml").read_text())
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        yaml.safe_dump({"config": {**stack["config"], "kubeadm-aws:workerCount": 4}}, file)
        file.flush()
        yield file.name


def _timed(*arguments: str) -> str:
    begin = time.monotonic()
    subprocess.run([*REGION, *arguments], check=True)
    return f"{time.monotonic() - begin:.1f} s"


def _etcd() -> str:
    """etcd's own judgement of itself, which one request of more than half a second spoils."""
    try:
        return Cluster().print_etcdctl("check perf --load s").strip().splitlines()[-1]
    except subprocess.CalledProcessError as error:
        return error.output.strip().splitlines()[-1] if error.output else "FAIL"


def _resources() -> int:
    exported: Sequence[str] = ("exec", "--", "pulumi", "stack", "export", "--stack", "local")
    state = subprocess.run([*REGION, *exported], check=True, capture_output=True, text=True).stdout
    return len(json.loads(state)["deployment"]["resources"])


def _resident_bytes() -> int:
    """Anonymous memory of everything the region started."""
    return sum(Cgroup(name).anonymous_memory() for name in cgroups.names())


if __name__ == "__main__":
    main()
