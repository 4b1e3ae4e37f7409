"""A pool's labels and taints on its nodes: the step's script, run by a real bash where kubectl plays the cluster."""

import json
from pathlib import Path

from played_commands import run_with

from components.host.script import SCRIPTS

KUBECTL = """
shift 2 # --server URL
case "$1 $2" in
  "get node") cat "$FAKE/node" ;;
  *) printf '%s\\n' "$*" >>"$FAKE/calls" ;;
esac
"""


def label(folder: Path, *, labels: str, taints: str, noted: dict[str, str]) -> list[str]:
    """What kubectl was told to do to the node, in order."""
    node = {"metadata": {"annotations": {f"kubeadm-aws/{name}": value for name, value in noted.items()}}}
    (folder / "node").write_text(json.dumps(node))
    libraries = "".join((SCRIPTS / f"lib/{name}.sh").read_text() for name in ("common", "api-server"))
    administrator = "be_administrator() { READY_SERVER=https://10.0.0.10:6443; }"
    settings = f"STEP=trial NODE_NAME=gpu-0 API_SERVERS=none LABELS='{labels}' TAINTS='{taints}'"
    script = (SCRIPTS / "kubernetes/label-node.sh").read_text()
    done = run_with({"kubectl": KUBECTL}, f"{settings}\n{libraries}\n{administrator}\ntell_failures\n{script}", folder)
    assert done.returncode == 0, done.stderr
    return (folder / "calls").read_text().splitlines()


def test_a_new_node_gets_them_and_they_are_noted_first(tmp_path: Path):
    assert label(tmp_path, labels="of=us at=home", taints="gpu=yes:NoSchedule", noted={}) == [
        "annotate node gpu-0 --overwrite kubeadm-aws/labels=of=us at=home  kubeadm-aws/taints=gpu=yes:NoSchedule ",
        "label node gpu-0 --overwrite of=us at=home",
        "taint node gpu-0 --overwrite gpu=yes:NoSchedule",
        "annotate node gpu-0 --overwrite kubeadm-aws/labels=of=us at=home kubeadm-aws/taints=gpu=yes:NoSchedule",
    ]


def test_what_an_earlier_run_gave_goes_and_what_others_gave_stays(tmp_path: Path):
    noted = {"labels": "of=them old=1", "taints": "gpu=no:NoSchedule gone=1:NoExecute"}
    calls = label(tmp_path, labels="of=us", taints="gpu=yes:NoSchedule", noted=noted)
    assert calls[1:-1] == [
        "label node gpu-0 --overwrite of=us old-",
        "taint node gpu-0 --overwrite gpu=yes:NoSchedule",
        "taint node gpu-0 --overwrite gone:NoExecute-",
    ]


def test_a_pool_without_either_leaves_a_node_alone(tmp_path: Path):
    calls = label(tmp_path, labels="", taints="", noted={})
    assert {call.partition(" ")[0] for call in calls} == {"annotate"}
