"""What a region may leave on the machine it runs on, counted so that before and after can be compared."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from region.fabric.cgroups import PARENT, hierarchies
from region.paths import RUN, STATE


@dataclass(frozen=True, kw_only=True)
class Traces:
    """Everything that must be the same after `down` as it was before `up`."""

    mounts: frozenset[str]
    namespaces: frozenset[str]
    links: frozenset[str]
    cgroups: frozenset[str]
    files: frozenset[str]

    @classmethod
    def now(cls) -> "Traces":
        mounts = {line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()}
        namespaces = {path.name for path in Path("/run/netns").glob("*")}
        links = {link["ifname"] for link in json.loads(_output("ip", "-json", "link"))}
        cgroups = {str(path) for hierarchy in hierarchies() for path in hierarchy.glob(f"{PARENT}*")}
        return cls(
            mounts=frozenset(mounts),
            namespaces=frozenset(namespaces),
            links=frozenset(links),
            cgroups=frozenset(cgroups),
            files=frozenset(str(path) for path in (STATE, RUN) if path.exists()),
        )


def _output(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
