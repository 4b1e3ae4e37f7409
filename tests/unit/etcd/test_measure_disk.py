"""How fast a disk is said to be: the script, run by a real bash with a disk that is as fast as a test wants."""

import os
import subprocess
from pathlib import Path

import pytest

from components.host import script as node_script
from components.host.script import SCRIPTS, render

DD = """#!/usr/bin/env bash
[[ ! -e $FAKE/broken ]] || { echo "dd: failed to open: Read-only file system" >&2 && exit 1; }
echo "$*" >>"$FAKE/written"
sleep "$(cat "$FAKE/pause")"
echo "2300 bytes (2.3 kB, 2.2 KiB) copied, $(cat "$FAKE/seconds") s, 1.1 MB/s" >&2
"""


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for folder in ("scripts/lib", "scripts/etcd", "bin", "run/lock", "var/lib"):
        (tmp_path / folder).mkdir(parents=True)
    for name in ("lib/common.sh", "etcd/measure-disk.sh"):
        text = (SCRIPTS / name).read_text()
        for place in ("/run/lock", "/var/lib/etcd"):
            text = text.replace(place, f"{tmp_path}{place}")
        (tmp_path / "scripts" / name).write_text(text)
    monkeypatch.setattr(node_script, "SCRIPTS", tmp_path / "scripts")
    (tmp_path / "bin/dd").write_text(DD)
    (tmp_path / "bin/dd").chmod(0o755)
    (tmp_path / "pause").write_text("0")
    return tmp_path


def measure(host: Path) -> subprocess.CompletedProcess[str]:
    settings = {"HEARTBEAT_MILLISECONDS": "100", "ELECTION_MILLISECONDS": "1000"}
    return subprocess.run(
        ["bash", "-s"],
        input=render("etcd-disk on etcd-0", "etcd/measure-disk.sh", settings=settings),
        env={"PATH": f"{host / 'bin'}:{os.environ['PATH']}", "FAKE": str(host)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(("seconds", "figure"), [("0.00075", "0.7 ms"), ("7.5e-05", "0.0 ms"), ("0.0099", "9.9 ms")])
def test_a_fast_disk_is_told_with_its_figure(host: Path, seconds: str, figure: str) -> None:
    (host / "seconds").write_text(seconds)
    done = measure(host)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stdout
    assert f"were safe within {figure}" in done.stdout


def test_a_slow_disk_is_a_warning_with_figure_threshold_and_remedy(host: Path) -> None:
    (host / "seconds").write_text("0.0882")
    done = measure(host)
    assert done.returncode == 0, done.stderr
    for said in (
        "WARNING: this disk is slow",
        "88.2 ms",
        "etcd wants 10.0 ms at most",
        "every 100 ms",
        "after 1000 ms",
    ):
        assert said in done.stdout
    assert "raise heartbeatMilliseconds and electionMilliseconds" in done.stdout


def test_a_disk_that_takes_seconds_is_asked_once(host: Path) -> None:
    (host / "seconds").write_text("1.4")
    (host / "pause").write_text("1.4")
    done = measure(host)
    assert done.returncode == 0, done.stderr
    assert "99 % of 1 writes" in done.stdout
    assert "1400.0 ms" in done.stdout
    assert len((host / "written").read_text().splitlines()) == 1


def test_a_disk_that_takes_no_write_fails_the_step_with_the_reason(host: Path) -> None:
    (host / "broken").touch()
    done = measure(host)
    assert done.returncode == 1
    assert "Read-only file system" in done.stderr
    assert "FAILED: etcd-disk on etcd-0: cannot write to" in done.stderr
    assert not list((host / "var/lib/etcd").iterdir())
