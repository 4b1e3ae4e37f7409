"""How a machine comes to an etcd: as one of the first members, or taken in by those that are there."""

import subprocess
from pathlib import Path

import pytest
from etcd_scene import ADDRESSES, Host, make_host, started

from components.etcd.static_pod import StaticPodManager
from components.etcd.systemd import SystemdManager

OWN, *OTHERS = ADDRESSES
URL = f"https://{OWN}:2380"
LIVING = [started(f"1{n}", address) for n, address in enumerate(OTHERS, start=1)]
# etcd knows the first members' names before they start, and no others'.
FIRST = f"10, started, master-0, {URL}, , false"
UNSTARTED_VOTER = f"10, unstarted, , {URL}, , false"
UNSTARTED_LEARNER = f"10, unstarted, , {URL}, , true"
BEGINNING = {"INITIAL_CLUSTER": "master-0=https://10.0.0.10:2380", "INITIAL_CLUSTER_STATE": "new"}
ADMITTED = {
    "INITIAL_CLUSTER": f"master-1=https://10.0.0.11:2380,master-2=https://10.0.0.12:2380,master-0={URL}",
    "INITIAL_CLUSTER_STATE": "existing",
}
TURN = "turn: etcd-admission"
REMOVED = f"removed 10, {TURN}"
ADDED = [f"added master-0 at {URL}, {TURN}", "started at once", f"promoted ad0, {TURN}"]


