"""The program's source: one digest for the same files, and a commit where they are those of one."""

import subprocess
from pathlib import Path

import pytest

from settings.source import PARTS, Source, check_out
from tests.repository import commit, git


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A program of a few files, in a repository of its own."""
    tmp_path = tmp_path / "checkout"
    tmp_path.mkdir()
    for name in ("__main__.py", "requirements.txt", "Pulumi.yaml", "settings/a.py", "components/b.py", "scripts/c.sh"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"{name}\n")
    git(tmp_path, "init", "--quiet")
    return tmp_path


@pytest.mark.parametrize("part", ["__main__.py", "requirements.txt", "Pulumi.yaml", "settings/a.py", "scripts/c.sh"])
def test_each_file_of_the_program_counts(program: Path, part: str) -> None:
    first = commit(program)
    before = Source.read(program)
    assert before.commit == first
    (program / part).write_text("another\n")
    edited = Source.read(program)
    assert edited.program != before.program
    assert edited.commit is None
    second = commit(program)
    assert Source.read(program) == Source(program=edited.program, commit=second)


def test_a_file_that_is_new_or_moved_counts(program: Path) -> None:
    commit(program)
    before = Source.read(program)
    (program / "components/b.py").rename(program / "components/d.py")
    moved = Source.read(program)
    assert moved.program != before.program
    assert moved.commit is None
    (program / "components/d.py").rename(program / "components/b.py")
    (program / "settings/new.py").write_text("")
    assert Source.read(program).program not in (before.program, moved.program)
    assert Source.read(program).commit is None


def test_stacks_docs_and_what_python_leaves_do_not_count(program: Path) -> None:
    first = commit(program)
    before = Source.read(program)
    for name in ("Pulumi.dev.yaml", "README.md", "settings/__pycache__/a.pyc", "components/.b.py.swp"):
        (program / name).parent.mkdir(exist_ok=True)
        (program / name).write_text("whatever\n")
    (program / ".gitignore").write_text("__pycache__\n.*.swp\n")
    assert Source.read(program) == before
    commit(program)
    assert Source.read(program) == before
    assert before.commit == first


def test_without_a_repository_there_is_no_commit(tmp_path: Path) -> None:
    (tmp_path / "__main__.py").write_text("")
    assert Source.read(tmp_path).commit is None


def test_the_files_of_an_earlier_commit_are_had_beside_the_checkout(tmp_path: Path, program: Path) -> None:
    first = commit(program)
    before = Source.read(program)
    (program / "settings/a.py").rename(program / "settings/new.py")
    (program / "Pulumi.prod.yaml").write_text("release: {}\n")
    later = commit(program)
    subprocess.run(f"{check_out(first)} && test -e Pulumi.prod.yaml", shell=True, check=True, cwd=program)
    assert Source.read(program.parent / first[:12]) == before
    assert Source.read(program).commit == later


@pytest.mark.parametrize("hidden", ["ignored", "untracked and not shown"])
def test_a_file_that_is_in_no_commit_is_in_no_release(program: Path, hidden: str) -> None:
    (program / ".gitignore").write_text("*.orig\n")
    commit(program)
    before = Source.read(program)
    if hidden == "ignored":
        (program / "settings/a.py.orig").write_text("")
    else:
        git(program, "config", "status.showUntrackedFiles", "no")
        (program / "settings/late.py").write_text("")
    assert Source.read(program).program != before.program
    assert Source.read(program).commit is None


def test_the_checkouts_own_program_is_all_there() -> None:
    root = Path(__file__).parents[3]
    assert all((root / part).exists() for part in PARTS)
