"""When etcd counts as healthy: the step's script, run by a real bash where etcdctl answers as etcd 3.7.1's does."""

from pathlib import Path

import pytest
from played_commands import run_with

from components.host.script import SCRIPTS

ENDPOINTS = ["https://10.0.0.10:2379", "https://10.0.0.11:2379"]
MEMBERS = [f"1{n}, started, etcd-{n}, https://10.0.0.1{n}:2380, https://10.0.0.1{n}:2379, false" for n in range(2)]
STRANGER = "19, unstarted, , https://10.0.0.99:2380, , true"
ETCDCTL = """
case "$*" in
  "--endpoints=https://10.0.0.10:2379,https://10.0.0.11:2379 endpoint health") exit "$UNHEALTHY" ;;
  *" member list") cat "$FAKE/members" ;;
  *) exit 2 ;;
esac
"""


@pytest.mark.parametrize(
    ("unhealthy", "members", "code"),
    [(0, MEMBERS, 0), (1, MEMBERS, 1), (0, [*MEMBERS, STRANGER], 1)],
    ids=["all well", "one is not", "a stranger is a member"],
)
def test_etcd_is_healthy_when_all_members_are_and_no_other_is_one(
    tmp_path: Path, unhealthy: int, members: list[str], code: int
) -> None:
    (tmp_path / "members").write_text("".join(f"{member}\n" for member in members))
    text = (SCRIPTS / "etcd/await-health.sh").read_text()
    for real, played in {
        "wait_for 240 ": "wait_for 0 ",
        "/usr/local/sbin/etcd-health": "echo what etcd-health says; false",
    }.items():
        assert real in text
        text = text.replace(real, f"'{played}'" if "health" in played else played)
    settings = f"STEP=trial ETCD_PKI=/nowhere ENDPOINTS={','.join(ENDPOINTS)}"
    libraries = "".join((SCRIPTS / f"lib/{name}.sh").read_text() for name in ("common", "etcd-client"))
    text = f"{settings}\n{libraries}\ntell_failures\n{text}"
    done = run_with({"etcdctl": ETCDCTL}, text, tmp_path, UNHEALTHY=str(unhealthy))
    assert done.returncode == code, done.stderr
    assert ("what etcd-health says" in done.stderr) == bool(code)
    assert ("FAILED: trial: waited 0 s in vain for a healthy etcd" in done.stderr) == bool(code)
    assert done.stderr.count("FAILED: ") == code
    assert (STRANGER in done.stderr) == (STRANGER in members)
