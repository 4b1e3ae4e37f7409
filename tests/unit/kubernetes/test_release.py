"""What verification proved is stamped, and nothing that it did not."""

import json
from typing import Any

from registrations import record
from steps_scene import SETTINGS, SOURCE, plugin_outputs

from components.kubernetes.release import PROVED, Release, ReleaseArgs
from settings.source import Source

FOUND = {"verifiedAt": "2026-01-02T03:04:05Z", "containerd": "1.7.24", "images": {"a": "sha256:1"}}


def made(source: Source = SOURCE) -> Release:
    found: list[Release] = []
    record(lambda: found.append(Release("release", ReleaseArgs(settings=SETTINGS, source=source))), plugin_outputs)
    return found[0]


def said(runs: Any) -> str:
    return f"etcd is healthy\n{PROVED}{json.dumps({'runs': runs, **FOUND})}\nverified: master-0"


def test_what_was_proved_is_the_release() -> None:
    release = made()
    assert release.stamped(said(release.runs)) == {**release.runs, **FOUND}


def test_what_an_earlier_program_proved_is_not_stamped_as_this_ones() -> None:
    """An update of some resources only leaves the step with what it said before."""
    earlier = made(Source(program="f" * 64, commit="1" * 40))
    assert made().stamped(said(earlier.runs)) is None


def test_edited_files_are_no_release() -> None:
    edited = made(Source(program=SOURCE.program, commit=None))
    assert edited.stamped(said(edited.runs)) is None


def test_a_step_that_said_nothing_of_it_proved_nothing() -> None:
    assert made().stamped("") is None
