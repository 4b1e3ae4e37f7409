"""A stack runs the release that it is pinned to, whole, and only what was proved where it comes from."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from conftest import ANSWERS, Engine, configure
from pulumi.runtime import mocks

from settings import birth, stack
from settings.promotion import READ_OUTPUTS, check_promotion
from settings.reading import SettingsError
from settings.release import HISTORY, REMEMBERED, Release, remember
from settings.source import Source
from settings.values import Settings

IMAGES = {"registry.k8s.io/kube-proxy:v1.37.2": f"sha256:{'1' * 64}"}
PINNED = {
    "commit": "89abcdef" * 5,
    "program": "0123456789abcdef" * 4,
    "kubernetesVersion": "1.37.2",
    "etcdVersion": "3.7.2",
    "flannelVersion": "0.28.10",
    "images": IMAGES,
}
RELEASE = Release.of(PINNED)
SOURCE = Source(program=PINNED["program"], commit="00000000" * 5)


class Asked(Engine):
    """Whose other stacks proved what they are said to have."""

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        if args.token == READ_OUTPUTS and "gone" in args.args["name"]:
            raise NotImplementedError("no stack named 'gone' found")
        return super().call(args)


def loaded(**given: Any) -> Settings:
    found: list[Settings] = []
    Engine().run(lambda: (configure(given), found.append(stack.load())))
    return found[0]


def refusal(**given: Any) -> str:
    with pytest.raises(SettingsError) as caught:
        loaded(**given)
    return str(caught.value)


def checked(
    release: Release | None,
    source: Source = SOURCE,
    *,
    promoted_from: str = "dev",
    proved: Any = (),
    accepted: Mapping[str, Any] | None = None,
    verified: Sequence[Mapping[str, Any]] = (),
) -> str:
    """What is refused; empty for nothing."""
    past = {"accepted": accepted, "verified": verified}
    engine = Asked(answers={**ANSWERS, READ_OUTPUTS: {"outputs": {HISTORY: list(proved)}}})
    try:
        engine.run(lambda: check_promotion(release, promoted_from, source, replace(birth.read(), **past)))
    except SettingsError as error:
        return str(error)
    return ""


def test_a_release_decides_all_versions() -> None:
    settings = loaded(release=PINNED)
    assert settings.release == RELEASE
    assert (settings.kubernetes.version, settings.etcd.version) == ("1.37.2", "3.7.2")
    assert "the stack's release decides it, and says 3.7.2: take it out" in refusal(release=PINNED, etcdVersion="3.7.1")


def test_where_a_pod_runs_etcd_its_version_in_the_release_is_for_others() -> None:
    assert loaded(release=PINNED, etcdTopology="stacked").etcd.release == "3.7.0-0"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"commit": "main"}, "its commit cannot be right"),
        ({"program": ""}, "its program cannot be right"),
        ({"kubernetesVersion": "1.37", "images": {"a": "b"}}, "its kubernetesVersion, images cannot be right"),
        ({"verifiedAt": "today"}, "there is more in it than a release has"),
    ],
)
def test_a_release_that_nobody_can_have_written_is_refused(wrong: Mapping[str, Any], said: str) -> None:
    assert said in refusal(release={**PINNED, **wrong})


def test_a_first_stage_runs_what_there_is() -> None:
    assert checked(None, promoted_from="") == ""


def test_a_later_stage_runs_nothing_without_a_release() -> None:
    assert "python -m operate promote dev test" in checked(None)


def test_other_files_than_the_releases_are_refused_with_the_way_to_have_them() -> None:
    other = Source(program="f" * 64, commit=None)
    said = checked(RELEASE, other, proved=[PINNED])
    assert "of no commit: something was edited" in said
    assert f"git worktree add --detach ../{RELEASE.commit[:12]} {RELEASE.commit} && cp Pulumi.*.yaml" in said


def test_what_was_proved_before_is_let_in() -> None:
    later = {**PINNED, "commit": "1" * 40}
    assert checked(RELEASE, proved=[PINNED, later]) == ""


@pytest.mark.parametrize(
    ("proved", "said"), [([], "it has proved none yet"), ([{**PINNED, "commit": "1" * 40}], "it proved 111")]
)
def test_what_was_not_proved_is_refused(proved: list[Mapping[str, Any]], said: str) -> None:
    refused = checked(RELEASE, proved=proved)
    assert "was not verified in dev" in refused
    assert said in refused


def test_other_images_are_another_release() -> None:
    assert "was not verified in dev" in checked(RELEASE, proved=[{**PINNED, "images": {}}])


def test_nobody_is_asked_again_about_what_a_stack_has_had() -> None:
    assert checked(RELEASE, promoted_from="gone", accepted=PINNED) == ""
    assert checked(RELEASE, promoted_from="gone", verified=[PINNED]) == ""
    assert "gone cannot be asked what it has proved" in checked(RELEASE, promoted_from="gone")


def test_a_downgrade_is_refused() -> None:
    had = {**PINNED, "commit": "1" * 40, "flannelVersion": "0.28.11", "etcdVersion": "3.7.10"}
    refused = checked(RELEASE, proved=[PINNED], verified=[PINNED, had])
    assert "flannelVersion 0.28.10 is older than 0.28.11: a downgrade" in refused
    assert "etcdVersion 3.7.2 is older than 3.7.10: a downgrade" in refused


def test_the_way_back_from_what_was_never_proved_is_none() -> None:
    failed = {**PINNED, "commit": "1" * 40, "flannelVersion": "0.28.11"}
    assert checked(RELEASE, promoted_from="gone", accepted=failed, verified=[PINNED]) == ""


def test_what_is_proved_again_is_remembered_once_and_last() -> None:
    first, second = ({**PINNED, "commit": digit * 40, "verifiedAt": "1"} for digit in "12")
    again = {**first, "verifiedAt": "3"}
    assert remember([first, second], again) == [second, again]
    assert remember([first], None) == [first]
    many = [{**PINNED, "commit": f"{number:040}"} for number in range(REMEMBERED + 5)]
    assert remember(many[:-1], many[-1]) == many[-REMEMBERED:]
