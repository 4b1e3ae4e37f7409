"""The host command etcd-health, run by a real bash where curl answers as etcd 3.7.1 does."""

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from components.host.script import read_script

ADDRESSES = ("10.0.32.10", "10.0.48.10", "10.0.64.10")
NAMES = ("master-0", "master-1", "master-2")
IDS = ("15891289922730398853", "14668233343645182363", "8587441306241637565")
HEADER = '"cluster_id":"9397396676449045722", "member_id":"14668233343645182363", "raft_term":"2"'
CURL = """
while (($#)); do
  case $1 in
    --output) body=$2 ;;
    --cert) echo "$2 ${@: -1}" >>"$FAKE/asked" ;;
  esac
  url=$1
  shift
done
file=$FAKE/answers/${url//[:\\/]/_}
[[ -e $file ]] || file=$FAKE/answers/refused
sed -n 1p "$file"
sed -n 2p "$file" >&2
sed 1,2d "$file" >"$body"
read -r code _ <"$file"
exit "$code"
"""

REFUSED = ("7 000 0.000000 Couldn't connect to server", "* connect to 10.0.48.10 port 2379 failed: Connection refused")
DROPPED = ("28 000 0.000000 Connection timeout after 3001 ms", "*   Trying 10.0.48.10:2379...")
HANGING = ("28 000 0.000000 Connection timeout after 3001 ms", "* (304) (OUT), TLS handshake, Client hello (1):")
SLOW = ("28 000 0.012500 Operation timed out after 5001 milliseconds", "")
WRONG_CERTIFICATE = ("56 000 0.009000 OpenSSL SSL_read: tlsv13 alert certificate required, errno 0", "")


def ok(body: str, status: int = 200) -> tuple[str, str, str]:
    return (f"0 {status} 0.010000", "", body)


