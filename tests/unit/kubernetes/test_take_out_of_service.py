"""How a worker leaves: the step's script, run by a real bash where kubectl plays the cluster."""

import subprocess
from pathlib import Path

import pytest
from played_commands import run_with

from components.host.script import SCRIPTS

# The kubelet is as healthy as `alive` says; a drain takes as long as `drain` says, and ends as that does.
KUBECTL = """
shift 2 # --server URL
echo "$*" >>"$FAKE/calls"
case "$*" in
  "get node worker-1 "*) echo "aws:///us-east-1a/$MACHINE" ;;
  *"get --raw /readyz") sh -c "${READY:-exit 0}" ;;
  *"get --raw /api/v1/nodes/worker-1/proxy/healthz")
    sh -c "$ALIVE" || { echo "${WHY:-error trying to reach service: dial tcp}" >&2; exit 1; }
    ;;
  "drain worker-1 "*) exec sh -c "$DRAIN" ;;
  "cordon worker-1" | "uncordon worker-1" | "taint node worker-1 ToBeDeletedByClusterAutoscaler"*) ;;
  *) exit 2 ;;
esac
"""
BUDGET = """echo 'error when evicting pods/"web-0" -n "shop" (will retry): it would violate the budget' >&2; exit 1"""


def leave(
    folder: Path, *, alive: str, drain: str, machine: str = "i-1", seconds: str = "300", **more: str
) -> subprocess.CompletedProcess[str]:
    settings = (
        f"STEP=trial UNSERVED_SECONDS=0 DRAIN_SECONDS={seconds} NODE_NAME=worker-1 PROVIDER_ID=aws:///us-east-1a/i-1 "
        "API_SERVERS=https://10.0.0.10:6443"
    )
    libraries = "".join((SCRIPTS / f"lib/{name}.sh").read_text() for name in ("common", "api-server"))
    administrator = "be_administrator() { READY_SERVER=https://10.0.0.10:6443; }\nchoose_api_server() { :; }"
    script = (SCRIPTS / "kubernetes/take-out-of-service.sh").read_text().replace("sleep 2", "sleep 0.1")
    script = script.replace("/etc/kubeadm-aws/drain-seconds", str(folder / "told"))
    text = f"{settings}\n{libraries}\n{administrator}\ntell_failures\n{script}"
    return run_with({"kubectl": KUBECTL}, text, folder, ALIVE=alive, DRAIN=drain, MACHINE=machine, **more)


def calls(folder: Path) -> list[str]:
    """The verbs that kubectl was asked for, without the questions whether the kubelet lives."""
    lines = (folder / "calls").read_text().splitlines()
    return [line.partition(" ")[0] for line in lines if "--raw" not in line]


def test_a_worker_that_lives_says_no_to_the_balancer_before_it_is_drained(tmp_path: Path):
    done = leave(tmp_path, alive="exit 0", drain="sleep 0.5")
    assert done.returncode == 0, done.stderr
    assert calls(tmp_path) == ["get", "cordon", "taint", "drain"]
    assert "given up" not in done.stdout


@pytest.mark.parametrize(
    ("alive", "asked"),
    [("exit 1", ["get"]), ('test "$(grep -c raw "$FAKE/calls")" -lt 3', ["get", "cordon", "taint", "drain"])],
    ids=["before", "while it is drained"],
)
def test_nobody_waits_for_pods_on_a_machine_that_is_gone(tmp_path: Path, alive: str, asked: list[str]):
    done = leave(tmp_path, alive=alive, drain="exec sleep 60")
    assert done.returncode == 0, done.stderr
    assert calls(tmp_path) == asked
    assert "worker-1 does not answer: its pods are given up instead of drained" in done.stdout


def test_a_master_that_is_new_is_told_for_how_long(tmp_path: Path):
    late = 'echo 77 >"$FAKE/late" && mv "$FAKE/late" "$FAKE/told"'
    done = leave(tmp_path, alive=f"(sleep 2; {late}) >/dev/null 2>&1 & exit 0", drain="exit 0", seconds="")
    assert done.returncode == 0, done.stderr
    assert "--timeout=77s" in (tmp_path / "calls").read_text()


def test_a_worker_that_is_gone_waits_for_nothing_that_a_new_master_has_not(tmp_path: Path):
    done = leave(tmp_path, alive="exit 1", drain="exit 1", seconds="")
    assert done.returncode == 0, done.stderr
    assert calls(tmp_path) == ["get"]


def test_a_kubelet_that_restarts_is_not_gone(tmp_path: Path):
    done = leave(tmp_path, alive='test "$(grep -c raw "$FAKE/calls")" != 1', drain="sleep 0.5")
    assert done.returncode == 0, done.stderr
    assert "given up" not in done.stdout


def test_a_budget_that_forbids_it_is_told_and_the_worker_is_in_service_again(tmp_path: Path):
    done = leave(tmp_path, alive="exit 0", drain=BUDGET)
    assert done.returncode == 1
    assert calls(tmp_path) == ["get", "cordon", "taint", "drain", "taint", "uncordon"]
    assert "worker-1 ToBeDeletedByClusterAutoscaler-" in (tmp_path / "calls").read_text()
    assert "FAILED: trial: worker-1 keeps its pods shop/web-0 after 300 s (drainTimeoutSeconds)" in done.stderr
    assert done.stderr.count("FAILED: ") == 1


@pytest.mark.parametrize("why", ["Error from server (InternalError)", "healthz check failed"])
def test_a_kubelet_that_answers_badly_is_not_gone(tmp_path: Path, why: str):
    done = leave(tmp_path, alive="exit 1", drain="sleep 0.5", WHY=why)
    assert done.returncode == 0, done.stderr
    assert calls(tmp_path) == ["get", "cordon", "taint", "drain"]


def test_an_api_server_that_is_away_says_nothing_about_a_worker(tmp_path: Path):
    done = leave(tmp_path, alive="exit 1", drain="exit 1", READY="exit 1")
    assert done.returncode == 1
    assert "given up" not in done.stdout
    assert calls(tmp_path) == ["get", "cordon", "taint", "drain", "taint", "uncordon"]


def test_a_node_on_another_machine_is_left_alone(tmp_path: Path):
    done = leave(tmp_path, alive="exit 0", drain="exit 0", machine="i-2")
    assert done.returncode == 0, done.stderr
    assert calls(tmp_path) == ["get"]
