"""When a running etcd member is restarted: its script, run by a real bash where etcd and systemd are played."""

import json
import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from components import node_script
from components.etcd_systemd import SystemdManager
from components.node_script import SCRIPTS, render

ADDRESSES = ["10.0.0.10", "10.0.0.11", "10.0.0.12"]
FLAGS = "HEARTBEAT_MILLISECONDS=100\n"
FAKES = {
    # The unit is active when a file says so; a restart makes it so.
    "systemctl": """
case "$*" in
  *is-active*) [[ -e $FAKE/active ]] ;;
  *is-failed*) false ;;
  "show --property NRestarts"*) echo 0 ;;
  "show --property LoadState"*) echo loaded ;;
  "show --property ActiveState"*) [[ -e $FAKE/active ]] && echo active || echo inactive ;;
  restart*)
    touch "$FAKE/active" "$FAKE/healthy/10.0.0.10"
    echo "$* $([[ -e $FAKE/holds ]] && echo in the lock || echo without lock)" >>"$FAKE/restarts" ;;
esac
""",
    # An address is healthy when a file of its name is there; one of heals/ gets there when it has been asked twice.
    "curl": """
url=${@: -1}
address=$(sed -E 's,https://([^:/]+).*,\\1,' <<<"$url")
echo "$url" >>"$FAKE/asked"
case "$url" in
  */members) [[ -s $FAKE/members ]] && cat "$FAKE/members" ;;
  */v3/lease/grant) echo '{"header":{"revision":"1"}, "ID":"147", "TTL":"180"}' ;;
  */v3/lock/lock) [[ ! -e $FAKE/locked ]] && touch "$FAKE/holds" && echo '{"key":"a2V5"}' ;;
  */v3/lease/revoke) rm -f "$FAKE/holds" ;;
  */v3/lease/keepalive) echo '{"result":{}}' ;;
  */downgrade/enabled)
    if [[ -e $FAKE/healthy/$address ]]; then
      echo false
    else
      if [[ -s $FAKE/heals/$address ]]; then
        mv "$FAKE/heals/$address" "$FAKE/healthy/"
      elif [[ -e $FAKE/heals/$address ]]; then
        echo asked >"$FAKE/heals/$address"
      fi
      exit 22
    fi ;;
  *) exit 7 ;;
esac
""",
    # Every certificate is as it should be.
    "openssl": """
case "$*" in
  *-pubkey* | pkey*) echo key ;;
  *-checkip*) echo "IP 10.0.0.10 does match certificate" ;;
esac
""",
    "systemd-analyze": "true",
    "ss": """[[ $* != *"src = "* ]] || echo "LISTEN 10.0.0.10:2380" """,
    "journalctl": "true",
    "id": "true",
    "install": """mkdir -p "${@: -1}" """,
    "stat": """[[ $* == *%U* ]] && echo nobody || exec /usr/bin/stat "$@" """,
}