@pytest.fixture(params=[SystemdManager, StaticPodManager])
def host(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    return make_host(tmp_path, request.param, monkeypatch)


@pytest.fixture
def unit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    """A host where it does not matter who runs etcd."""
    return make_host(tmp_path, SystemdManager, monkeypatch)


def etcd_lives(host: Host, *own: str) -> None:
    """The two others take part in a quorum, and list this host's member like this."""
    host.has_members(OTHERS, [], [])
    host.lists_members(*LIVING, *own)


def ran_before(host: Host) -> None:
    """A member lived here, and its data is gone."""
    assert host.runs(OTHERS).returncode == 0
    host.loses_its_data()
    host.forgets_events()


def test_a_member_is_born_without_waiting_for_the_others(host: Host) -> None:
    done = host.runs(OTHERS)
    assert done.returncode == 0, done.stderr
    assert "the cluster is being born" in done.stdout
    assert (host.events, host.birth) == (["started at once"], BEGINNING)
    assert host.has("not-waited-for")


def test_the_only_member_asks_nobody(unit: Host) -> None:
    done = unit.runs([])
    assert (done.returncode, unit.events, unit.birth) == (0, ["started at once"], BEGINNING), done.stderr
    assert not unit.has("asked")


def test_one_of_the_first_members_comes_when_it_comes(host: Host) -> None:
    etcd_lives(host, FIRST)
    done = host.runs(OTHERS)
    assert (done.returncode, host.events, host.birth) == (0, ["started at once"], BEGINNING), done.stderr


def test_a_lost_quorum_is_not_taken_for_a_birth(unit: Host) -> None:
    done = unit.runs(OTHERS, may_found=False)
    assert (done.returncode, unit.events) == (1, [])
    assert "without one nobody can let master-0 in" in done.stderr
    assert "Bring the others back first (https://10.0.0.11:2379,https://10.0.0.12:2379)" in done.stderr


def test_a_quorum_that_is_lost_for_a_moment_is_waited_for(unit: Host) -> None:
    unit.lists_members(*LIVING)
    (unit.folder / "heals" / OTHERS[0]).touch()
    done = unit.runs(OTHERS, may_found=False)
    assert (done.returncode, unit.events, unit.birth) == (0, ADDED, ADMITTED), done.stderr


def test_where_a_member_ran_once_none_is_born_again(unit: Host) -> None:
    ran_before(unit)
    unit.has_members([], [], [])
    done = unit.runs(OTHERS)
    assert (done.returncode, unit.events) == (1, [])
    assert "Bring the others back first" in done.stderr


def test_the_data_of_the_only_member_is_not_replaced_by_none(unit: Host) -> None:
    assert unit.runs([]).returncode == 0
    unit.loses_its_data()
    unit.forgets_events()
    done = unit.runs([])
    assert (done.returncode, unit.events) == (1, [])
    assert "the data of the only member is gone from" in done.stderr
    assert "python -m operate reset" in done.stderr


@pytest.mark.parametrize("learner", [False, True], ids=["voter", "learner"])
def test_a_new_machine_takes_the_place_of_the_one_that_is_gone(host: Host, learner: bool) -> None:
    etcd_lives(host, started("10", OWN, learner=learner))
    done = host.runs(OTHERS, may_found=False)
    assert (done.returncode, host.events, host.birth) == (0, [REMOVED, *ADDED], ADMITTED), done.stderr
    assert host.has("etc/etcd/voter")


def test_before_the_founding_a_new_machine_takes_that_place_too(unit: Host) -> None:
    etcd_lives(unit, started("10", OWN))
    done = unit.runs(OTHERS)
    assert (done.returncode, unit.events, unit.birth) == (0, [REMOVED, *ADDED], ADMITTED), done.stderr


@pytest.mark.parametrize("own", [FIRST, UNSTARTED_VOTER], ids=["first", "added by hand"])
def test_a_vote_that_nobody_ever_used_makes_room(unit: Host, own: str) -> None:
    etcd_lives(unit, own)
    done = unit.runs(OTHERS, may_found=False)
    assert (done.returncode, unit.events, unit.birth) == (0, [REMOVED, *ADDED], ADMITTED), done.stderr


def test_a_member_that_is_not_listed_is_added(host: Host) -> None:
    etcd_lives(host)
    done = host.runs(OTHERS, may_found=False)
    assert (done.returncode, host.events, host.birth) == (0, ADDED, ADMITTED), done.stderr


def test_a_learner_that_an_earlier_attempt_added_is_kept(host: Host) -> None:
    etcd_lives(host, UNSTARTED_LEARNER)
    done = host.runs(OTHERS, may_found=False)
    assert (done.returncode, host.events, host.birth) == (0, ["started at once", f"promoted 10, {TURN}"], ADMITTED), (
        done.stderr
    )


def test_what_an_earlier_attempt_has_started_meanwhile_is_no_lost_data(unit: Host) -> None:
    """It was killed when it had told systemd to start etcd, which made its data a moment later."""
    etcd_lives(unit, UNSTARTED_LEARNER)
    (unit.folder / "etc/etcd/birth.env").write_text("INITIAL_CLUSTER=any\nINITIAL_CLUSTER_STATE=existing\n")
    (unit.folder / "var/lib/etcd/member").mkdir(parents=True)
    (unit.folder / "var/lib/etcd/member/cluster").write_text("0123\n")
    begin_while_listing = (
        'case "$*" in *"member list"*) [[ -e $FAKE/active ]] || { touch "$FAKE/active"; begin-etcd; } ;; esac'
    )
    etcdctl = unit.folder / "bin/etcdctl"
    etcdctl.write_text(f"#!/usr/bin/env bash\n{begin_while_listing}\n{etcdctl.read_text()}")
    done = unit.runs(OTHERS, may_found=False)
    assert done.returncode == 0, done.stderr
    assert not [event for event in unit.events if event.startswith(("removed", "added"))]
    assert unit.events[-1] == "promoted 10, turn: none"
    assert unit.birth["INITIAL_CLUSTER"] == "any"


@pytest.mark.parametrize("may_found", [True, False], ids=["founder", "later machine"])
def test_a_member_without_its_data_comes_back_as_another(host: Host, may_found: bool) -> None:
    ran_before(host)
    etcd_lives(host, started("10", OWN))
    done = host.runs(OTHERS, may_found=may_found)
    assert (done.returncode, host.birth) == (0, ADMITTED), done.stderr
    assert host.events == ["stopped", REMOVED, *ADDED]


def test_a_member_that_serves_without_its_data_is_not_stopped_before_it_is_removed(host: Host) -> None:
    """The quorum may need it. Removed, it ends by itself, and whoever started it must not start it again."""
    ran_before(host)
    host.has_members(ADDRESSES, [], [])
    host.lists_members(*LIVING, started("10", OWN))
    done = host.runs(OTHERS)
    assert done.returncode == 0, done.stderr
    assert host.events == [REMOVED, "stopped", *ADDED]


def test_what_was_done_and_whose_answer_was_lost_is_not_done_in_vain(unit: Host) -> None:
    for own, done_before in ((started("10", OWN), [REMOVED]), (None, [])):
        etcd_lives(unit, *([own] if own else []))
        (unit.folder / "loses-answers").touch()
        done = unit.runs(OTHERS, may_found=False)
        assert (done.returncode, unit.events) == (0, [*done_before, *ADDED]), done.stderr
        unit.is_stopped()
        unit.loses_its_data()
        unit.forgets_events()


def test_it_starts_with_the_members_that_there_are_when_it_has_its_turn(unit: Host) -> None:
    """Two machines of five may be replaced at once: the other's member is another by then."""
    fourth = "10.0.0.13"
    etcd_lives(unit, "13, unstarted, , https://10.0.0.13:2380, , false", started("10", OWN))
    unit.lists_members(*LIVING, started("ad1", fourth), started("10", OWN), file="members-when-locked")
    done = unit.runs([*OTHERS, fourth], may_found=False)
    assert (done.returncode, unit.events) == (0, [REMOVED, *ADDED]), done.stderr
    assert ",master-3=https://10.0.0.13:2380,master-0=" in unit.birth["INITIAL_CLUSTER"]


@pytest.mark.parametrize("own", [started("10", OWN), UNSTARTED_LEARNER], ids=["predecessor", "earlier attempt"])
def test_nothing_changes_while_another_is_being_admitted(unit: Host, own: str) -> None:
    etcd_lives(unit, own)
    (unit.folder / "locked").touch()
    done = unit.runs(OTHERS, may_found=False)
    assert (done.returncode, unit.events) == (1, [])
    assert "this host did not get its turn for etcd's admission within 300 s" in done.stderr


def test_it_takes_no_turn_before_a_learner_that_was_left_has_its_vote(unit: Host) -> None:
    """That one's own step needs the turn, and etcd takes no second learner."""
    etcd_lives(unit, "13, unstarted, , https://10.0.0.13:2380, , true", started("10", OWN))
    done = unit.runs([*OTHERS, "10.0.0.13"], may_found=False)
    assert (done.returncode, unit.events) == (1, [])
    assert "waited 6 s in vain for the learner beside master-0 to get its vote" in done.stderr
    assert "lock " not in (unit.folder / "asked").read_text()


def test_members_without_a_name_are_named_for_etcd(unit: Host) -> None:
    etcd_lives(unit, "13, unstarted, , https://10.0.0.13:2380, , false")
    assert unit.runs([*OTHERS, "10.0.0.13"], may_found=False).returncode == 0
    assert ",unnamed-13=https://10.0.0.13:2380,master-0=" in unit.birth["INITIAL_CLUSTER"]


def test_a_learner_is_promoted_by_what_the_others_know_when_it_has_caught_up(unit: Host) -> None:
    etcd_lives(unit)
    (unit.folder / "lags").write_text("2\n")
    done = unit.runs(OTHERS, may_found=False)
    assert (done.returncode, unit.events) == (0, ADDED), done.stderr
    asked = (unit.folder / "asked").read_text().splitlines()
    promotions = [line for line in asked if line.startswith("member promote")]
    assert promotions == ["member promote ad0 at https://10.0.0.11:2379,https://10.0.0.12:2379"] * 3


def test_a_learner_that_does_not_catch_up_is_told(unit: Host) -> None:
    etcd_lives(unit)
    (unit.folder / "lags").write_text("1000\n")
    done = unit.runs(OTHERS, may_found=False)
    assert done.returncode == 1
    assert "can only promote a learner member which is in sync with leader" in done.stderr
    assert (
        "FAILED: etcd on master-0: waited 6 s in vain for learner master-0 to catch up with the others" in done.stderr
    )
    assert not unit.has("etc/etcd/voter")


def test_a_learner_whose_others_have_no_quorum_says_so(unit: Host) -> None:
    etcd_lives(unit)
    (unit.folder / "lags").write_text("1000\n")
    assert unit.runs(OTHERS, may_found=False).returncode == 1
    unit.has_members([], [], [])
    done = unit.runs(OTHERS, may_found=False)
    assert done.returncode == 1
    assert "Error: context deadline exceeded" in done.stderr


def test_systemd_starts_no_voter_on_a_disk_that_was_emptied_beneath_it(unit: Host) -> None:
    """It would begin anew under the ID of the one that has voted."""
    etcd_lives(unit)
    assert unit.runs(OTHERS, may_found=False).returncode == 0
    unit.is_stopped()
    unit.loses_its_data()
    starting = [str(unit.folder / "bin/systemctl"), "start", "etcd"]
    subprocess.run(starting, env={"PATH": f"{unit.folder / 'bin'}:/usr/bin:/bin", "FAKE": str(unit.folder)}, check=True)
    assert not unit.has("active")
