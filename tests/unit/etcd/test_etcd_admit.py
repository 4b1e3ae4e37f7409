"""Letting a new machine into a living etcd: the script, run by a real bash where etcd's gateway is played."""

import base64
import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from components.host import script as node_script
from components.host.script import SCRIPTS, render

PEER, CLIENT = "https://10.0.0.12:2380", "https://10.0.0.12:2379"
OTHERS = "https://10.0.0.10:2379,https://10.0.0.11:2379"
# The cluster is there when there are members; each change is written down.
CURL = """#!/usr/bin/env bash
url=${@: -1}
data=$(sed -n 's/.*--data \\(.*\\) https.*/\\1/p' <<<"$*")
refuse() { [[ ! -e $FAKE/lost ]] || { echo "{\\"message\\":\\"etcdserver: $1\\"}" && exit 22; }; }
case "$url" in
  https://10.0.0.12:2379/health) [[ -e $FAKE/alive ]] ;;
  https://10.0.0.10:*) exit 7 ;;
  */member/list) [[ -s $FAKE/members ]] && cat "$FAKE/members" ;;
  */kv/range) [[ ! -e $FAKE/unreadable ]] || exit 22
    [[ ! -e $FAKE/machine ]] || cat "$FAKE/machine" ;;
  */member/remove) echo "remove $data" >>"$FAKE/changes" && refuse "member not found" ;;
  */member/add) echo "add $data" >>"$FAKE/changes" && refuse "Peer URLs already exists" ;;
  */kv/put) echo "note $data" >>"$FAKE/changes" ;;
  *) exit 7 ;;
esac
"""
# What tells whether this member's port takes connections.
TIMEOUT = """#!/usr/bin/env bash
[[ -e $FAKE/listens ]] || { echo "Connection refused" >&2 && exit 1; }
"""
REMOVED = ['remove {"ID": "12"}']
TAKEN = [
    'add {"peerURLs": ["https://10.0.0.12:2380"], "isLearner": true}',
    f'note {{"key": "{base64.b64encode(b"kubeadm-aws/etcd-members/etcd-2").decode()}", '
    f'"value": "{base64.b64encode(b"i-new").decode()}"}}',
]


