"""Which API server a step asks: its library with API servers that are played."""

import subprocess
from pathlib import Path

import pytest

from components.host.script import SCRIPTS

SERVERS = ["https://10.0.0.10:6443", "https://10.0.1.10:6443", "https://api.demo.internal:6443"]
# A server is ready when a file says so; one that sways answers no more than three times.
CURL = """#!/usr/bin/env bash
address=${@: -1}
address=${address#https://}
address=${address%%:*}
[[ -e $FAKE/ready/$address ]] || exit 7
if [[ -e $FAKE/sways/$address ]]; then
  echo asked >>"$FAKE/sways/$address"
  (($(wc -l <"$FAKE/sways/$address") <= 3)) || exit 22
fi
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    for folder in ("ready", "sways"):
        (tmp_path / folder).mkdir()
    for name, script in {"curl": CURL, "kubectl": '#!/usr/bin/env bash\necho "kubectl $*"\n'}.items():
        (tmp_path / name).write_text(script)
        (tmp_path / name).chmod(0o755)
    return tmp_path


def asks(place: Path) -> subprocess.CompletedProcess[str]:
    """A step that asks for Nodes; it waits for no more than a second."""
    library = (SCRIPTS / "lib/api-server.sh").read_text()
    assert "wait_for 300 " in library
    script = "\n".join(
        (
            f"STEP=trial API_SERVERS='{' '.join(SERVERS)}' API_CA=ca.crt",
            (SCRIPTS / "lib/common.sh").read_text(),
            'explain_port() { echo "explained $*"; }',
            library.replace("wait_for 300 ", "wait_for 1 "),
            "choose_api_server\nkubectl get nodes",
        )
    )
    environment = {"PATH": f"{place}:/usr/bin:/bin", "FAKE": str(place)}
    return subprocess.run(["bash", "-s"], input=script, env=environment, capture_output=True, text=True, timeout=30)


@pytest.mark.parametrize(
    ("ready", "chosen"), [(SERVERS, SERVERS[0]), (SERVERS[1:], SERVERS[1]), (SERVERS[2:], SERVERS[2])]
)
def test_the_first_that_is_ready_is_asked(place: Path, ready: list[str], chosen: str) -> None:
    for server in ready:
        (place / "ready" / address(server)).touch()
    assert asks(place).stdout == f"kubectl --server {chosen} get nodes\n"


def test_one_that_sways_is_not(place: Path) -> None:
    """A balancer that still sends some of its clients to a dead API server."""
    (place / "ready" / address(SERVERS[2])).touch()
    (place / "sways" / address(SERVERS[2])).touch()
    assert asks(place).returncode == 1


def test_none_is_told_with_the_port_of_the_first(place: Path) -> None:
    done = asks(place)
    assert done.returncode == 1
    assert "explained 10.0.0.10 6443 who may reach the masters and the API balancer on 6443" in done.stderr
    assert f"FAILED: trial: waited 1 s in vain for an API server at {' '.join(SERVERS)}" in done.stderr


def address(server: str) -> str:
    return server.removeprefix("https://").partition(":")[0]
