"""Starting etcd as a static pod: the script's functions, run by a real bash where the runtime is played."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from components.host.script import SCRIPTS

FAKES = {
    "kubeadm": 'cp "$FAKE/wanted.yaml" "$FAKE/etcd.yaml"',
    # A container is a file of its state's name in it.
    "crictl": """
case "$*" in
  stop*) for id in "${@:4}"; do echo Exited >"$FAKE/containers/$id"; echo "stop $id" >>"$FAKE/done"; done ;;
  *--state*) cd "$FAKE/containers" && { grep --files-with-matches "${@: -1}" -- * || true; } ;;
  *) ls "$FAKE/containers" ;;
esac
""",
    "systemctl": """
case "$*" in
  is-active*) [[ ! -e $FAKE/dead ]] ;;
  restart*) echo "$*" >>"$FAKE/done" ;;
  *NRestarts*) echo 0 ;;
esac
""",
}


@dataclass(frozen=True, kw_only=True)
class Host:
    folder: Path

    @property
    def done(self) -> list[str]:
        file = self.folder / "done"
        return file.read_text().splitlines() if file.exists() else []

    def has_container(self, name: str, state: str) -> None:
        (self.folder / "containers" / name).write_text(state)

    def runs(self, command: str) -> subprocess.CompletedProcess[str]:
        functions = (SCRIPTS / "etcd/static-pod-member.sh").read_text().split("\ninstall --directory")[0]
        for path, played in {"/etc/kubernetes/manifests": "", "/var/log/pods": "/pods"}.items():
            functions = functions.replace(path, f"{self.folder}{played}")
        settings = "STEP=trial ADDRESS=10.0.0.12 ETCD_PKI=/nowhere STAGE=/nowhere"
        libraries = "".join((SCRIPTS / f"lib/{name}.sh").read_text() for name in ("common", "etcd-member-common"))
        return subprocess.run(
            ["bash", "-c", f"{settings}\n{libraries}\n{functions}\ntell_failures\n{command}"],
            env={"PATH": f"{self.folder / 'bin'}:/usr/bin:/bin", "FAKE": str(self.folder)},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """A host whose manifest is as kubeadm would write it."""
    for folder in ("bin", "containers"):
        (tmp_path / folder).mkdir()
    for name, script in FAKES.items():
        (tmp_path / "bin" / name).write_text(f"#!/usr/bin/env bash\n{script}")
        (tmp_path / "bin" / name).chmod(0o755)
    for name in ("wanted.yaml", "etcd.yaml"):
        (tmp_path / name).write_text("the manifest")
    return Host(folder=tmp_path)


def test_the_kubelet_does_what_a_new_manifest_says(host: Host) -> None:
    host.has_container("old", "Running")
    (host.folder / "wanted.yaml").write_text("another manifest")
    assert (host.runs("start_etcd").returncode, host.done) == (0, [])


def test_a_running_etcd_with_the_same_manifest_is_started_anew(host: Host) -> None:
    host.has_container("old", "Exited")
    host.has_container("now", "Running")
    assert (host.runs("start_etcd").returncode, host.done) == (0, ["stop now", "restart kubelet"])


def test_an_etcd_that_ended_again_and_again_is_not_waited_for(host: Host) -> None:
    host.has_container("old", "Exited")
    assert (host.runs("start_etcd").returncode, host.done) == (0, ["restart kubelet"])


def test_the_container_that_was_stopped_counts_for_none_that_ended_by_itself(host: Host) -> None:
    host.has_container("older", "Exited")
    host.has_container("old", "Running")
    done = host.runs(f'start_etcd; echo Running >"{host.folder}/containers/new"; is_coming_up; echo fine')
    assert (done.returncode, done.stdout) == (0, "fine\n"), done.stderr
    ended = host.runs(f'start_etcd; echo Exited >"{host.folder}/containers/worse"; is_coming_up; echo fine')
    assert (ended.returncode, ended.stdout) == (86, "")


def test_a_kubelet_that_never_ran_a_pod_hides_no_reason(host: Host) -> None:
    done = host.runs("EXPLAIN=show_etcd_log wait_for 0 etcd false")
    assert done.returncode == 1
    assert "FAILED: trial: waited 0 s in vain for etcd" in done.stderr
    assert done.stderr.count("FAILED: ") == 1


def test_an_etcd_that_shall_stay_down_is_waited_for(host: Host) -> None:
    host.has_container("now", "Running")
    ending = f'(sleep 1; echo Exited >"{host.folder}/containers/now") &'
    done = host.runs(f'{ending}\nstop_etcd; containers --state Running; [[ ! -e "{host.folder}/etcd.yaml" ]]')
    assert (done.returncode, done.stdout, host.done) == (0, "", []), done.stderr


def test_an_etcd_whose_kubelet_is_dead_is_stopped_directly(host: Host) -> None:
    host.has_container("now", "Running")
    (host.folder / "dead").touch()
    done = host.runs("stop_etcd; containers --state Running")
    assert (done.returncode, done.stdout, host.done) == (0, "", ["stop now"]), done.stderr