@dataclass(frozen=True, kw_only=True)
class Host:
    """A host with the files that tell what it is."""

    folder: Path

    def answers(self, url: str, answer: tuple[str, ...]) -> None:
        (self.folder / "answers" / re.sub("[:/]", "_", url)).write_text("\n".join(answer))

    def member_answers(self, ordinal: int, what: Mapping[str, tuple[str, ...]]) -> None:
        for place, answer in what.items():
            self.answers(f"https://{ADDRESSES[ordinal]}:{place}", answer)

    def asked(self) -> list[str]:
        return (self.folder / "asked").read_text().split()

    def runs(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        text = read_script("etcd/etcd-health").replace("/etc/", f"{self.folder}/etc/")
        path = f"{self.folder / 'bin'}:/usr/bin:/bin"
        return subprocess.run(
            ["bash", "-c", text, "etcd-health", *arguments],
            env={"PATH": path, "FAKE": str(self.folder), **environment},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    def line_of(self, name: str) -> str:
        [line] = [line for line in self.runs().stdout.splitlines() if line.startswith(f"{name} ")]
        return re.sub(" {2,}", " | ", line)


def listed(
    addresses: tuple[str, ...] = ADDRESSES, *, learners: tuple[str, ...] = (), unstarted: tuple[str, ...] = ()
) -> tuple[str, str, str]:
    """As the gateway lists members: numbers are texts, what is false or empty is left out."""
    members = ", ".join(
        f'{{"ID":"{identity}", '
        + ("" if name in unstarted else f'"name":"{name}", ')
        + f'"peerURLs":["https://{address}:2380"]'
        + ("" if name in unstarted else f', "clientURLs":["https://{address}:2379"]')
        + (', "isLearner":true}' if name in learners else "}")
        for identity, name, address in zip(IDS, NAMES, addresses, strict=True)
    )
    return ok(f'{{"header":{{{HEADER}}}, "members":[{members}]}}')


def status(*, learner: bool = False) -> tuple[str, str, str]:
    role = ', "isLearner":true' if learner else ""
    return ok(
        f'{{"header":{{{HEADER}}}, "version":"3.7.1", "dbSize":"20480", "leader":"{IDS[1]}", "raftIndex":"12"{role}, '
        '"storageVersion":"3.7.0", "dbSizeQuota":"8589934592", "downgradeInfo":{}}'
    )


HEALTH, STATUS, LIST = "2379/health", "2379/v3/maintenance/status", "2379/v3/cluster/member/list"
ANSWERS = {HEALTH: ok('{"health":"true","reason":""}'), STATUS: status(), LIST: listed()}
# A learner answers for its health as the others do, and lists nobody.
LEARNERS_ANSWERS = {
    HEALTH: ANSWERS[HEALTH],
    STATUS: status(learner=True),
    LIST: ok('{"code":9, "message":"etcdserver: rpc not supported for learner"}', 400),
}


@pytest.fixture
def bare(tmp_path: Path) -> Host:
    """A host of three members' cluster without any certificate."""
    for folder in ("bin", "answers", "etc/default", "etc/etcd/pki", "etc/kubernetes/pki/etcd"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "bin/curl").write_text(f"#!/usr/bin/env bash\n{CURL}")
    (tmp_path / "bin/curl").chmod(0o755)
    members = " ".join(f"{name}=https://{address}:2379" for name, address in zip(NAMES, ADDRESSES, strict=True))
    (tmp_path / "etc/default/etcd-health").write_text(f'MEMBERS="{members}"\n')
    host = Host(folder=tmp_path)
    host.answers("refused", REFUSED)
    return host


@pytest.fixture
def master(bare: Host) -> Host:
    """A master beside dedicated members, all well."""
    for file in ("etcd/ca.crt", "apiserver-etcd-client.crt", "apiserver-etcd-client.key"):
        (bare.folder / "etc/kubernetes/pki" / file).touch()
    for ordinal in range(3):
        bare.member_answers(ordinal, ANSWERS)
    return bare


@pytest.fixture
def member(bare: Host) -> Host:
    """The first of three members, all well."""
    for file in ("ca.crt", "healthcheck-client.crt", "healthcheck-client.key"):
        (bare.folder / "etc/etcd/pki" / file).touch()
    for ordinal in range(3):
        bare.member_answers(ordinal, ANSWERS)
    return bare


def test_a_master_asks_with_the_certificate_of_its_api_server(master: Host) -> None:
    done = master.runs()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "NAME      ADDRESS     HEALTH   VERSION  ROLE    WHY",
        "master-0  10.0.32.10  healthy  3.7.1    voter",
        "master-1  10.0.48.10  healthy  3.7.1    leader",
        "master-2  10.0.64.10  healthy  3.7.1    voter",
        "etcd is healthy: 3 of 3 members",
    ]
    assert certificates(master) == {f"{master.folder}/etc/kubernetes/pki/apiserver-etcd-client.crt"}


def test_a_member_asks_with_the_certificate_for_it(member: Host) -> None:
    done = member.runs()
    assert (done.returncode, done.stderr) == (0, "")
    assert "master-1  10.0.48.10  healthy  3.7.1    leader" in done.stdout.splitlines()
    assert done.stdout.splitlines()[-1] == "etcd is healthy: 3 of 3 members"
    assert certificates(member) == {f"{member.folder}/etc/etcd/pki/healthcheck-client.crt"}
    assert {url.split("/")[2] for url in member.asked() if url.startswith("https")} == {
        f"{address}:2379" for address in ADDRESSES
    }


def test_so_does_one_that_runs_as_a_pod_whatever_else_is_there(master: Host) -> None:
    for file in ("healthcheck-client.crt", "healthcheck-client.key"):
        (master.folder / "etc/kubernetes/pki/etcd" / file).touch()
    assert master.runs().returncode == 0
    assert certificates(master) == {f"{master.folder}/etc/kubernetes/pki/etcd/healthcheck-client.crt"}


def certificates(host: Host) -> set[str]:
    return {word for word in host.asked() if word.endswith(".crt")}


NO_READ = "failed linearized read: etcdserver: request timed out"


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (REFUSED, "2379 refused: the host is there, etcd does not run"),
        (
            DROPPED,
            "2379 timed out: the host is down, or the firewall does not let this one in (look at: etcd-client, a new",
        ),
        (HANGING, "2379 takes connections and then says nothing: etcd hangs"),
        (SLOW, "no quorum: no answer within 5 s"),
        (WRONG_CERTIFICATE, "TLS: OpenSSL SSL_read: tlsv13 alert certificate required"),
        (ok(NO_READ, 500), f"no quorum: {NO_READ}"),
        (ok("404 page not found", 404), "2379 answered HTTP 404: 404 page not found"),
    ],
    ids=["refused", "dropped", "hanging", "slow", "certificate", "no quorum", "another server"],
)
def test_a_member_that_does_not_answer_is_told_why(member: Host, answer: tuple[str, ...], why: str) -> None:
    member.member_answers(1, dict.fromkeys(ANSWERS, answer))
    assert member.line_of("master-1").startswith(f"master-1 | 10.0.48.10 | unhealthy | - | leader | {why}")
    done = member.runs()
    assert done.returncode == 1
    verdict = (
        "etcd is NOT healthy: 2 of 3 members; a quorum is 2, so it works: repair master-1 before you touch another"
    )
    assert done.stdout.splitlines()[-1] == verdict


