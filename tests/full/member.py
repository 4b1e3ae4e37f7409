"""One etcd member of a living cluster, to be put into trouble: the real text of its step, run on its real host."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.e2e.cluster import Cluster
from tests.full.layout import DEDICATED, STATIC_PODS

SECONDS_UNTIL_HEALTHY = 60
SECONDS_UNTIL_TOLD = 60
"""A quorum that cannot come would be waited for five minutes."""

STOP_UNIT = "systemctl stop etcd"
# In this order: the kubelet starts again whatever stops by itself.
STOP_POD = "systemctl stop kubelet; crictl ps --quiet --name '^etcd$' | xargs --no-run-if-empty crictl stop >/dev/null"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a run of the step ended; `said` is all that it printed."""

    code: int
    said: str
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Member:
    """`text` is the step's; `written` are the ConfigMaps that the API server has acknowledged."""

    cluster: Cluster
    name: str
    text: str
    written: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, cluster: Cluster, name: str) -> "Member":
        assert cluster.stack in DEDICATED
        return cls(cluster=cluster, name=name, text=cluster.step_text(f"{cluster.name}-etcd-{name}"))

    @property
    def pki(self) -> str:
        return "/etc/kubernetes/pki/etcd" if self.cluster.stack in STATIC_PODS else "/etc/etcd/pki"

    @property
    def stop(self) -> str:
        """A script that ends etcd on the host, and who would start it again."""
        return STOP_POD if self.cluster.stack in STATIC_PODS else STOP_UNIT

    def run(self, text: str) -> Outcome:
        """Run the step, or a variant of it, as `pulumi up` would."""
        begin = time.monotonic()
        done = self.cluster.ssh_script(self.name, text)
        seconds = time.monotonic() - begin
        return Outcome(code=done.returncode, said=done.stdout + done.stderr, seconds=seconds)

    def script(self, script: str) -> None:
        """Run a script as root on the host."""
        done = self.cluster.ssh_script(self.name, f"set -euo pipefail\n{script}\n")
        assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"

    def write(self, name: str) -> None:
        """Have an object of this name in the cluster."""
        self.cluster.write(name)
        self.written.append(name)

    @contextmanager
    def trouble(self, name: str, *, provoke: str = "", undo: str = "") -> Iterator[None]:
        """The host after the script `provoke`, until the script `undo`; then the member's own step heals the rest.

        Nothing that was written before or meanwhile may be lost.
        """
        self.write(f"before-{name}")
        try:
            self.script(provoke)
            self.write(f"during-{name}")
            yield
        finally:
            self.script(undo)
            self._heal()

    def assert_told_soon(self, text: str, *cause: str) -> None:
        """The step fails before anybody loses patience, says so in one sentence, and all of `cause` is in its words."""
        outcome = self.run(text)
        print(f"told after {outcome.seconds:.1f} s:\n{outcome.said}")
        assert outcome.code == 1
        assert outcome.seconds < SECONDS_UNTIL_TOLD
        assert outcome.said.count("FAILED: ") == 1
        for words in cause:
            assert words in outcome.said

    def _heal(self) -> None:
        healed = self.run(self.text)
        assert healed.code == 0, healed.said
        deadline = time.monotonic() + SECONDS_UNTIL_HEALTHY
        while (asked := self._ask_for_health()).returncode:
            assert time.monotonic() < deadline, asked.stdout
            time.sleep(1)
        kept = {one["metadata"]["name"] for one in self.cluster.get("configmaps", "-n", "default")}
        assert set(self.written) <= kept
        hashes = self.cluster.member_hashes()
        assert len(hashes) == 3
        assert len(set(hashes)) == 1

    def _ask_for_health(self) -> subprocess.CompletedProcess[str]:
        return self.cluster.ssh_script(self.name, "etcd-health")
