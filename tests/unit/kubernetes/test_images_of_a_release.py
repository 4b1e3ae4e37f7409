"""Verification looks at the digests that run: one for each name, and those of the release where there is one."""

import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from played_commands import run_with

from components.host.script import SCRIPTS

NAMES = ("images_that_run", "images_are_those_of_the_release", "tell_what_was_proved")
PROXY, FLANNEL = "registry.k8s.io/kube-proxy:v1.37.2", "ghcr.io/flannel-io/flannel:v0.28.10"
ONE, TWO = (f"sha256:{digit * 64}" for digit in "12")
RUNS = {"commit": "1" * 40, "program": "a" * 64}


def pod(image: str, digest: str, *, namespace: str = "kube-system") -> Mapping[str, object]:
    repository = image.rpartition(":")[0]
    status = {"containerStatuses": [{"image": image, "imageID": f"{repository}@{digest}"}]}
    return {"metadata": {"namespace": namespace}, "status": status}


def looked(
    folder: Path, *pods: Mapping[str, object], promoted: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    script = (SCRIPTS / "kubernetes/verify-cluster.sh").read_text()
    functions = [re.search(rf"^{name}\(\) {{\n.*?^}}$", script, re.MULTILINE | re.DOTALL) for name in NAMES]
    text = "\n".join(found[0] for found in functions if found)
    (folder / "pods").write_text(json.dumps({"items": pods}))
    kubectl = (
        'case "$*" in *pods*) cat "$FAKE/pods" ;; *) printf "containerd://1.7.24\\ncontainerd://1.7.24\\n" ;; esac'
    )
    return run_with(
        {"kubectl": kubectl},
        f'set -euo pipefail; fail() {{ echo "FAILED: $*" >&2; exit 1; }}\n{text}\n{NAMES[1]}\n{NAMES[2]}',
        folder,
        NETWORK_NAMESPACE="kube-flannel",
        PROMOTED_IMAGES=json.dumps(promoted or {}),
        RUNS=json.dumps(RUNS),
    )


def test_what_runs_is_told_with_what_proved_it(tmp_path: Path) -> None:
    done = looked(
        tmp_path,
        pod(PROXY, ONE),
        pod(PROXY, ONE),
        pod(FLANNEL, TWO, namespace="kube-flannel"),
        pod("registry.k8s.io/metrics-server/metrics-server:v0.8.0", TWO),
        pod(PROXY.replace("v1.37.2", "v1.30.0"), TWO, namespace="default"),
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.removeprefix("proved: "))
    assert told["images"] == {PROXY: ONE, FLANNEL: TWO}
    assert (told["runs"], told["containerd"]) == (RUNS, "1.7.24")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", told["verifiedAt"])


def test_the_releases_own_images_pass(tmp_path: Path) -> None:
    assert looked(tmp_path, pod(PROXY, ONE), promoted={PROXY: ONE, FLANNEL: TWO}).returncode == 0


@pytest.mark.parametrize("pods", [[pod(PROXY, TWO)], [pod(PROXY, ONE), pod(PROXY, TWO)]], ids=["all", "one node"])
def test_other_images_than_the_releases_fail(tmp_path: Path, pods: list[Mapping[str, object]]) -> None:
    done = looked(tmp_path, *pods, promoted={PROXY: ONE})
    assert done.returncode == 1
    assert f"{PROXY} is {TWO} on a node, and should be {ONE}" in done.stderr


def test_two_images_under_one_name_are_no_release(tmp_path: Path) -> None:
    done = looked(tmp_path, pod(PROXY, ONE), pod(PROXY, TWO))
    assert done.returncode == 1
    assert "not the images of one release" in done.stderr


def test_nothing_to_look_at_proves_nothing(tmp_path: Path) -> None:
    assert "no node tells which images" in looked(tmp_path).stderr
