"""How often a host asks a registry for an image: the function of its preparation, where crictl is played."""

import re
import subprocess
from pathlib import Path

from played_commands import run_with

from components.host.script import SCRIPTS

# The registry refuses the first `refusals` pulls.
CRICTL = """
case "$*" in
  "inspecti "*) [[ -e $FAKE/image ]] ;;
  "pull "*) echo >>"$FAKE/pulls" && (($(wc --lines <"$FAKE/pulls") > REFUSALS)) && touch "$FAKE/image" ;;
esac
"""


def pull(folder: Path, *, refusals: int) -> subprocess.CompletedProcess[str]:
    script = (SCRIPTS / "host/prepare-node.sh").read_text().replace("sleep 2", "sleep 0")
    [function] = re.findall(r"^pull_image\(\) \{\n.*?^\}\n", script, re.M | re.S)
    common = (SCRIPTS / "lib/common.sh").read_text()
    text = f"STEP=trial MIRROR=''\n{common}\n{function}\ntell_failures\npull_image registry.k8s.io/pause:3.10.2"
    return run_with({"crictl": CRICTL}, text, folder, REFUSALS=str(refusals))


def pulls(folder: Path) -> int:
    return len((folder / "pulls").read_text().splitlines()) if (folder / "pulls").exists() else 0


def test_a_registry_that_refuses_twice_is_asked_a_third_time(tmp_path: Path):
    done = pull(tmp_path, refusals=2)
    assert (done.returncode, pulls(tmp_path)) == (0, 3), done.stderr


def test_one_that_goes_on_refusing_is_named(tmp_path: Path):
    done = pull(tmp_path, refusals=9)
    assert (done.returncode, pulls(tmp_path)) == (1, 3)
    assert "FAILED: trial: image registry.k8s.io/pause:3.10.2 cannot be had from its registry" in done.stderr


def test_an_image_that_is_there_is_not_pulled(tmp_path: Path):
    (tmp_path / "image").touch()
    assert pull(tmp_path, refusals=0).returncode == 0
    assert pulls(tmp_path) == 0
