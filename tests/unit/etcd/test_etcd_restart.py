"""When a running etcd member is restarted, whoever runs it."""

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
    (host.folder / "var/lib/etcd/member/wal").mkdir()
    (host.folder / "restarts").unlink()
    host.has_members(ADDRESSES, ADDRESSES, [])
    return host


def test_a_member_is_born_without_waiting_for_the_others(host: Host) -> None:
    done = host.runs(ADDRESSES[1:])
    assert done.returncode == 0, done.stderr
    assert host.restarts == ["at once"]
    assert (host.folder / "not-waited-for").exists()
    assert "/downgrade/enabled" not in (host.folder / "asked").read_text()


def test_a_member_that_is_as_wanted_is_left_alone(running: Host) -> None:
    done = running.runs(ADDRESSES[1:])
    assert (done.returncode, running.restarts) == (0, []), done.stderr


def test_changed_flags_restart_it_in_its_turn_and_once(running: Host) -> None:
    running.sets_heartbeat(200)
    for _ in range(2):
        done = running.runs(ADDRESSES[1:])
        assert (done.returncode, running.restarts) == (0, ["in its turn"]), done.stderr
    assert not (running.folder / "holds").exists(), "the lock is given back"


def test_it_waits_for_its_turn_and_restarts_nothing_before(running: Host) -> None:
    (running.folder / "locked").touch()
    running.sets_heartbeat(200)
    done = running.runs(ADDRESSES[1:])
    assert (done.returncode, running.restarts) == (1, [])
    assert "waited 6 s in vain for this host's turn to restart etcd" in done.stderr


def test_it_waits_in_the_lock_while_another_is_down_for_a_moment(running: Host) -> None:
    running.has_members(ADDRESSES[:2], ADDRESSES, [])
    (running.folder / "heals" / ADDRESSES[2]).touch()
    running.sets_heartbeat(200)
    done = running.runs(ADDRESSES[1:])
    assert (done.returncode, running.restarts) == (0, ["in its turn"]), done.stderr
    assert (running.folder / "healthy" / ADDRESSES[2]).exists()


def test_it_is_not_restarted_while_another_is_dead_for_good(running: Host) -> None:
    running.has_members(ADDRESSES[:2], ADDRESSES, [])
    running.sets_heartbeat(200)
    for _ in range(2):
        done = running.runs(ADDRESSES[1:])
        assert (done.returncode, running.restarts) == (1, [])
        assert "https://10.0.0.12:2380 is not healthy" in done.stderr
        assert "of the 2 other members 1 healthy; 2 must be, for a quorum while this one restarts" in done.stderr
        assert "FAILED: etcd on master-0: waited 6 s in vain for enough of the other members" in done.stderr


def test_one_dead_of_five_stops_nobody(running: Host) -> None:
    five = [*ADDRESSES, "10.0.0.13", "10.0.0.14"]
    running.has_members(five[:4], five, [])
    running.sets_heartbeat(200)
    done = running.runs(five[1:])
    assert (done.returncode, running.restarts) == (0, ["in its turn"]), done.stderr


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
    assert (done.returncode, running.restarts) == (0, ["at once"]), done.stderr


def test_a_learner_that_nobody_promoted_yet_needs_no_turn(running: Host) -> None:
    """Its step may have been killed between its start and its promotion; a learner may not take the lock."""
    came_as_learner(running)
    running.sets_heartbeat(200)
    done = running.runs(ADDRESSES[1:])
    assert (done.returncode, running.restarts) == (0, ["at once"]), done.stderr
    assert not (running.folder / "holds").exists()
    assert (running.folder / "promoted").exists()


def test_a_learner_is_promoted_by_what_the_others_know(running: Host) -> None:
    """One that has only just started believes what was before it: that it votes, or that it is not there."""
    came_as_learner(running)
    for believed in ("[]", '[{"id":0,"peerURLs":["https://10.0.0.10:2380"],"name":"master-0","clientURLs":["x"]}]'):
        (running.folder / "believes").write_text(believed)
        (running.folder / "promoted").unlink(missing_ok=True)
        (running.folder / "etc/etcd/voter").unlink(missing_ok=True)
        done = running.runs(ADDRESSES[1:])
        assert done.returncode == 0, done.stderr
        assert (running.folder / "promoted").exists(), believed


def test_a_voter_that_came_as_a_learner_needs_no_other_member(running: Host) -> None:
    came_as_learner(running)
    assert running.runs(ADDRESSES[1:]).returncode == 0
    running.has_members([], [], [])
    (running.folder / "promoted").unlink()
    done = running.runs(ADDRESSES[1:])
    assert done.returncode == 0, done.stderr
    assert not (running.folder / "promoted").exists()


def came_as_learner(host: Host) -> None:
    """The first member was let in by two others, and has no vote yet."""
    (host.folder / "etc/etcd/birth.env").write_text("INITIAL_CLUSTER=any\nINITIAL_CLUSTER_STATE=existing\n")
    host.has_members(ADDRESSES, ADDRESSES[1:], ADDRESSES[:1])


@pytest.mark.parametrize("learners", [[], ADDRESSES[1:]], ids=["alone", "beside learners"])
def test_the_only_voter_asks_nobody(running: Host, learners: list[str]) -> None:
    running.has_members(ADDRESSES[:1], ADDRESSES[:1], learners)
    running.sets_heartbeat(200)
    done = running.runs(learners)
    assert (done.returncode, running.restarts) == (0, ["at once"]), done.stderr
