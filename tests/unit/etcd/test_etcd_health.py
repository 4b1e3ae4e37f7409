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
IP = """[[ $3 == "${OWN:-}" ]] && echo "local $3 dev lo" || echo "$3 via 10.0.32.1" """

REFUSED = ("7 000 0.000000 Couldn't connect to server", "* connect to 10.0.48.10 port 2380 failed: Connection refused")
DROPPED = ("28 000 0.000000 Connection timeout after 3001 ms", "*   Trying 10.0.48.10:2380...")
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

    def runs(self, *arguments: str, own: str = ADDRESSES[0], **environment: str) -> subprocess.CompletedProcess[str]:
        text = read_script("etcd/etcd-health").replace("/etc/", f"{self.folder}/etc/")
        path = f"{self.folder / 'bin'}:/usr/bin:/bin"
        return subprocess.run(
            ["bash", "-c", text, "etcd-health", *arguments],
            env={"PATH": path, "FAKE": str(self.folder), "OWN": own, **environment},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    def line_of(self, name: str) -> str:
        [line] = [line for line in self.runs().stdout.splitlines() if line.startswith(f"{name} ")]
        return re.sub(" {2,}", " | ", line)


def gateway_list(addresses: tuple[str, ...] = ADDRESSES) -> str:
    """As the gateway lists members: numbers are texts, what is false or empty is left out."""
    members = ", ".join(
        f'{{"ID":"{identity}", "name":"{name}", "peerURLs":["https://{address}:2380"], '
        f'"clientURLs":["https://{address}:2379"]}}'
        for identity, name, address in zip(IDS, NAMES, addresses, strict=True)
    )
    return f'{{"header":{{{HEADER}}}, "members":[{members}]}}'


def peer_list(learners: tuple[str, ...] = (), unstarted: tuple[str, ...] = ()) -> str:
    """As the peer port lists them: numbers are numbers, and the learner stands elsewhere."""
    members = ",".join(
        f'{{"id":{identity},"peerURLs":["https://{address}:2380"]'
        + (',"isLearner":true' if name in learners else "")
        + ("" if name in unstarted else f',"name":"{name}","clientURLs":["https://{address}:2379"]')
        + "}"
        for identity, name, address in zip(IDS, NAMES, ADDRESSES, strict=True)
    )
    return f"[{members}]\n"


CLIENT_ANSWERS = {
    "2379/health": ok('{"health":"true","reason":""}'),
    "2379/v3/maintenance/status": ok(
        f'{{"header":{{{HEADER}}}, "version":"3.7.1", "dbSize":"20480", "leader":"{IDS[1]}", "storageVersion":"3.7.0"}}'
    ),
    "2379/v3/cluster/member/list": ok(gateway_list()),
}
PEER_ANSWERS = {
    "2380/downgrade/enabled": ok("false"),
    "2380/members": ok(peer_list()),
    "2380/version": ok('{"etcdserver":"3.7.1","etcdcluster":"3.7.0","storage":"3.7.0"}'),
}


@pytest.fixture
def bare(tmp_path: Path) -> Host:
    """A host of three members' cluster without any certificate."""
    for folder in ("bin", "answers", "etc/default", "etc/etcd/pki", "etc/kubernetes/pki/etcd"):
        (tmp_path / folder).mkdir(parents=True)
    for name, script in {"curl": CURL, "ip": IP}.items():
        (tmp_path / "bin" / name).write_text(f"#!/usr/bin/env bash\n{script}")
        (tmp_path / "bin" / name).chmod(0o755)
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
        bare.member_answers(ordinal, CLIENT_ANSWERS)
    return bare


@pytest.fixture
def member(bare: Host) -> Host:
    """The first of three members, all well; only its own client port can be reached from it."""
    for file in ("ca.crt", "peer.crt", "peer.key"):
        (bare.folder / "etc/etcd/pki" / file).touch()
    for ordinal in range(3):
        bare.member_answers(ordinal, PEER_ANSWERS)
    bare.member_answers(0, CLIENT_ANSWERS)
    return bare


def test_a_master_asks_the_client_ports(master: Host) -> None:
    done = master.runs()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "NAME      ADDRESS     HEALTH   VERSION  ROLE    WHY",
        "master-0  10.0.32.10  healthy  3.7.1    voter",
        "master-1  10.0.48.10  healthy  3.7.1    leader",
        "master-2  10.0.64.10  healthy  3.7.1    voter",
        "etcd is healthy: 3 of 3 members",
    ]


def test_a_member_asks_the_peer_ports_and_its_own_client_port(member: Host) -> None:
    done = member.runs()
    assert (done.returncode, done.stderr) == (0, "")
    assert "master-1  10.0.48.10  healthy  3.7.1    leader" in done.stdout.splitlines()
    assert done.stdout.splitlines()[-1] == "etcd is healthy: 3 of 3 members"
    asked = [one for one in member.asked() if one.startswith("https")]
    assert {url.split("/")[2] for url in asked if ":2379" in url} == {"10.0.32.10:2379"}
    assert set(member.asked()) - set(asked) == {f"{member.folder}/etc/etcd/pki/peer.crt"}


