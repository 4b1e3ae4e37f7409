"""How long verification waits for nodes, what it mends and what it says: its script, with a cluster that is played."""

import json
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from components.host.script import SCRIPTS

NO_NETWORK = "container runtime network not ready: NetworkReady=false cni plugin not initialized"
# Answers are files; FILE.N takes the place of FILE with the N-th question for nodes, nodes.healed with a deleted pod.
KUBECTL = """#!/usr/bin/env bash
echo "$*" >>"$FAKE/asked"
case "$*" in
  "get nodes"*)
    count=$(grep --count "^get nodes" "$FAKE/asked")
    [[ ! -e $FAKE/refuses ]] || { echo "connection refused" >&2; exit 1; }
    for kind in nodes pods-worker-0; do
      if [[ -e $FAKE/$kind.$count ]]; then mv "$FAKE/$kind.$count" "$FAKE/$kind"; fi
    done
    cat "$FAKE/nodes" ;;
  "get pods"*) cat "$FAKE/pods-${5#spec.nodeName=}" 2>/dev/null || echo '{"items": []}' ;;
  *"delete pods"*) [[ ! -e $FAKE/nodes.healed ]] || mv "$FAKE/nodes.healed" "$FAKE/nodes" ;;
  *logs*) echo "log of $*" ;;
  *events*) echo "BackOff: event of $*" ;;
esac
"""


def node(name: str, message: str = "") -> dict[str, object]:
    """A Node, Ready unless it has something to say."""
    ready = {"type": "Ready", "status": "False" if message else "True", "message": message}
    return {"metadata": {"name": name}, "status": {"conditions": [{"type": "DiskPressure", "status": "False"}, ready]}}


def pod(name: str, *, ready: bool, state: Mapping[str, object] | None = None) -> dict[str, object]:
    status = {
        "name": "main",
        "ready": ready,
        "started": ready,
        "restartCount": 3,
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
    assert played.asked.splitlines() == ["get nodes --output json"]


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
    assert deleted == "--namespace kube-flannel delete pods --field-selector spec.nodeName=worker-0 --wait=false"


def test_what_cannot_be_mended_is_named_and_what_is_ready_is_not(played: Played) -> None:
    played.answers("nodes", node("master-0"), node("worker-0", "Kubelet stopped posting node status."))
    played.answers("pods-worker-0", pod("kube-flannel-ds-1", ready=False), pod("kube-proxy-1", ready=True))
    begin = time.monotonic()
    done = played.waits()
    assert time.monotonic() - begin < 20
    assert done.returncode == 1
    assert "--- worker-0 is not Ready: Kubelet stopped posting node status." in done.stderr
    assert "pod kube-flannel/kube-flannel-ds-1, container main: waiting CrashLoopBackOff , restarted 3" in done.stderr
    assert (
        "log of --namespace kube-flannel --request-timeout 15s logs kube-flannel-ds-1 --container main --tail 8"
        in done.stderr
    )
    assert "event of" in done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith("FAILED: verification: 1 nodes are not Ready and get no further")
    for said in ("worker-0: Kubelet stopped posting node status.", "journalctl --unit kubelet", "pulumi up"):
        assert said in last
    assert "master-0" not in done.stderr
    assert "delete" not in played.asked


def test_the_network_is_mended_once_and_then_it_is_named_with_its_log(played: Played) -> None:
    played.answers("nodes", node("master-0"), node("worker-0", NO_NETWORK))
    played.answers("pods-worker-0", pod("kube-flannel-ds-1", ready=True))
    done = played.waits()
    assert done.returncode == 1
    assert played.asked.count("delete pods") == 1
    assert "log of --namespace kube-flannel --request-timeout 15s logs kube-flannel-ds-1" in done.stderr, (
        "it looks well, and is not"
    )
    assert f"worker-0: {NO_NETWORK}" in done.stderr.splitlines()[-1]


def test_containers_that_start_again_and_again_are_no_progress(played: Played) -> None:
    played.answers("nodes", node("master-0"), node("worker-0", "kubelet is not well"))
    crashing = {"terminated": {"exitCode": 1, "reason": "Error"}}
    played.answers("pods-worker-0", pod("kube-flannel-ds-1", ready=False, state=crashing))
    done = played.waits()
    assert done.returncode == 1
    assert "terminated Error" in done.stderr


def test_a_node_that_never_came_is_named(played: Played) -> None:
    played.answers("nodes")
    done = played.waits()
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert "2 nodes are not Ready" in last
    assert "worker-0: it has no Node: its kubelet has not reached the API server" in last


def test_an_api_server_that_does_not_answer_is_named(played: Played) -> None:
    (played.folder / "refuses").touch()
    done = played.waits()
    assert done.returncode == 1
    assert "connection refused" in done.stderr
    assert "the API server: it does not say which nodes are Ready" in done.stderr.splitlines()[-1]
