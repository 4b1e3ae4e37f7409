"""Whether the others can do without a machine: the step's script in a real bash, where etcdctl and curl are played."""

import subprocess
from pathlib import Path

import pytest
from played_commands import run_with

from components.host.script import SCRIPTS

# The members at 10.0.0.2 and 10.0.0.3 are as healthy as `SICK` lets them be; this one is member 1 of three.
ETCDCTL = """
echo "$*" >>"$FAKE/calls"
case "$*" in
  *"get kubeadm-aws") [[ " $SICK " != *" ${1#*=} "* ]] ;;
  *"endpoint status"*) [[ $LEADER != nobody ]] && printf '"MemberID" : 1\\n"Leader" : %s\\n' "$LEADER" ;;
  *"member list") printf '%s, started, m, https://10.0.0.%s:2380, https://10.0.0.%s:2379, false\\n' a 1 1 b 2 2 c 3 3 ;;
  *"move-leader b") exit "$MOVES" ;;
  *"move-leader c") ;;
  *) exit 2 ;;
esac
"""
CURL = 'echo "$*" >>"$FAKE/asked"; exit "$API"'
M2, M3 = "https://10.0.0.2:2379", "https://10.0.0.3:2379"


def ask(folder: Path, *, noted: str, sick: str = "", leader: str = "1", moves: str = "0", api: str = "0") -> "Done":
    note = folder / "made-of"
    if noted:
        note.write_text(f"{noted}\n")
    settings = (
        "STEP=trial NODE_NAME=master-0 WANTED='t3.large, 20 GiB, ami-1' ETCD_PKI=/pki MEMBER=https://10.0.0.1:2379 "
        f"OTHER_MEMBERS={M2},{M3} OTHER_API_SERVERS='https://10.0.0.2:6443 https://10.0.0.3:6443'"
    )
    libraries = "".join((SCRIPTS / f"lib/{name}.sh").read_text() for name in ("common", "etcd-client"))
    script = (SCRIPTS / "host/spare-machine.sh").read_text().replace("/etc/kubeadm-aws/made-of", str(note))
    script = script.replace("/var/lib/etcd/member/wal", str(folder / "wal"))
    text = f"{settings}\n{libraries}\ntell_failures\n{script.replace('wait_for 120', 'wait_for 0')}"
    done = run_with({"etcdctl": ETCDCTL, "curl": CURL}, text, folder, SICK=sick, LEADER=leader, MOVES=moves, API=api)
    (folder / "said").write_text(done.stdout)
    return done


Done = subprocess.CompletedProcess[str]


def calls(folder: Path) -> str:
    return (folder / "calls").read_text() if (folder / "calls").exists() else ""


def test_without_a_note_a_machine_on_which_a_member_runs_is_not_taken_for_new(tmp_path: Path):
    (tmp_path / "wal").mkdir()
    assert ask(tmp_path, noted="", sick=M3).returncode == 1
    assert "master-0 is something not noted and shall be" in (tmp_path / "said").read_text()


@pytest.mark.parametrize("noted", ["", "t3.large, 20 GiB, ami-1"], ids=["a new machine", "the same"])
def test_where_nothing_changes_nobody_is_asked(tmp_path: Path, noted: str):
    assert ask(tmp_path, noted=noted, sick=M2).returncode == 0
    assert not calls(tmp_path)


def test_a_leader_hands_over_before_it_is_stopped(tmp_path: Path):
    done = ask(tmp_path, noted="t3.small, 20 GiB, ami-1")
    assert done.returncode == 0, done.stderr
    assert "move-leader b" in calls(tmp_path)
    assert "master-0 is t3.small, 20 GiB, ami-1 and shall be t3.large, 20 GiB, ami-1" in done.stdout


def test_to_the_next_one_if_the_first_does_not_take_it(tmp_path: Path):
    assert ask(tmp_path, noted="t3.small", moves="1").returncode == 0
    assert "move-leader c" in calls(tmp_path)


def test_a_follower_has_nothing_to_hand_over(tmp_path: Path):
    assert ask(tmp_path, noted="t3.small", leader="2").returncode == 0
    assert "move-leader" not in calls(tmp_path)


def test_nothing_is_stopped_when_another_member_is_sick(tmp_path: Path):
    done = ask(tmp_path, noted="t3.small", sick=M3)
    assert done.returncode == 1
    assert (
        "waited 0 s in vain for the other members to be a quorum without master-0; until then it stays" in done.stderr
    )
    assert f"{M3} is not healthy" in done.stderr
    assert "move-leader" not in calls(tmp_path)


def test_nothing_is_stopped_when_no_other_api_server_is_ready(tmp_path: Path):
    done = ask(tmp_path, noted="t3.small", api="7")
    assert done.returncode == 1
    assert "in vain for an API server other than that of master-0" in done.stderr


def test_a_machine_whose_own_member_is_sick_may_change(tmp_path: Path):
    assert ask(tmp_path, noted="t3.medium, 20 GiB, ami-1", leader="nobody").returncode == 0
    assert "the member of master-0 does not answer, and leads nobody" in (tmp_path / "said").read_text()
    assert "move-leader" not in calls(tmp_path)
