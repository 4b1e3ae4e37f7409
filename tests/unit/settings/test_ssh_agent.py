"""A stale agent is told of before the first step, with what to type."""

import socket
from pathlib import Path

import pytest

from settings.reading import SettingsError
from settings.ssh_agent import check_agent


@pytest.mark.parametrize("path", [None, ""])
def test_no_agent_is_no_mistake(path: str | None, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    if path is not None:
        monkeypatch.setenv("SSH_AUTH_SOCK", path)
    check_agent()


def test_an_agent_that_answers_is_asked_by_the_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
    with socket.socket(socket.AF_UNIX) as agent:
        agent.bind(str(tmp_path / "agent"))
        agent.listen()
        check_agent()
    with pytest.raises(SettingsError, match=r"no agent answers \(Connection refused\): unset SSH_AUTH_SOCK"):
        check_agent()


def test_a_socket_that_is_gone_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SSH_AUTH_SOCK", "/nowhere/agent.1")
    with pytest.raises(SettingsError, match=r"SSH_AUTH_SOCK is '/nowhere/agent.1', where no agent answers \(No such"):
        check_agent()
