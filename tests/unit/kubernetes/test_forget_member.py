"""What a stacked master that joins has the others' etcd forget: the script's function, run by a real bash."""

from pathlib import Path

import pytest
from played_commands import run_with

from components.host.script import SCRIPTS

OTHERS = "10, started, master-0, https://10.0.0.10:2380, https://10.0.0.10:2379, false\n"
OWN = "1f, started, master-1, https://10.0.0.11:2380, https://10.0.0.11:2379, false\n"
ETCDCTL = """
case "$*" in
  *" member list") cat "$FAKE/members" ;;
  *" member remove "*) echo "${@: -1}" >>"$FAKE/removed" ;;
esac
"""


@pytest.mark.parametrize(
    ("members", "code", "removed"),
    [(OTHERS + OWN, 0, ["1f"]), (OTHERS, 0, []), (None, 1, [])],
    ids=["its predecessor", "nobody", "unknown"],
)
def test_the_member_at_its_address_is_removed(
    tmp_path: Path, members: str | None, code: int, removed: list[str]
) -> None:
    if members:
        (tmp_path / "members").write_text(members)
    library = (SCRIPTS / "lib/etcd-client.sh").read_text()
    functions = (SCRIPTS / "kubernetes/join-master.sh").read_text().split("\ntrap clean_up EXIT")[0]
    settings = "STEP=trial STAGE=/nowhere NODE_ADDRESS=10.0.0.11 OTHER_MEMBERS=https://10.0.0.10:2379"
    done = run_with({"etcdctl": ETCDCTL}, f"{settings}\n{library}\n{functions}\nforget_member", tmp_path)
    assert done.returncode == code, done.stderr
    file = tmp_path / "removed"
    assert (file.read_text().splitlines() if file.exists() else []) == removed
