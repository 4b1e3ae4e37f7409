"""The stand-in `command` plugin: steps over SSH, directly and through a bastion, and what a failure leaves."""

import hashlib
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import asyncssh
import pytest
from pulumi.runtime import proto

from region.plugins.base import UNKNOWN, Properties
from region.plugins.command.plugin import plugin
from tests.unit.region.plugins.driver import CallError, Driver
from tests.unit.region.plugins.ssh_server import Server

COMMAND = "command:remote:Command"


@pytest.fixture(autouse=True)
def no_agent(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)


@pytest.fixture
def host() -> Iterator[Server]:
    server = Server().start()
    yield server
    server.close()


@pytest.fixture
def bastion() -> Iterator[Server]:
    server = Server().start()
    yield server
    server.close()


def step() -> Driver:
    return Driver(plugin(), COMMAND, "step")


def test_create_runs_the_command_with_its_stdin(host: Server):
    inputs = {"connection": host.connection, "create": "bash -s", "stdin": "echo out; echo err >&2"}
    driver = step()
    id, state = driver.create(inputs)
    assert id.startswith("step")
    assert len(id) == len("step") + 8
    assert state == {**inputs, "stdout": "out", "stderr": "err"}
    assert sorted(driver.lines.shown) == [("info", "err"), ("info", "out")]


def test_only_the_last_newline_is_cut(host: Server):
    _, state = step().create({"connection": host.connection, "create": r"printf 'a\n\n'"})
    assert (state["stdout"], state["stderr"]) == ("a\n", "")


def test_without_stdin_the_command_reads_nothing(host: Server):
    assert step().create({"connection": host.connection, "create": "cat; echo end"})[1]["stdout"] == "end"


def test_a_command_that_does_not_read_a_long_stdin_is_no_failure(host: Server):
    inputs = {"connection": host.connection, "create": "echo done", "stdin": "x" * 3_000_000}
    assert step().create(inputs)[1]["stdout"] == "done"


def test_a_long_line_comes_back_whole(host: Server):
    inputs = {"connection": host.connection, "create": "head -c 2000000 /dev/zero | tr '\\0' ä", "logging": "none"}
    assert len(step().create(inputs)[1]["stdout"]) == 2_000_000


@pytest.mark.parametrize(
    ("logging", "shown"),
    [
        ("stdout", ["out"]),
        ("stderr", ["err"]),
        ("none", []),
        ("stdoutAndStderr", ["err", "out"]),
    ],
)
def test_logging_chooses_what_is_shown(host: Server, logging: str, shown: list[str]):
    driver = step()
    inputs = {"connection": host.connection, "create": "echo out; echo err >&2", "logging": logging}
    _, state = driver.create(inputs)
    assert sorted(line for _, line in driver.lines.shown) == shown
    assert (state["stdout"], state["stderr"]) == ("out", "err")


def test_lines_are_shown_while_the_command_runs(host: Server):
    driver = step()
    inputs = {"connection": host.connection, "create": "echo first; sleep 2; echo last"}
    running = threading.Thread(target=driver.create, args=(inputs,))
    running.start()
    deadline = time.monotonic() + 1.9
    while not driver.lines.shown and time.monotonic() < deadline:
        time.sleep(0.02)
    assert driver.lines.shown == [("info", "first")]
    running.join()


def test_a_failure_tells_the_command_and_its_output(host: Server):
    with pytest.raises(CallError) as failure:
        step().create({"connection": host.connection, "create": 'echo "half"; exit 3'})
    assert str(failure.value) == 'Process exited with status 3: running "echo \\"half\\"; exit 3":\nhalf\n'


def test_a_killed_command_is_a_failure(host: Server):
    with pytest.raises(CallError, match=r'^Process exited from signal KILL: running "kill -9 \$\$":'):
        step().create({"connection": host.connection, "create": "kill -9 $$"})


def test_secret_outputs_are_not_the_plugin_s_business(host: Server):
    """As upstream: stdout becomes secret by `additional_secret_outputs` only."""
    assert step().create({"connection": host.connection, "create": "echo x"})[1]["stdout"] == "x"


