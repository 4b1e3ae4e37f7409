"""The API servers, each asked for itself whether it lives, all the time, from a worker.

Whether they are ready is another thing: while etcd elects another leader, none is.
"""

import json
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.e2e.cluster import Cluster
from tests.full.layout import MASTERS, WORKER, addresses

PROGRAM = Path(__file__).parent / "watch_api_servers.py"
SEEN = "/run/api-servers-seen"
WATCH = f"""
cat >/run/watch_api_servers.py <<'END'
{{program}}
END
rm -f {SEEN}
systemd-run --quiet --unit watch-api-servers --property StandardOutput=append:{SEEN} \\
  python3 /run/watch_api_servers.py {{servers}}
"""


class ApiServers:
    """While it is entered, a worker looks; afterwards `seen` has which masters' API servers lived, and when."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.seen: list[tuple[float, dict[str, bool]]] = []

    def __enter__(self) -> Self:
        known = addresses(self._cluster)
        servers = " ".join(f"{name}={known[name]}" for name in MASTERS)
        started = self._cluster.ssh_script(WORKER, WATCH.format(program=PROGRAM.read_text(), servers=servers))
        assert started.returncode == 0, started.stderr
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._cluster.ssh_script(WORKER, "systemctl stop watch-api-servers")
        lines = self._cluster.ssh(WORKER, f"sudo cat {SEEN}").splitlines()
        self.seen = [(when, answers) for when, answers in map(json.loads, lines)]

    def fewest(self) -> int:
        return min(sum(answers.values()) for _, answers in self.seen)

    def were_away(self) -> set[str]:
        """Who did not answer at one time at least."""
        return {name for _, answers in self.seen for name, lives in answers.items() if not lives}

    def account(self) -> str:
        """When two or more were away."""
        return "\n".join(f"{when:.1f} {answers}" for when, answers in self.seen if sum(answers.values()) < 2)
