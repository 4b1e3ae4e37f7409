import os
import signal
import time
from pathlib import Path

import pytest

from region.fabric import cgroups, processes
from region.fabric.processes import Process, ProcessError


@pytest.fixture
def group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in the place of a control group: who enters writes 0 into a plain file."""
    monkeypatch.setattr(cgroups, "hierarchies", lambda: (tmp_path,))
    monkeypatch.setattr(processes, "LOGS", tmp_path / "logs")
    return tmp_path / "kubeadm-aws/one"


def eventually(path: Path, text: str) -> bool:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        if path.exists() and text in path.read_text():
            return True
        time.sleep(0.01)
    return False


def test_it_enters_its_group_before_start_returns_and_writes_to_its_log(group: Path) -> None:
    process = Process(name="one", argv=["sh", "-c", "echo $WORD; echo $WORD >&2"], environment={"WORD": "said"})
    process.start()
    assert (group / "cgroup.procs").read_text() == "0\n"
    assert eventually(process.log, "said\nsaid\n")


def test_it_has_a_session_of_its_own_and_no_parent_that_waits(group: Path) -> None:
    process = Process(name="one", argv=["sh", "-c", "echo pid $$ end; exec sleep 60"], output=group.parent / "out")
    process.start()
    assert eventually(process.log, "end")
    pid = int(process.log.read_text().split()[1])
    try:
        assert os.getsid(pid) == pid
        with pytest.raises(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
    finally:
        os.kill(pid, signal.SIGKILL)


def test_one_that_runs_is_not_started_twice(group: Path) -> None:
    group.mkdir(parents=True)
    (group / "cgroup.procs").write_text("4711\n")
    process = Process(name="one", argv=["sh", "-c", "echo again"])
    process.start()
    assert not process.log.exists()


def test_a_group_that_cannot_be_entered_is_an_error_that_names_the_process(
    group: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cgroups.Cgroup, "create", lambda *_: None)
    with pytest.raises(ProcessError, match="one could not be started"):
        Process(name="one", argv=["true"]).start()


def test_running_names_are_those_with_a_process(group: Path) -> None:
    group.mkdir(parents=True)
    (group / "cgroup.procs").write_text("4711\n")
    (group.parent / "ended").mkdir()
    assert processes.running_names() == {"one"}
