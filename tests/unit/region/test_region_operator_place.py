"""What a killed `pulumi` leaves behind is taken away, and nothing that belongs to one that lives."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from region import pulumi_home
from region.fabric import operator_place
from region.fabric.operator_place import OperatorPlace


@pytest.fixture
def stacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A backend whose last write was cut off."""
    monkeypatch.setattr(pulumi_home, "BACKEND", tmp_path)
    monkeypatch.setattr(operator_place, "LOCKS", tmp_path / "locks")
    folder = tmp_path / "stacks"
    folder.mkdir()
    for name, content in {
        "local.json": "{}",
        "local.json.attrs": "",
        "local.json.1.tmp": "{",
        "old.attrs": "{}",
    }.items():
        (folder / name).write_text(content)
    return folder


def lock(stacks: Path, content: str) -> None:
    place = stacks.parent / "locks" / "organization" / "local"
    place.mkdir(parents=True)
    (place / "one.json").write_text(content)


def names(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


def killed() -> int:
    process = subprocess.Popen(["sleep", "60"])
    process.kill()
    process.wait()
    return process.pid


@pytest.mark.parametrize("left", ["", "pid"])
def test_half_written_files_of_a_killed_run_go(stacks: Path, left: str):
    lock(stacks, json.dumps({"pid": killed()}) if left else "")
    OperatorPlace(environment={}).mend()
    assert names(stacks) == {"local.json", "old.attrs"}


def test_a_zombie_is_dead(stacks: Path):
    process = subprocess.Popen(["true"])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    lock(stacks, json.dumps({"pid": process.pid}))
    OperatorPlace(environment={}).mend()
    process.wait()
    assert names(stacks) == {"local.json", "old.attrs"}


def test_nothing_is_touched_while_one_is_alive(stacks: Path):
    before = names(stacks)
    lock(stacks, json.dumps({"pid": os.getpid()}))
    OperatorPlace(environment={}).mend()
    assert names(stacks) == before
