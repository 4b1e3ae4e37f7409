"""How long verification waits for nodes, what it mends and what it says: its script, with a cluster that is played."""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from components.host.script import SCRIPTS

NO_NETWORK = "container runtime network not ready: NetworkReady=false cni plugin not initialized"
# Answers are files; FILE.N takes the place of FILE with the N-th question for nodes, nodes.healed with a deleted pod.
KUBECTL = r"""#!/usr/bin/env bash
echo "$*" >>"$FAKE/asked"
case "$*" in
  *"get nodes"*)
    count=$(grep --count "get nodes" "$FAKE/asked")
    [[ ! -e $FAKE/refuses ]] || { echo "connection refused" >&2; exit 1; }
    for kind in nodes pods-worker-0 pods-worker-1; do
      if [[ -e $FAKE/$kind.$count ]]; then mv "$FAKE/$kind.$count" "$FAKE/$kind"; fi
    done
    cat "$FAKE/nodes" ;;
  *"get pods"*) cat "$FAKE/pods-$(sed 's/.*nodeName=\([^ ]*\).*/\1/' <<<"$*")" 2>/dev/null || echo '{"items": []}' ;;
  *"delete pods"*) [[ ! -e $FAKE/nodes.healed ]] || mv "$FAKE/nodes.healed" "$FAKE/nodes" ;;
  *logs*) echo "log of $*" ;;
  *events*) [[ ! -e $FAKE/forgets ]] || exit 1; echo "BackOff: event of $*" ;;
esac
"""


SILENT = "Kubelet stopped posting node status."


def node(name: str, message: str = "") -> dict[str, object]:
    """A Node, Ready unless it has something to say."""
    status = {"": "True", SILENT: "Unknown"}.get(message, "False")
    ready = {"type": "Ready", "status": status, "message": message}
    return {"metadata": {"name": name}, "status": {"conditions": [{"type": "DiskPressure", "status": "False"}, ready]}}


def pod(name: str, *, ready: bool, state: Mapping[str, object] | None = None, restarts: int = 3) -> dict[str, object]:
    status = {
        "name": "main",
        "ready": ready,
        "started": ready,
        "restartCount": restarts,
        "state": state or ({"running": {}} if ready else {"waiting": {"reason": "CrashLoopBackOff"}}),
    }
    metadata = {"namespace": "kube-flannel", "name": name}
    return {"metadata": metadata, "status": {"phase": "Running", "containerStatuses": [status]}}


@dataclass(frozen=True, kw_only=True)
class Played:
    """`folder` has the answers; `patience` is how long, in seconds, nodes may get no further."""

    folder: Path
    patience: int = 1
    nodes: tuple[str, ...] = field(default=("master-0", "worker-0"))

    def answers(self, name: str, *items: dict[str, object]) -> None:
        (self.folder / name).write_text(json.dumps({"items": items}))

    def waits(self) -> subprocess.CompletedProcess[str]:
        script = "\n".join(
            (
                "STEP=verification",
                (SCRIPTS / "lib/common.sh").read_text(),
                f"NETWORK_NAMESPACE=kube-flannel PATIENCE_SECONDS={self.patience}",
                "tell_failures",
                (SCRIPTS / "lib/node-readiness.sh").read_text(),
                f"wait_for_nodes {' '.join(self.nodes)}",
            )
        )
        environment = {"PATH": f"{self.folder}:/usr/bin:/bin", "FAKE": str(self.folder)}
        return subprocess.run(
            ["bash", "-s"], input=script, env=environment, capture_output=True, text=True, timeout=60, check=False
        )

    @property
    def asked(self) -> str:
        return (self.folder / "asked").read_text()


@pytest.fixture
def played(tmp_path: Path) -> Played:
    (tmp_path / "kubectl").write_text(KUBECTL)
    (tmp_path / "kubectl").chmod(0o755)
    return Played(folder=tmp_path)


def test_ready_nodes_are_not_waited_for(played: Played) -> None:
    played.answers("nodes", node("master-0"), node("worker-0"), node("of-somebody-else", "is broken"))
    done = played.waits()
    assert (done.returncode, done.stderr) == (0, "")
    assert played.asked.splitlines() == ["--request-timeout 10s get nodes --output json"]


def test_nodes_are_waited_for_as_long_as_they_get_on(played: Played) -> None:
    """Each time something starts on it: longer in all than anything may stand still."""
    played.answers("nodes", node("master-0"))
    played.answers("nodes.3", node("master-0"), node("worker-0", NO_NETWORK))
    played.answers("pods-worker-0.3", pod("kube-flannel-ds-1", ready=True))
    played.answers("nodes.5", node("master-0"), node("worker-0"))
    patient = Played(folder=played.folder, patience=3)
    done = patient.waits()
    assert done.returncode == 0, done.stderr
    assert "delete" not in played.asked


