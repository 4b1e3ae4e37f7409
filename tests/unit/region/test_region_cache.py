from pathlib import Path

import pytest

from region.build.cache import content_key, made_once


def test_the_key_follows_names_contents_and_executability(tmp_path: Path):
    (tmp_path / "unit").write_text("a")
    first = content_key("x", tmp_path)
    assert content_key("x", tmp_path) == first
    (tmp_path / "unit").chmod(0o755)
    executable = content_key("x", tmp_path)
    (tmp_path / "unit").rename(tmp_path / "other")
    assert len({first, executable, content_key("x", tmp_path), content_key("y", tmp_path)}) == 4


def test_the_key_does_not_follow_a_umask(tmp_path: Path):
    (tmp_path / "unit").write_text("a")
    first = content_key(tmp_path)
    (tmp_path / "unit").chmod(0o600)
    assert content_key(tmp_path) == first


def test_parts_cannot_run_into_one_another():
    assert content_key("ab", "c") != content_key("a", "bc")


def test_a_thing_is_made_once_and_appears_whole(tmp_path: Path):
    target, calls = tmp_path / "kind" / "key", []

    def make(folder: Path) -> None:
        calls.append(folder)
        assert not target.exists()
        (folder / "content").write_text("whole")

    assert made_once(target, make) == made_once(target, make) == target
    assert (target / "content").read_text() == "whole"
    assert len(calls) == 1


def test_what_failed_half_way_is_not_there_and_leaves_nothing_to_the_next_try(tmp_path: Path):
    target = tmp_path / "key"

    def fail(folder: Path) -> None:
        (folder / "half").write_text("")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        made_once(target, fail)
    assert not target.exists()
    made_once(target, lambda folder: (folder / "new").touch())
    assert [path.name for path in target.iterdir()] == ["new"]