def test_without_a_quorum_those_are_named_that_would_make_one(master: Host) -> None:
    master.member_answers(0, {HEALTH: ok('{"health":"false","reason":"RAFT NO LEADER"}\n', 503)})
    for ordinal in (1, 2):
        master.member_answers(ordinal, dict.fromkeys(ANSWERS, REFUSED))
    assert "| no quorum: RAFT NO LEADER" in master.line_of("master-0")
    verdict = "etcd is NOT healthy: 0 of 3 members, and a quorum is 2: repair master-1, master-2 until 2 are healthy"
    assert master.runs().stdout.splitlines()[-1] == verdict


def test_an_alarm_is_the_clusters(member: Host) -> None:
    member.member_answers(0, {HEALTH: ok('{"health":"false","reason":"ALARM NOSPACE"}\n', 503)})
    done = member.runs()
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1].startswith("etcd is NOT healthy: alarm NOSPACE: ")


def test_a_learner_answers_and_has_no_vote_yet(member: Host) -> None:
    for ordinal in range(2):
        member.member_answers(ordinal, {LIST: listed(learners=("master-2",))})
    member.member_answers(2, LEARNERS_ANSWERS)
    assert member.line_of("master-2") == "master-2 | 10.0.64.10 | healthy | 3.7.1 | learner"
    done = member.runs()
    assert done.returncode == 1
    assert "all 3 members answer, but master-2 (10.0.64.10) is a learner, without a vote" in done.stdout


def test_a_learner_that_hears_of_no_leader_is_no_healthy_one(member: Host) -> None:
    member.member_answers(2, {**LEARNERS_ANSWERS, HEALTH: ok('{"health":"false","reason":"RAFT NO LEADER"}', 503)})
    assert "| unhealthy |" in member.line_of("master-2")


def test_a_learner_that_never_started_has_no_name(member: Host) -> None:
    for ordinal in range(2):
        member.member_answers(ordinal, {LIST: listed(learners=("master-2",), unstarted=("master-2",))})
    member.member_answers(2, dict.fromkeys(ANSWERS, REFUSED))
    done = member.runs()
    assert done.returncode == 1
    assert "unnamed (10.0.64.10) is a learner, without a vote" in done.stdout


def test_who_is_listed_and_who_should_be_are_compared(master: Host) -> None:
    addresses = (*ADDRESSES[:2], "10.0.64.99")
    for ordinal in range(3):
        master.member_answers(ordinal, {LIST: listed(addresses)})
    done = master.runs()
    assert done.returncode == 1
    assert "master-2 (10.0.64.10) is not among etcd's members" in done.stdout
    assert f"master-2 (10.0.64.99, ID {IDS[2]}) is a member of etcd and no machine of this cluster" in done.stdout


def test_a_learners_refusal_to_list_is_not_its_list(master: Host) -> None:
    master.member_answers(0, LEARNERS_ANSWERS)
    assert master.line_of("master-1").endswith("| leader")


def test_members_may_come_from_the_environment(master: Host) -> None:
    done = master.runs(MEMBERS="master-1=https://10.0.48.10:2379")
    assert "master-0 (10.0.32.10" in done.stdout
    assert "is a member of etcd and no machine of this cluster" in done.stdout


@pytest.mark.parametrize("members", ["", "master-0", "master-0=http://10.0.32.10:2379"])
def test_members_that_are_none_are_refused(master: Host, members: str) -> None:
    (master.folder / "etc/default/etcd-health").write_text(f'MEMBERS="{members}"\n')
    done = master.runs()
    assert done.returncode == 1
    assert "name=https://address:2379" in done.stderr


def test_a_host_without_certificates_says_so(bare: Host) -> None:
    done = bare.runs()
    assert (done.returncode, done.stdout) == (1, "")
    assert "this host has no certificate for etcd" in done.stderr


def test_a_key_that_cannot_be_read_asks_for_root(master: Host) -> None:
    (master.folder / "etc/kubernetes/pki/apiserver-etcd-client.key").unlink()
    assert "run it as root (sudo etcd-health)" in master.runs().stderr


def test_help_needs_nothing(bare: Host) -> None:
    done = bare.runs("--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: etcd-health")
    assert bare.runs("--hlep").returncode == 2