def test_a_node_without_its_network_gets_the_pod_of_it_anew(played: Played) -> None:
    played.answers("nodes", node("master-0"), node("worker-0", NO_NETWORK))
    played.answers("nodes.healed", node("master-0"), node("worker-0"))
    done = played.waits()
    assert done.returncode == 0, done.stderr
    assert f"worker-0 is not Ready ({NO_NETWORK}): it gets its network's pod anew" in done.stdout
    [deleted] = [line for line in played.asked.splitlines() if "delete" in line]
    assert (
        "--namespace kube-flannel delete pods --field-selector spec.nodeName=worker-0 --grace-period 5 --wait=false"
        in deleted
    )


def test_what_cannot_be_mended_is_named_and_what_is_ready_is_not(played: Played) -> None:
    played.answers("nodes", node("master-0"), node("worker-0", "PLEG is not\nhealthy"))
    played.answers("pods-worker-0", pod("kube-flannel-ds-1", ready=False), pod("kube-proxy-1", ready=True))
    done = played.waits()
    assert done.returncode == 1
    assert "--- worker-0 is not Ready: PLEG is not healthy" in done.stderr
    assert "pod kube-flannel/kube-flannel-ds-1, container main: waiting CrashLoopBackOff , restarted 3" in done.stderr
    assert "logs kube-flannel-ds-1 --container main --tail 8" in done.stderr
    assert "event of" in done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith("FAILED: verification: not Ready and getting no further: worker-0: PLEG is not healthy.")
    for said in ("journalctl --unit kubelet", "pulumi up"):
        assert said in last
    assert "master-0" not in done.stderr
    assert "delete" not in played.asked


def test_a_machine_that_is_silent_is_asked_for_nothing(played: Played) -> None:
    played.answers("nodes", node("master-0"), node("worker-0", SILENT))
    played.answers("pods-worker-0", pod("kube-flannel-ds-1", ready=True))
    done = played.waits()
    assert done.returncode == 1
    assert f"worker-0: {SILENT}" in done.stderr.splitlines()[-1]
    assert "logs" not in played.asked


def test_one_that_gets_on_does_not_hide_one_that_does_not(played: Played) -> None:
    many = Played(folder=played.folder, patience=2, nodes=("worker-0", "worker-1"))
    played.answers("nodes", node("worker-0", SILENT), node("worker-1", NO_NETWORK))
    for number in range(2, 12):
        started = [pod(f"pod-{each}", ready=True) for each in range(number)]
        played.answers(f"pods-worker-1.{number}", *started)
    done = many.waits()
    assert done.returncode == 1
    assert SILENT in done.stderr.splitlines()[-1]
    assert "worker-1" not in done.stderr
    assert done.stdout == ""


def test_a_node_is_named_when_nobody_knows_more_of_it(played: Played) -> None:
    """An API server that goes in between, and words of many lines, end no explanation."""
    played.answers("nodes", node("master-0"), node("worker-0", "PLEG is not healthy"))
    ended = {"terminated": {"exitCode": 1, "reason": "Error", "message": "line one\n/usr/bin/x: line two\n"}}
    played.answers("pods-worker-0", pod("kube-flannel-ds-1", ready=False, state=ended))
    (played.folder / "forgets").touch()
    done = played.waits()
    assert done.returncode == 1
    assert "container main: terminated Error line one /usr/bin/x: line two , restarted 3 times" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("FAILED: verification: not Ready and getting no further: worker-0")


def test_the_network_is_mended_once_and_then_it_is_named_with_its_log(played: Played) -> None:
    played.answers("nodes", node("master-0"), node("worker-0", NO_NETWORK))
    played.answers("pods-worker-0", pod("kube-flannel-ds-1", ready=True))
    done = played.waits()
    assert done.returncode == 1
    assert played.asked.count("delete pods") == 1
    assert "logs kube-flannel-ds-1 --container main" in done.stderr, "it looks well, and is not"
    assert f"worker-0: {NO_NETWORK}" in done.stderr.splitlines()[-1]


def test_containers_that_start_again_and_again_are_no_progress(played: Played) -> None:
    played.answers("nodes", node("master-0"), node("worker-0", "kubelet is not well"))
    crashed = {"terminated": {"exitCode": 1, "reason": "Error"}}
    for number in range(1, 20):
        one = pod("kube-flannel-ds-1", ready=number % 2 == 0, state=crashed if number % 2 else None, restarts=number)
        played.answers(f"pods-worker-0.{number}", one)
    done = Played(folder=played.folder, patience=3).waits()
    assert done.returncode == 1
    assert int(played.asked.count("get nodes")) < 10


def test_a_node_that_never_came_is_named(played: Played) -> None:
    played.answers("nodes")
    done = played.waits()
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert "master-0: it has no Node" in last
    assert "worker-0: it has no Node: its kubelet has not reached the API server" in last


def test_an_api_server_that_does_not_answer_is_named(played: Played) -> None:
    (played.folder / "refuses").touch()
    done = played.waits()
    assert done.returncode == 1
    assert "connection refused" in done.stderr
    assert "for 1 s no API server has said which nodes are Ready" in done.stderr.splitlines()[-1]