@dataclass(frozen=True, kw_only=True)
class Master:
    """The host that asks, and what etcd behind the gateway knows."""

    folder: Path

    def etcd_lists(self, **own: object) -> None:
        """Two other members, and this one when anything is told of it."""
        members = [
            {"ID": f"1{n}", "name": f"etcd-{n}", "peerURLs": [f"https://10.0.0.1{n}:2380"], "clientURLs": ["https://x"]}
            for n in range(2)
        ]
        mine = [{"ID": "12", "peerURLs": [PEER], **own}] if own else []
        (self.folder / "members").write_text(json.dumps({"header": {}, "members": [*members, *mine]}))

    def etcd_notes(self, machine: str) -> None:
        value = base64.b64encode(machine.encode()).decode()
        (self.folder / "machine").write_text(f'{{"header":{{}}, "kvs":[{{"key":"a2V5", "value":"{value}"}}]}}')

    def has(self, file: str) -> None:
        (self.folder / file).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / file).touch()

    @property
    def changes(self) -> list[str]:
        file = self.folder / "changes"
        return file.read_text().splitlines() if file.exists() else []

    def runs(self, others: str = OTHERS) -> subprocess.CompletedProcess[str]:
        certificates = self.folder / "run/etcd-admit"
        certificates.mkdir(parents=True)
        text = render(
            "etcd-admit-etcd-2 on master-0",
            "etcd/admit.sh",
            settings={
                "MEMBER": "etcd-2",
                "MACHINE": "i-new",
                "PEER_URL": PEER,
                "CLIENT_URL": CLIENT,
                "OTHER_ENDPOINTS": others,
                "CERTIFICATES": str(certificates),
            },
            libraries=["lib/etcd-api.sh"],
        )
        done = subprocess.run(
            ["bash", "-s"],
            input=text,
            env={"PATH": f"{self.folder / 'bin'}:/usr/bin:/bin", "FAKE": str(self.folder)},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert not certificates.exists(), "a client's key does not stay"
        return done


@pytest.fixture
def master(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Master:
    scripts = tmp_path / "scripts"
    for folder in (scripts, tmp_path / "bin", tmp_path / "run/lock"):
        folder.mkdir(parents=True)
    for name in ("lib/common.sh", "lib/etcd-api.sh", "etcd/admit.sh"):
        text = (SCRIPTS / name).read_text().replace("root:root", f"{os.getuid()}:{os.getgid()}")
        for place in ("/run/lock", "/etc/kubernetes"):
            text = text.replace(place, f"{tmp_path}{place}")
        (scripts / name).parent.mkdir(exist_ok=True)
        (scripts / name).write_text(text)
    monkeypatch.setattr(node_script, "SCRIPTS", scripts)
    for name, script in {"curl": CURL, "timeout": TIMEOUT}.items():
        (tmp_path / "bin" / name).write_text(script)
        (tmp_path / "bin" / name).chmod(0o755)
    return Master(folder=tmp_path)


def started(**more: object) -> dict[str, object]:
    return {"name": "etcd-2", "clientURLs": [CLIENT], **more}


def test_at_birth_nobody_needs_to_be_let_in(master: Master) -> None:
    done = master.runs()
    assert (done.returncode, master.changes) == (0, []), done.stderr
    assert "being born" in done.stdout


def test_a_lost_quorum_is_not_taken_for_a_birth(master: Master) -> None:
    master.has("etc/kubernetes/manifests/kube-apiserver.yaml")
    done = master.runs()
    assert (done.returncode, master.changes) == (1, [])
    assert "bring the others back first (https://10.0.0.10:2379,https://10.0.0.11:2379)" in done.stderr


def test_a_member_that_is_there_gets_its_new_certificates_without_a_quorum(master: Master) -> None:
    """All of a cluster's may have expired, and the members' own steps bring the new ones."""
    master.has("etc/kubernetes/manifests/kube-apiserver.yaml")
    master.has("listens")
    done = master.runs()
    assert (done.returncode, master.changes) == (0, []), done.stderr


def test_the_only_member_asks_nobody(master: Master) -> None:
    master.has("etc/kubernetes/manifests/kube-apiserver.yaml")
    assert master.runs(others="").returncode == 0


def test_one_of_the_first_members_comes_when_it_comes(master: Master) -> None:
    master.etcd_lists(name="etcd-2")
    assert (master.runs().returncode, master.changes) == (0, [])


def test_a_member_on_the_same_machine_is_left_alone_even_when_it_is_down(master: Master) -> None:
    master.etcd_lists(**started())
    master.etcd_notes("i-new")
    assert (master.runs().returncode, master.changes) == (0, [])


@pytest.mark.parametrize("noted", [None, "i-old"])
def test_a_living_member_is_never_removed(master: Master, noted: str | None) -> None:
    master.etcd_lists(**started())
    if noted:
        master.etcd_notes(noted)
    master.has("alive")
    assert (master.runs().returncode, master.changes) == (0, [])


def test_a_member_is_not_removed_because_nobody_could_say_which_machine_it_was_on(master: Master) -> None:
    master.etcd_lists(**started())
    master.has("unreadable")
    done = master.runs()
    assert (done.returncode, master.changes) == (1, [])
    assert "cannot read from etcd at https://10.0.0.11:2379 which machine etcd-2 was on" in done.stderr


@pytest.mark.parametrize("noted", [None, "i-old"])
@pytest.mark.parametrize("learner", [{}, {"isLearner": True}], ids=["voter", "learner"])
def test_the_member_of_a_machine_that_is_gone_makes_room(
    master: Master, noted: str | None, learner: dict[str, bool]
) -> None:
    master.etcd_lists(**started(**learner))
    if noted:
        master.etcd_notes(noted)
    done = master.runs()
    assert (done.returncode, master.changes) == (0, REMOVED + TAKEN), done.stderr


def test_a_member_that_was_removed_by_hand_is_taken_again(master: Master) -> None:
    master.etcd_lists()
    master.etcd_notes("i-new")
    assert (master.runs().returncode, master.changes) == (0, TAKEN)


def test_what_an_attempt_did_whose_answer_was_lost_is_not_done_in_vain(master: Master) -> None:
    master.etcd_lists(**started())
    master.has("lost")
    done = master.runs()
    assert (done.returncode, master.changes) == (0, REMOVED + TAKEN), done.stderr
