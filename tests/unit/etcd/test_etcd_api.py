"""Reading etcd's own answers in Bash: the texts are what etcd 3.7.1 said on a real cluster."""

import subprocess

import pytest

from components.host.script import SCRIPTS

GATEWAY = (
    '{"header":{"cluster_id":"9397396676449045722", "member_id":"15891289922730398853", "raft_term":"2"}, "members":['
    '{"ID":"8587441306241637565", "name":"master-2", "peerURLs":["https://127.7.0.12:2380"],'
    ' "clientURLs":["https://127.7.0.12:2379"]}, '
    '{"ID":"13924648878317716741", "peerURLs":["https://127.7.0.13:2380"], "isLearner":true}]}'
)
ADDED = (
    '{"header":{"cluster_id":"9397396676449045722"}, "member":{"ID":"13924648878317716741",'
    ' "peerURLs":["https://127.7.0.13:2380"], "isLearner":true}, "members":['
    '{"ID":"13924648878317716741", "peerURLs":["https://127.7.0.13:2380"], "isLearner":true}]}'
)
PEER = (
    '[{"id":8587441306241637565,"peerURLs":["https://127.7.0.12:2380"],"name":"master-2",'
    '"clientURLs":["https://127.7.0.12:2379"]},'
    '{"id":13924648878317716741,"peerURLs":["https://127.7.0.13:2380"],"isLearner":true}]'
)
VOTER = "8587441306241637565 master-2 https://127.7.0.12:2380 https://127.7.0.12:2379 false\n"
LEARNER = "13924648878317716741 - https://127.7.0.13:2380 - true\n"


@pytest.mark.parametrize(
    ("answer", "members"),
    [
        pytest.param(GATEWAY, VOTER + LEARNER, id="gateway"),
        pytest.param(ADDED, LEARNER, id="gateway, after an addition"),
        pytest.param(PEER, VOTER + LEARNER, id="peer port"),
        pytest.param('{"code":14, "message":"etcdserver: request timed out"}', "", id="error"),
    ],
)
def test_members_are_read_from_every_answer_that_lists_them(answer: str, members: str):
    library = SCRIPTS / "lib/etcd-api.sh"
    done = subprocess.run(
        ["bash", "-c", f'source "{library}"; members_from_json'],
        input=answer,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == members