def test_a_static_pods_certificate_means_a_member_whatever_else_is_there(master: Host) -> None:
    for file in ("peer.crt", "peer.key"):
        (master.folder / "etc/kubernetes/pki/etcd" / file).touch()
    for ordinal in range(3):
        master.member_answers(ordinal, PEER_ANSWERS)
    assert master.runs().returncode == 0
    assert "https://10.0.64.10:2380/downgrade/enabled" in master.asked()
    assert "https://10.0.64.10:2379/health" not in master.asked()


NO_READ = "failed linearized read: etcdserver: request timed out"


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (REFUSED, "2380 refused: the host is there, etcd does not run"),
        (DROPPED, "2380 timed out: the host is down, or the firewall does not let this one in (look at: etcd-peer"),
        (HANGING, "2380 takes connections and then says nothing: etcd hangs"),
        (SLOW, "no quorum: no answer within 5 s"),
        (WRONG_CERTIFICATE, "TLS: OpenSSL SSL_read: tlsv13 alert certificate required"),
        (ok(NO_READ, 500), f"no quorum: {NO_READ}"),
        (ok("404 page not found", 404), "2380 answered HTTP 404: 404 page not found"),
    ],
    ids=["refused", "dropped", "hanging", "slow", "certificate", "no quorum", "another server"],
)
def test_a_member_that_does_not_answer_is_told_why(member: Host, answer: tuple[str, ...], why: str) -> None:
    member.member_answers(1, dict.fromkeys(PEER_ANSWERS, answer))
    assert member.line_of("master-1").startswith(f"master-1 | 10.0.48.10 | unhealthy | - | leader | {why}")
    done = member.runs()
    assert done.returncode == 1
    verdict = (
        "etcd is NOT healthy: 2 of 3 members; a quorum is 2, so it works: repair master-1 before you touch another"
    )
    assert done.stdout.splitlines()[-1] == verdict


def test_without_a_quorum_those_are_named_that_would_make_one(master: Host) -> None:
    master.member_answers(0, {"2379/health": ok('{"health":"false","reason":"RAFT NO LEADER"}\n', 503)})
    for ordinal in (1, 2):
        master.member_answers(ordinal, dict.fromkeys(CLIENT_ANSWERS, REFUSED))
    assert "| no quorum: RAFT NO LEADER" in master.line_of("master-0")
    verdict = "etcd is NOT healthy: 0 of 3 members, and a quorum is 2: repair master-1, master-2 until 2 are healthy"
    assert master.runs().stdout.splitlines()[-1] == verdict


def test_an_alarm_is_the_clusters(member: Host) -> None:
    member.member_answers(0, {"2379/health": ok('{"health":"false","reason":"ALARM NOSPACE"}\n', 503)})
    done = member.runs()
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1].startswith("etcd is NOT healthy: alarm NOSPACE: ")


def test_a_learner_has_no_vote_yet(member: Host) -> None:
    for ordinal in range(3):
        member.member_answers(ordinal, {"2380/members": ok(peer_list(learners=("master-2",)))})
    assert member.line_of("master-2").endswith("| learner")
    done = member.runs()
    assert done.returncode == 1
    assert "all 3 members answer, but master-2 (10.0.64.10) is a learner, without a vote" in done.stdout


def test_a_learner_that_never_started_has_no_name(member: Host) -> None:
    listed = ok(peer_list(learners=("master-2",), unstarted=("master-2",)))
    member.member_answers(0, {"2380/members": listed})
    member.member_answers(1, {"2380/members": listed})
    member.member_answers(2, dict.fromkeys(PEER_ANSWERS, REFUSED))
    done = member.runs()
    assert done.returncode == 1
    assert "unnamed (10.0.64.10) is a learner, without a vote" in done.stdout


def test_who_is_listed_and_who_should_be_are_compared(master: Host) -> None:
    addresses = (*ADDRESSES[:2], "10.0.64.99")
    for ordinal in range(3):
        master.member_answers(ordinal, {"2379/v3/cluster/member/list": ok(gateway_list(addresses=addresses))})
    done = master.runs()
    assert done.returncode == 1
    assert "master-2 (10.0.64.10) is not among etcd's members" in done.stdout
    assert f"master-2 (10.0.64.99, ID {IDS[2]}) is a member of etcd and no machine of this cluster" in done.stdout


def test_a_learners_refusal_to_list_is_not_its_list(master: Host) -> None:
    refusal = ok('{"code":9, "message":"etcdserver: rpc not supported for learner"}', 400)
    master.member_answers(2, {"2379/v3/cluster/member/list": refusal})
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
