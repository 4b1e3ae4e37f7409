"""Promotion: the release that a stack is pinned to, and whether it may run. Without one a stack runs what there is."""

import re

import pulumi

from settings.asking import AskingError, ask
from settings.birth import Past
from settings.reading import VERSION, Configuration, refuse_all
from settings.release import HISTORY, VERSIONS, Release
from settings.source import Source, check_out

READ_OUTPUTS = "pulumi:pulumi:readStackOutputs"
FORMS = {"commit": r"[0-9a-f]{40}", "program": r"[0-9a-f]{64}", **dict.fromkeys(VERSIONS, VERSION)}
DIGEST = r"sha256:[0-9a-f]{64}"


def read_release(read: Configuration) -> Release | None:
    """The setting `release`, as `python -m operate promote` writes it."""
    given = read.map("release")
    if not given:
        return None
    wrong = [key for key, form in FORMS.items() if not re.fullmatch(form, str(given.get(key, "")))]
    images = given.get("images")
    if not isinstance(images, dict) or not all(re.fullmatch(DIGEST, str(digest)) for digest in images.values()):
        wrong.append("images")
    if wrong or given.keys() - {*FORMS, "containerd", "images"}:
        what = f"its {', '.join(wrong)} cannot be right" if wrong else "there is more in it than a release has"
        read.refuse("release", f"{what}: 'python -m operate promote' writes it, whole")
        return None
    return Release.of(given)


def read_version(read: Configuration, key: str, release: Release | None) -> str:
    """A version: the release's, where there is one, and then nobody else's."""
    version = read.version(key)
    if release is None:
        return version
    if version != release.versions[key] and not read.is_default(key, version):
        read.refuse(key, f"the stack's release decides it, and says {release.versions[key]}: take it out", version)
    return release.versions[key]


def check_promotion(release: Release | None, promoted_from: str, source: Source, past: Past) -> None:
    """Raises SettingsError when the program is not the release's, or the release was not proved where it comes from.

    Nobody is asked about what this stack was let have before, or has proved itself.
    """
    stack = pulumi.get_stack()
    if release is None:
        if promoted_from:
            refuse_all(
                [
                    f"{_full('release')} is missing: this stack gets what was proved in {promoted_from}. "
                    f"python -m operate promote {promoted_from} {stack}"
                ]
            )
        return
    if source.program != release.program:
        refuse_all(
            [
                f"{_full('release')} is {release.commit[:12]}, and the program here is another "
                f"({source.commit[:12] if source.commit else 'of no commit: something was edited'}). Run it from the "
                f"release's own files: {check_out(release.commit)}"
            ]
        )
    had = [Release.of(one) for one in past.verified]
    problems = [f"{_full('release')}: {what}" for what in release.downgrades(had[-1])] if had else []
    if release not in [*had, *([Release.of(past.accepted)] if past.accepted else [])]:
        problems += _unproved(release, promoted_from)
    if problems:
        refuse_all(problems)


def _unproved(release: Release, promoted_from: str) -> list[str]:
    if not promoted_from:
        return []
    stage = f"{pulumi.get_organization()}/{pulumi.get_project()}/{promoted_from}"
    try:
        outputs = ask(READ_OUTPUTS, {"name": stage})["outputs"]
    except AskingError as error:
        return [f"{_full('promotedFrom')}: {promoted_from} cannot be asked what it has proved: {error}"]
    proved = [Release.of(one) for one in outputs.get(HISTORY) or ()]
    if release in proved:
        return []
    what = f"it proved {proved[-1]} last" if proved else "it has proved none yet"
    return [f"{_full('release')} {release} was not verified in {promoted_from}: {what}"]


def _full(key: str) -> str:
    return f"{pulumi.get_project()}:{key}"
