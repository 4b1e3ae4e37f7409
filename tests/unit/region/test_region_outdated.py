import sys
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from region.build import outdated
from region.build.outdated import find
from region.build.pins import Pin, Registry

PIN = Pin(name="a.example/tool", where="tools/tool", version="1.37.1", registry=Registry.GO)
REGISTRY = """\
#!/bin/sh
case "$*" in
*a.example/tool) echo "a.example/tool v1.36.9 v1.37.1 v1.37.2 v1.38.0-beta.0" ;;
*a.example/none) echo "a.example/none" ;;
*"pip index versions tool") printf 'tool (2.0)\\nAvailable versions: 2.0, 1.37.1\\n  INSTALLED: 1.37.1\\n' ;;
*) printf 'asked for %s\\n  403 Forbidden\\n' "$*" >&2; exit 1 ;;
esac
"""


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What go and pip run instead of asking anybody."""
    program = tmp_path / "go"
    program.write_text(REGISTRY)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(sys, "executable", str(program))


def run(monkeypatch: pytest.MonkeyPatch, *pins: Pin) -> tuple[list[list[str]], int]:
    """The cells of each row, and the exit code."""
    monkeypatch.setattr(outdated, "pins", lambda: pins)
    done = CliRunner().invoke(outdated.main)
    lines = [line for line in done.output.splitlines() if line.startswith("│")]
    return [[cell.strip() for cell in line.strip("│").split("│")] for line in lines], done.exit_code


@pytest.mark.parametrize(
    ("pinned", "listed", "of_minor", "newest"),
    [
        ("1.37.1", ["v1.36.3", "v1.37.1", "v1.37.2", "v1.38.0"], "1.37.2", "1.38.0"),
        ("1.37.1", ["v1.38.0-alpha.1", "v1.38.0-beta.0", "v1.37.2-rc.0", "2.0a1", "2.0.dev3"], "1.37.1", "1.37.1"),
        ("0.28.9", ["v0.28.10", "v0.28.4"], "0.28.10", "0.28.10"),
        ("1.37.1", ["v1.35.4", "v1.36.1"], "1.37.1", "1.37.1"),
        ("26.3", ["26.4", "26.3.1"], "26.3.1", "26.4"),
        ("3.8.0rc1", ["3.8.0", "3.8.0rc2"], "3.8.0", "3.8.0"),
        (
            "1.0.0",
            ["v1.0.1-0.20200101-odd", "latest", "v1.0.2+incompatible"],
            "1.0.2+incompatible",
            "1.0.2+incompatible",
        ),
    ],
)
def test_the_newest_are_releases_only_and_never_before_the_pinned_one(
    pinned: str, listed: list[str], of_minor: str, newest: str
):
    finding = find(replace(PIN, version=pinned), listed)
    assert (finding.newest_of_minor, finding.newest) == (of_minor, newest)
    assert finding.behind == (newest != pinned)


@pytest.mark.usefixtures("registry")
def test_what_is_behind_is_said_and_fails(monkeypatch: pytest.MonkeyPatch):
    package = replace(PIN, name="tool", where="requirements.in", registry=Registry.PYTHON)
    rows, code = run(monkeypatch, PIN, package)
    assert rows == [
        ["a.example/tool", "tools/tool", "1.37.1", "1.37.2", "1.37.2", "behind"],
        ["tool", "requirements.in", "1.37.1", "1.37.1", "2.0", "behind"],
    ]
    assert code == 1


@pytest.mark.usefixtures("registry")
def test_current_and_held_pins_are_fine(monkeypatch: pytest.MonkeyPatch):
    rows, code = run(monkeypatch, replace(PIN, version="1.37.2"), replace(PIN, held="for good"))
    assert [row[-1] for row in rows] == ["current", "held: for good"]
    assert code == 0


@pytest.mark.usefixtures("registry")
def test_a_registry_that_does_not_answer_is_said_in_its_row_and_fails(monkeypatch: pytest.MonkeyPatch):
    pins = [replace(PIN, name="a.example/gone"), replace(PIN, name="a.example/none"), replace(PIN, version="1.37.2")]
    rows, code = run(monkeypatch, *pins)
    assert [row[3:] for row in rows] == [
        ["", "", "no answer: 403 Forbidden"],
        ["", "", "no answer: it lists no version"],
        ["1.37.2", "1.37.2", "current"],
    ]
    assert code == 1


def test_a_machine_without_go_is_no_crash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    rows, code = run(monkeypatch, PIN)
    assert "No such file" in rows[0][-1]
    assert code == 1
