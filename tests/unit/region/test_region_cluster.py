"""What `make up` says when Pulumi has failed, and when nothing was left to do."""

import io
from collections.abc import Sequence
from pathlib import Path

import pytest
from rich.console import Console

from region import cluster
from region.fabric import hosts
from region.fabric.operator_place import OperatorPlace

OUTPUTS = '{"nodes": [], "apiEndpoint": "https://a:6443", "ingressEndpoint": "i", "bastionAddress": "203.0.113.10"}'


class Place(OperatorPlace):
    """An operator's place where `pulumi up` ends with a given exit code."""

    def mend(self) -> None:
        pass

    def release_dead_locks(self, stack: str) -> bool:
        return False

    def run(self, command: Sequence[str]) -> int:
        return int(self.environment["code"])

    def read(self, command: Sequence[str]) -> str:
        if "history" in command:
            return f'[{{"resourceChanges": {{"same": 2{self.environment["changes"]}}}}}]'
        return OUTPUTS


@pytest.fixture
def said() -> Console:
    return Console(file=io.StringIO(), width=200)


def text(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_console_of_a_host_that_did_not_boot_is_shown(
    said: Console, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "i-dead").write_text("Welcome\n" * 40 + "Failed to mount /sysroot: no such device\n")
    (tmp_path / "i-well").write_text("Welcome\n[  OK  ] Reached target cloud-init.target - Cloud-init target.\n")
    monkeypatch.setattr(hosts, "running", lambda: {"i-dead", "i-well"})
    monkeypatch.setattr(hosts, "console", lambda instance_id: tmp_path / instance_id)
    with pytest.raises(cluster.ClusterError, match="failed \\(exit code 255\\)"):
        cluster.up(Place(environment={"code": "255"}), "local", said)
    assert "i-dead has not finished booting" in text(said)
    assert "Failed to mount /sysroot" in text(said)
    assert text(said).count("Welcome") == 14
    assert "i-well" not in text(said)


@pytest.mark.parametrize(("changes", "silent"), [("", False), (', "create": 1', True)])
def test_an_up_without_changes_says_so(said: Console, changes: str, silent: bool):
    cluster.up(Place(environment={"code": "0", "changes": changes}), "local", said)
    assert ("Nothing changed" not in text(said)) == silent
    assert 'make kubectl ARGS="get nodes -o wide"' in text(said)
