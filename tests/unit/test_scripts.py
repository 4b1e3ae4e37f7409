"""Every script says who it is; systemd takes the unit."""

import shutil
import subprocess
from pathlib import Path

import pytest

from components.host.script import SCRIPTS

ALL = sorted([*SCRIPTS.rglob("*.sh"), SCRIPTS / "etcd/etcd-health"])


@pytest.mark.parametrize("script", ALL, ids=lambda path: path.name)
def test_a_script_says_who_it_is_and_stops_at_errors(script: Path) -> None:
    lines = script.read_text().splitlines()
    assert lines[0] == "#!/usr/bin/env bash"
    assert lines[1].startswith("# ")
    assert "set -x" not in lines
    if not script.stem.endswith("-common"):
        assert "set -euo pipefail" in lines


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed here")
def test_the_unit_is_one_that_systemd_takes(tmp_path: Path) -> None:
    unit = (SCRIPTS / "etcd" / "etcd.service").read_text().replace("/usr/local/bin/etcd ", "/bin/true ")
    (tmp_path / "etcd.service").write_text(unit)
    argv = ["systemd-analyze", "verify", "--man=no", str(tmp_path / "etcd.service")]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert [line for line in done.stderr.splitlines() if "etcd.service" in line] == []
