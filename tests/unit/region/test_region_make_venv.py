import pty
import re
import subprocess
from contextlib import suppress
from os import close, environ, read
from pathlib import Path

import pytest

from region.build.recorded import SECONDS
from region.paths import CHECKOUT

SCRIPT = CHECKOUT / "region/make-venv.sh"
RECORDED = ("EXPECTED_SECONDS", "FIRST_CLUSTER_MINUTES")
PULUMI_UP_SECONDS = 90
PYTHON = """\
#!/bin/sh
[ "$1 $2" = "-m venv" ] || exit 0
mkdir -p "$3/bin"
printf '#!/bin/sh\\necho "$*" >%s/asked\\n' "$3" >"$3/bin/pip"
printf 'echo "Collecting one==1"\\necho "  Downloading one"\\n%s\\n' "$FAILS" >>"$3/bin/pip"
chmod +x "$3/bin/pip"
"""


def make(tmp_path: Path, fails: str = "", output: int = subprocess.PIPE) -> "subprocess.CompletedProcess[str]":
    python = tmp_path / "bin/python3"
    python.parent.mkdir(exist_ok=True)
    python.write_text(PYTHON)
    python.chmod(0o755)
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("one==1 \\\n    --hash=sha256:00\ntwo==2 \\\n    --hash=sha256:00\n")
    path = f"{python.parent}:{environ['PATH']}"
    return subprocess.run(
        [str(SCRIPT), str(tmp_path / "venv"), str(requirements)],
        env={**environ, "PATH": path, "FAILS": fails},
        stdout=output,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_the_outlook_is_the_sum_of_what_was_recorded():
    script = SCRIPT.read_text()
    seconds, minutes = (int(*re.findall(rf"^{name}=(\d+)$", script, re.MULTILINE)) for name in RECORDED)
    assert minutes == round((seconds + sum(SECONDS.values()) + PULUMI_UP_SECONDS) / 60)


def test_the_time_left_is_told_first_and_what_it_took_last(tmp_path: Path):
    done = make(tmp_path)
    outlook, first, last = done.stdout.splitlines()
    assert outlook.startswith("nothing is built here yet: a first cluster takes ")
    assert first.startswith("virtual environment:   0 %, about ")
    assert last.startswith("virtual environment: made in ")
    assert (tmp_path / "venv/complete").exists()
    assert "--require-hashes" in (tmp_path / "venv/asked").read_text()


@pytest.mark.parametrize("fails", ["exit 1", "echo no such version >&2; exit 1"])
def test_packages_that_do_not_install_are_no_environment(tmp_path: Path, fails: str):
    assert make(tmp_path, fails).returncode == 1
    assert not (tmp_path / "venv/complete").exists()


def test_a_terminal_sees_how_many_packages_have_been_begun(tmp_path: Path):
    terminal, end = pty.openpty()
    assert make(tmp_path, output=end).returncode == 0
    close(end)
    shown = b""
    # One read gives what one write put there; after the last, the terminal says EIO.
    with suppress(OSError):
        while some := read(terminal, 10_000):
            shown += some
    close(terminal)
    assert "\r\x1b[Kvirtual environment:  25 %, about " in shown.decode()
