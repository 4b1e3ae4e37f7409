"""When a running etcd member is restarted, whoever runs it."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from etcd_scene import ADDRESSES, Host, make_host

from components.etcd.static_pod import StaticPodManager
from components.etcd.systemd import SystemdManager


@pytest.fixture(params=[SystemdManager, StaticPodManager])
def host(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    return make_host(tmp_path, request.param, monkeypatch)


@pytest.fixture
def running(host: Host) -> Host:
    """A host whose member was born, one of three that are all healthy, and is as wanted."""
    done = host.runs(ADDRESSES[1:])
    assert done.returncode == 0, done.stderr
    host.forgets_events()
    host.has_members(ADDRESSES, ADDRESSES, [])
    return host


def test_a_member_that_is_as_wanted_is_left_alone(running: Host) -> None:
    done = running.runs(ADDRESSES[1:])
    assert (done.returncode, running.events) == (0, []), done.stderr


def test_changed_flags_restart_it_in_its_turn_and_once(running: Host) -> None:
    running.sets_heartbeat(200)
    for _ in range(2):
        done = running.runs(ADDRESSES[1:])
        assert (done.returncode, running.events) == (0, ["started in its turn"]), done.stderr
    assert gives_the_lock_back(running)


def test_it_waits_for_its_turn_and_restarts_nothing_before(running: Host) -> None:
    (running.folder / "locked").touch()
    running.sets_heartbeat(200)
    done = running.runs(ADDRESSES[1:])
    assert (done.returncode, running.events) == (1, [])
    assert "this host did not get its turn for etcd's restart within 300 s" in done.stderr


def test_a_lock_that_cannot_be_had_is_told_and_nothing_is_restarted(running: Host) -> None:
    (running.folder / "lockless").touch()
    running.sets_heartbeat(200)
    done = running.runs(ADDRESSES[1:])
    assert (done.returncode, running.events) == (1, [])
    assert "Error: etcdserver: no leader" in done.stderr
    assert "FAILED: etcd on master-0: this host did not get its turn for etcd's restart" in done.stderr


def test_a_turn_that_is_lost_meanwhile_restarts_nothing(running: Host) -> None:
    (running.folder / "loses-turn").touch()
    running.has_members(ADDRESSES[:2], ADDRESSES, [])
    (running.folder / "heals" / ADDRESSES[2]).touch()
    running.sets_heartbeat(200)
    done = running.runs(ADDRESSES[1:])
    assert (done.returncode, running.events) == (1, [])
    assert "Error: session expired" in done.stderr
    assert "FAILED: etcd on master-0: this host lost its turn for etcd's restart" in done.stderr


def test_who_holds_the_lock_ends_with_the_step_when_no_member_answers_it(running: Host) -> None:
    (running.folder / "hangs").touch()
    running.sets_heartbeat(200)
    done = running.runs(ADDRESSES[1:])
    assert (done.returncode, running.events) == (0, ["started in its turn"]), done.stderr
    holder = Path("/proc") / (running.folder / "hanging").read_text().strip()
    assert eventually(lambda: not holder.exists())


def test_who_holds_the_lock_does_not_hold_the_steps_own(running: Host) -> None:
    (running.folder / "locked").touch()
    running.sets_heartbeat(200)
    files = 'readlink /proc/$$/fd/* >"$FAKE/held"'
    etcdctl = running.folder / "bin/etcdctl"
    etcdctl.write_text(f'#!/usr/bin/env bash\n[[ $* != *" lock "* ]] || {files}\n{etcdctl.read_text()}')
    assert running.runs(ADDRESSES[1:]).returncode == 1
    assert "/run/lock/" not in (running.folder / "held").read_text()


def test_it_waits_in_the_lock_while_another_is_down_for_a_moment(running: Host) -> None:
    running.has_members(ADDRESSES[:2], ADDRESSES, [])
    (running.folder / "heals" / ADDRESSES[2]).touch()
    running.sets_heartbeat(200)
    done = running.runs(ADDRESSES[1:])
    assert (done.returncode, running.events) == (0, ["started in its turn"]), done.stderr
    assert running.has(f"healthy/{ADDRESSES[2]}")


def test_it_is_not_restarted_while_another_is_dead_for_good(running: Host) -> None:
    running.has_members(ADDRESSES[:2], ADDRESSES, [])
    running.sets_heartbeat(200)
    for _ in range(2):
        done = running.runs(ADDRESSES[1:])
        assert (done.returncode, running.events) == (1, [])
        assert "https://10.0.0.12:2379 is not healthy" in done.stderr
        assert "of the 2 other members 1 healthy; 2 must be, for a quorum while this one restarts" in done.stderr
        assert "FAILED: etcd on master-0: waited 6 s in vain for enough of the other members" in done.stderr
        assert gives_the_lock_back(running)


def test_one_dead_of_five_stops_nobody(running: Host) -> None:
    five = [*ADDRESSES, "10.0.0.13", "10.0.0.14"]
    running.has_members(five[:4], five, [])
    running.sets_heartbeat(200)
    done = running.runs(five[1:])
    assert (done.returncode, running.events) == (0, ["started in its turn"]), done.stderr


def test_a_pod_whose_etcd_ends_by_itself_is_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    host = make_host(tmp_path, StaticPodManager, monkeypatch)
    (host.folder / "crashes").touch()
    log = host.folder / "var/log/pods/kube-system_etcd-master-0_1/etcd/0.log"
    log.parent.mkdir(parents=True)
    log.write_text('2026-11-21T14:00:00Z stderr F {"level":"fatal","msg":"discovery failed","error":"no such flag"}\n')
    done = host.runs(ADDRESSES[1:])
    assert done.returncode == 1
    assert "etcd ends by itself on this host: fatal: discovery failed: no such flag" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize("state", ["not running", "without a quorum"])
def test_a_member_that_serves_nobody_is_started_at_once(running: Host, state: str) -> None:
    if state == "not running":
        running.is_stopped()
    running.has_members([], ADDRESSES, [])
    running.sets_heartbeat(200)
    done = running.runs(ADDRESSES[1:])
    assert (done.returncode, running.starts) == (0, ["at once"]), done.stderr


def test_a_learner_that_nobody_promoted_yet_needs_no_turn(running: Host) -> None:
    """Its step may have been killed between its start and its promotion; a learner may not take the lock."""
    came_as_learner(running)
    running.sets_heartbeat(200)
    done = running.runs(ADDRESSES[1:])
    assert (done.returncode, running.starts) == (0, ["at once"]), done.stderr
    assert "promoted 2, turn: none" in running.events


def test_a_voter_that_came_as_a_learner_needs_no_other_member(running: Host) -> None:
    came_as_learner(running)
    assert running.runs(ADDRESSES[1:]).returncode == 0
    running.forgets_events()
    running.has_members([], [], [])
    done = running.runs(ADDRESSES[1:])
    assert (done.returncode, running.events) == (0, []), done.stderr


def came_as_learner(host: Host) -> None:
    """The first member was let in by two others, and has no vote yet."""
    (host.folder / "etc/etcd/birth.env").write_text("INITIAL_CLUSTER=any\nINITIAL_CLUSTER_STATE=existing\n")
    host.has_members(ADDRESSES, ADDRESSES[1:], ADDRESSES[:1])


@pytest.mark.parametrize("learners", [[], ADDRESSES[1:]], ids=["alone", "beside learners"])
def test_the_only_voter_asks_nobody(running: Host, learners: list[str]) -> None:
    running.has_members(ADDRESSES[:1], ADDRESSES[:1], learners)
    running.sets_heartbeat(200)
    done = running.runs(learners)
    assert (done.returncode, running.events) == (0, ["started at once"]), done.stderr


def gives_the_lock_back(host: Host) -> bool:
    """Whether the one who holds it, and ends with the step, is soon gone."""
    return eventually(lambda: not host.has("holds"))


def eventually(is_so: Callable[[], bool]) -> bool:
    """Whether it is so within five seconds."""
    for _ in range(50):
        if is_so():
            return True
        time.sleep(0.1)
    return False