@dataclass(frozen=True, kw_only=True)
class Host:
    """The first master, with its folder for the fakes and the paths that the script knows as absolute ones."""

    folder: Path

    @property
    def restarts(self) -> list[str]:
        file = self.folder / "restarts"
        return file.read_text().splitlines() if file.exists() else []

    def has_members(self, healthy: list[str], voters: list[str], learners: list[str]) -> None:
        members = [
            {
                "id": ordinal,
                "peerURLs": [f"https://{address}:2380"],
                **({"isLearner": True} if address in learners else {}),
                "name": f"master-{ordinal}",
                "clientURLs": [f"https://{address}:2379"],
            }
            for ordinal, address in enumerate([*voters, *learners])
        ]
        (self.folder / "members").write_text(json.dumps(members, separators=(",", ":")))
        for file in (self.folder / "healthy").iterdir():
            file.unlink()
        for address in healthy:
            (self.folder / "healthy" / address).touch()

    def sets_flags(self, flags: str) -> None:
        (self.folder / "etc" / "etcd" / "etcd.env").write_text(flags)

    def runs(self, others: list[str]) -> subprocess.CompletedProcess[str]:
        """The step, with 2 s of patience for the other members instead of 80 and 300."""
        text = render(
            "etcd on master-0",
            "etcd-member.sh",
            settings={
                "NAME": "master-0",
                "ADDRESS": ADDRESSES[0],
                "ETCD_VERSION": "3.7.1",
                "MIRROR": "",
                "INITIAL_CLUSTER": "master-0=https://10.0.0.10:2380",
                "OTHER_PEERS": ",".join(f"https://{address}:2380" for address in others),
                "CLUSTER": "0123",
                "ETCD_PKI": str(self.folder / "etc/etcd/pki"),
                "ETCD_OWNER": f"{os.getuid()}:{os.getgid()}",
                "STAGE": str(self.folder / "run/etcd-member"),
            },
            libraries=SystemdManager.libraries,
        )
        stage = self.folder / "run/etcd-member/pki"
        stage.mkdir(parents=True)
        (stage / "ca.crt").write_text("some")
        for name in ("server", "peer", "healthcheck-client"):
            for kind in ("crt", "key"):
                (stage / f"{name}.{kind}").write_text("some")
        for real, played in {"wait_for 80 ": "wait_for 2 ", "wait_for 300 ": "wait_for 2 "}.items():
            assert real in text
            text = text.replace(real, played)
        path = f"{self.folder / 'bin'}:/usr/bin:/bin"
        return subprocess.run(
            ["bash", "-s"],
            input=text,
            env={"PATH": path, "FAKE": str(self.folder)},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    """A host with etcd's binaries and files in place on which nothing ever ran, and nobody answers."""
    scripts = tmp_path / "scripts"
    for folder in ("scripts", "bin", "healthy", "heals", "etc/etcd/pki", "etc/systemd/system", "run/lock"):
        (tmp_path / folder).mkdir(parents=True)
    for name in ("common.sh", *SystemdManager.libraries, SystemdManager.script):
        text = (SCRIPTS / name).read_text().replace("root:root", f"{os.getuid()}:{os.getgid()}")
        for place in ("/var/lib/", "/etc/etcd", "/etc/systemd", "/usr/local/", "/run/lock"):
            text = text.replace(place, f"{tmp_path}{place}")
        (scripts / name).write_text(text)
    monkeypatch.setattr(node_script, "SCRIPTS", scripts)
    for name, script in FAKES.items():
        (tmp_path / "bin" / name).write_text(f"#!/usr/bin/env bash\n{script}")
        (tmp_path / "bin" / name).chmod(0o755)
    (tmp_path / "usr/local/bin").mkdir(parents=True)
    (tmp_path / "usr/local/lib/etcd-3.7.1").mkdir(parents=True)
    for file in ("etc/systemd/system/etcd.service", "etc/etcd/etcd.env", "etc/etcd/pki/ca.crt", "members"):
        (tmp_path / file).touch()
    made = Host(folder=tmp_path)
    made.sets_flags(FLAGS)
    return made


@pytest.fixture
def running(host: Host) -> Host:
    """A host whose member was born, one of three that are all healthy, and is as wanted."""
    done = host.runs(ADDRESSES[1:])
    assert done.returncode == 0, done.stderr
    (host.folder / "var/lib/etcd/member/wal").mkdir()
    (host.folder / "restarts").unlink()
    host.has_members(ADDRESSES, ADDRESSES, [])
    return host


def test_a_member_is_born_without_waiting_for_the_others(host: Host) -> None:
    started = time.monotonic()
    done = host.runs(ADDRESSES[1:])
    assert done.returncode == 0, done.stderr
    assert host.restarts == ["restart --no-block etcd without lock"]
    assert time.monotonic() - started < 2
    assert "/downgrade/enabled" not in (host.folder / "asked").read_text()


def test_a_member_that_is_as_wanted_is_left_alone(running: Host) -> None:
    done = running.runs(ADDRESSES[1:])
    assert (done.returncode, running.restarts) == (0, []), done.stderr


def test_changed_flags_restart_it_in_its_turn_and_once(running: Host) -> None:
    running.sets_flags("HEARTBEAT_MILLISECONDS=200\n")
    for _ in range(2):
        done = running.runs(ADDRESSES[1:])
        assert (done.returncode, running.restarts) == (0, ["restart etcd in the lock"]), done.stderr
    assert not (running.folder / "holds").exists(), "the lock is given back"


def test_it_waits_for_its_turn_and_restarts_nothing_before(running: Host) -> None:
    (running.folder / "locked").touch()
    running.sets_flags("HEARTBEAT_MILLISECONDS=200\n")
    done = running.runs(ADDRESSES[1:])
    assert (done.returncode, running.restarts) == (1, [])
    assert "waited 2 s in vain for this host's turn to restart etcd" in done.stderr


def test_it_waits_in_the_lock_while_another_is_down_for_a_moment(running: Host) -> None:
    running.has_members(ADDRESSES[:2], ADDRESSES, [])
    (running.folder / "heals" / ADDRESSES[2]).touch()
    running.sets_flags("HEARTBEAT_MILLISECONDS=200\n")
    done = running.runs(ADDRESSES[1:])
    assert (done.returncode, running.restarts) == (0, ["restart etcd in the lock"]), done.stderr
    assert (running.folder / "healthy" / ADDRESSES[2]).exists()


def test_it_is_not_restarted_while_another_is_dead_for_good(running: Host) -> None:
    running.has_members(ADDRESSES[:2], ADDRESSES, [])
    running.sets_flags("HEARTBEAT_MILLISECONDS=200\n")
    for _ in range(2):
        done = running.runs(ADDRESSES[1:])
        assert (done.returncode, running.restarts) == (1, [])
        assert "https://10.0.0.12:2380 is not healthy" in done.stderr
        assert "of the 2 other members 1 healthy; 2 must be, for a quorum while this one restarts" in done.stderr
        assert "FAILED: etcd on master-0: waited 2 s in vain for enough of the other members" in done.stderr


def test_one_dead_of_five_stops_nobody(running: Host) -> None:
    five = [*ADDRESSES, "10.0.0.13", "10.0.0.14"]
    running.has_members(five[:4], five, [])
    running.sets_flags("HEARTBEAT_MILLISECONDS=200\n")
    done = running.runs(five[1:])
    assert (done.returncode, running.restarts) == (0, ["restart etcd in the lock"]), done.stderr


@pytest.mark.parametrize("state", ["not running", "without a quorum"])
def test_a_member_that_serves_nobody_is_started_at_once(running: Host, state: str) -> None:
    if state == "not running":
        (running.folder / "active").unlink()
    running.has_members([], ADDRESSES, [])
    running.sets_flags("HEARTBEAT_MILLISECONDS=200\n")
    done = running.runs(ADDRESSES[1:])
    assert (done.returncode, running.restarts) == (0, ["restart --no-block etcd without lock"]), done.stderr


@pytest.mark.parametrize("learners", [[], ADDRESSES[1:]], ids=["alone", "beside learners"])
def test_the_only_voter_asks_nobody(running: Host, learners: list[str]) -> None:
    running.has_members(ADDRESSES[:1], ADDRESSES[:1], learners)
    running.sets_flags("HEARTBEAT_MILLISECONDS=200\n")
    done = running.runs(learners)
    assert (done.returncode, running.restarts) == (0, ["restart --no-block etcd without lock"]), done.stderr