def test_update_runs_update_else_create_again(host: Server):
    old = {"connection": host.connection, "create": "echo made"}
    state = {**old, "stdout": "made", "stderr": ""}
    again = {**old, "create": "echo made again"}
    assert step().update("1", old, state, again)["stdout"] == "made again"
    changed = {**old, "update": "echo changed"}
    assert step().update("1", old, state, changed)["stdout"] == "changed"


def test_without_a_command_outputs_stay(host: Server):
    inputs = {"connection": host.connection, "delete": "true"}
    assert step().create(inputs)[1]["stdout"] == ""
    assert step().update("1", inputs, {**inputs, "stdout": "kept"}, {**inputs, "stdin": "x"})["stdout"] == "kept"
    assert host.logins == 0


def test_delete_runs_the_recorded_text(host: Server, tmp_path: Path):
    gone = tmp_path / "gone"
    inputs = {"connection": host.connection, "create": "true", "delete": f"touch {gone}"}
    step().delete("1", inputs, inputs)
    assert gone.exists()


def test_delete_without_a_text_connects_nowhere(host: Server):
    step().delete("1", {"connection": host.connection, "create": "true"}, {})
    assert host.logins == 0


def test_read_connects_nowhere(host: Server):
    inputs = {"connection": host.connection, "create": "true"}
    assert step().read("1", inputs, {**inputs, "stdout": "s"}).id == "1"
    assert host.logins == 0


def test_preview_runs_nothing_and_knows_no_output(host: Server):
    inputs = {"connection": host.connection, "create": UNKNOWN}
    assert step().create(inputs, preview=True)[1] == {**inputs, "stdout": UNKNOWN, "stderr": UNKNOWN}
    state = {**inputs, "stdout": "old", "stderr": ""}
    assert step().update("1", inputs, state, {**inputs, "stdin": "x"}, preview=True)["stdout"] == UNKNOWN
    assert host.logins == 0


@pytest.mark.parametrize(
    ("changed", "replaced", "paths"),
    [
        ({}, [], []),
        ({"stdin": "y"}, [], ["stdin"]),
        ({"create": UNKNOWN}, [], ["create"]),
        ({"connection": {"host": "b"}}, [], ["connection.host"]),
        ({"delete": "true"}, [], ["delete"]),
        ({"triggers": ["i-2"]}, ["triggers"], ["triggers[0]"]),
        ({"triggers": ["i-1", 2]}, ["triggers"], ["triggers[1]"]),
        ({"triggers": [UNKNOWN]}, ["triggers"], ["triggers[0]"]),
    ],
)
def test_only_triggers_replace(changed: Properties, replaced: list[str], paths: list[str]):
    old = {"connection": {"host": "a"}, "create": "c", "stdin": "x", "triggers": ["i-1"]}
    answer = step().diff(old, {**old, **changed})
    assert (list(answer.replaces), sorted(answer.detailedDiff)) == (replaced, paths)
    assert answer.changes == (proto.DiffResponse.DIFF_SOME if paths else proto.DiffResponse.DIFF_NONE)
    assert not answer.deleteBeforeReplace


def test_a_connection_is_required():
    assert step().check({"create": "true"})[1] == [("connection", "Missing required property 'connection'")]


def test_an_environment_is_refused_not_forgotten():
    inputs = {"connection": {"host": "a"}, "create": "true", "environment": {"COLOR": "red"}}
    assert [name for name, _ in step().check(inputs)[1]] == ["environment"]


def test_through_a_bastion_with_keys_of_its_own(host: Server, bastion: Server):
    connection = {**host.connection, "proxy": bastion.connection}
    assert step().create({"connection": connection, "create": "echo here"})[1]["stdout"] == "here"
    assert bastion.forwarded == 1


def test_a_wrong_host_key_is_named(host: Server):
    other = asyncssh.generate_private_key("ssh-ed25519")
    connection = {**host.connection, "hostKey": other.export_public_key().decode(), "dialErrorLimit": 0}
    with pytest.raises(CallError) as failure:
        step().create({"connection": connection, "create": "true"})
    assert str(failure.value) == (
        f"after 0 failed attempts: 127.0.0.1:{host.port}: ssh: handshake failed: ssh: host key mismatch: "
        f"127.0.0.1 does not have the pinned key ssh-ed25519 {other.get_fingerprint()}"
    )
    assert host.logins == 0


def test_the_bastion_s_host_key_is_pinned_too(host: Server, bastion: Server):
    proxy = {**bastion.connection, "hostKey": host.connection["hostKey"], "dialErrorLimit": 0}
    with pytest.raises(CallError, match=r"^proxy: after 0 failed attempts: .*host key mismatch"):
        step().create({"connection": {**host.connection, "proxy": proxy}, "create": "true"})
    assert bastion.logins == 0


def test_without_a_pin_any_key_is_accepted(host: Server):
    connection = {name: value for name, value in host.connection.items() if name != "hostKey"}
    step().create({"connection": connection, "create": "true"})


def test_a_host_that_listens_late_is_dialed_again(host: Server):
    host.pause()
    host.later(0.4, host.listen)
    connection = {**host.connection, "dialErrorLimit": 10}
    assert step().create({"connection": connection, "create": "echo up"})[1]["stdout"] == "up"


def test_dialing_ends_at_the_limit(host: Server):
    host.pause()
    time.sleep(0.1)
    with pytest.raises(CallError, match=rf"^after 2 failed attempts: 127\.0\.0\.1:{host.port}: .*Connect call failed"):
        step().create({"connection": host.connection, "create": "true"})


def test_a_login_that_is_refused_at_first_is_tried_again(host: Server):
    host.refuse_logins = 2
    step().create({"connection": host.connection, "create": "true"})
    assert host.logins >= 3


def test_through_a_bastion_a_refused_login_is_final(host: Server, bastion: Server):
    """As upstream, which repeats the handshake on a closed connection; the program waits on the bastion first."""
    host.refuse_logins = 1
    with pytest.raises(
        CallError, match=r"^proxy: 127\.0\.0\.1:\d+: ssh: handshake failed: ssh: unable to authenticate"
    ):
        step().create({"connection": {**host.connection, "proxy": bastion.connection}, "create": "true"})


def test_through_a_bastion_a_closed_port_is_tried_again(host: Server, bastion: Server):
    host.pause()
    host.later(0.4, host.listen)
    connection = {**host.connection, "dialErrorLimit": 10, "proxy": bastion.connection}
    assert step().create({"connection": connection, "create": "echo up"})[1]["stdout"] == "up"


def test_a_dead_agent_is_an_error(host: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
    with pytest.raises(CallError, match=r"^dial unix .*/agent: No such file or directory"):
        step().create({"connection": host.connection, "create": "true"})


def test_steps_run_side_by_side(host: Server, bastion: Server):
    driver = step()
    inputs = {"connection": {**host.connection, "proxy": bastion.connection}, "create": "sleep 1"}
    steps = [threading.Thread(target=driver.create, args=(inputs,)) for _ in range(20)]
    begin = time.monotonic()
    for one in steps:
        one.start()
    for one in steps:
        one.join()
    assert time.monotonic() - begin < 10


def test_recorded_steps_run_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    record, outputs = tmp_path / "steps", tmp_path / "outputs"
    outputs.write_text(json.dumps({"^other": "no", "step": "answer", "broken": {"error": "as told"}}))
    monkeypatch.setenv("KUBEADM_AWS_RECORD_STEPS", str(record))
    monkeypatch.setenv("KUBEADM_AWS_STEP_OUTPUTS", str(outputs))
    inputs = {"connection": {"host": "10.0.0.9"}, "create": "bash -s", "stdin": "text", "delete": "bash -s delete"}
    driver = step()
    assert driver.create(inputs)[1]["stdout"] == "answer"
    driver.delete("1", inputs, inputs)
    digest = hashlib.sha256(b"text").hexdigest()
    common = {"urn": driver.urn, "name": "step", "host": "10.0.0.9", "stdin_sha256": digest, "stdin": "text"}
    assert [json.loads(line) for line in record.read_text().splitlines()] == [
        {**common, "verb": "create", "create": "bash -s"},
        {**common, "verb": "delete", "create": "bash -s delete"},
    ]
    with pytest.raises(CallError, match=r"^as told$"):
        Driver(plugin(), COMMAND, "broken").create(inputs)
