"""Promotion: what one stage has proved becomes what the next one is pinned to, and runs."""

import json
import subprocess
from pathlib import Path

import click
import yaml
from rich.console import Console

from operate.plan import plan
from operate.stack_state import pulumi
from operate.stage import Stage
from settings import stack_files
from settings.release import VERSIONS, Release
from settings.source import PARTS, Source, check_out

CONSOLE = Console(highlight=False, soft_wrap=True)


def promote(source: str, target: str, *, agreed: bool, pin_only: bool) -> None:
    """Pin `target` to what `source` has proved last, show what that does, ask, run it. Raises ClickException.

    With `pin_only` the pin alone is written, to be reviewed and run by who runs things.
    """
    giver, taker = Stage.read(source), Stage.read(target)
    release = _release(giver, taker)
    if not pin_only:
        _require_files(release, giver, target)
    CONSOLE.print(told(release, giver, taker), markup=False)
    file = Path(f"Pulumi.{target}.yaml")
    before = file.read_text()
    try:
        _pin(target, taker, release)
        if pin_only:
            CONSOLE.print(f"Nothing was run: review and commit {file}, then `pulumi up --stack {target}`.")
            return
        plan(target, None)
        if not (agreed or click.confirm(f"Run it on {target}?")):
            raise click.ClickException("nothing was run")
    except BaseException:
        file.write_text(before)
        CONSOLE.print(f"{file} is as it was.")
        raise
    _run(target, release)
    CONSOLE.print(f"{target} runs {release} and has proved it. Commit {file}.", style="green")


def _run(target: str, release: Release) -> None:
    if subprocess.run(["pulumi", "up", "--yes", "--skip-preview", "--stack", target]).returncode:
        raise click.ClickException(
            f"{target} is pinned to {release.commit[:12]} and not there yet: pulumi's messages are above. "
            f"`pulumi up --stack {target}` goes on"
        )
    proved = Stage.read(target).verified
    if proved is None or not proved.is_of(release):
        raise click.ClickException(f"{target} ran, and did not prove {release}")


def _release(giver: Stage, taker: Stage) -> Release:
    """What shall be run; raises ClickException where that must not be."""
    if taker.promoted_from != giver.name:
        known = f"releases from {taker.promoted_from}" if taker.promoted_from else "no releases: it is a first stage"
        raise click.ClickException(f"{taker.name} gets {known} (promotedFrom in Pulumi.{taker.name}.yaml)")
    if not taker.exists:
        raise click.ClickException(
            f"there is no stack {taker.name} yet. `pulumi stack init {taker.name}` makes it, with --secrets-provider "
            "where a cloud's KMS shall guard its secrets; then promote again"
        )
    release = giver.verified
    if release is None:
        raise click.ClickException(f"{giver.name} has proved nothing yet: its `pulumi up` must have ended, of a commit")
    earlier = release.downgrades(taker.release) if taker.release else []
    if earlier:
        raise click.ClickException(f"{taker.name} does not go back: {'; '.join(earlier)}")
    return release


def _require_files(release: Release, giver: Stage, taker: str) -> None:
    """What runs are the files that are here."""
    here = Source.read(Path.cwd())
    if here.program != release.program:
        what = f"of {here.commit[:12]}" if here.commit else "of no commit: something in them was edited"
        raise click.ClickException(
            f"{giver.name} has proved {release.commit[:12]}, the program's files here are {what}. Pin {taker} alone "
            f"(--pin-only), commit that, and run it from what was proved: {check_out(release.commit)}"
        )


def told(release: Release, giver: Stage, taker: Stage) -> str:
    """What the promotion changes, a few lines: versions, the program's commits, and where the stages are not alike."""
    before = taker.release
    lines = [f"{giver.name} → {taker.name}"]
    for key in VERSIONS:
        new, old = release.versions[key], before.versions[key] if before else taker.settings.get(key)
        lines.append(f"  {key.removesuffix('Version'):<12} {new if new == old or not old else f'{old} → {new}'}")
    if release.containerd:
        lines.append(f"  {'containerd':<12} {release.containerd} where it was proved")
    if before is None:
        lines.append(f"  {'program':<12} {release.commit[:12]}, the first that is promoted to {taker.name}")
    elif before.program == release.program:
        lines.append(f"  {'program':<12} {release.commit[:12]}, as before")
    else:
        lines.append(f"  {'program':<12} {before.commit[:12]} → {release.commit[:12]}")
        commits = commits_between(before.commit, release.commit)
        lines += [f"    {line}" for line in (["its commits are not in this checkout"] if commits is None else commits)]
    for key, values in taker.differences(giver).items():
        theirs, ours = (json.dumps(value) for value in values)
        lines.append(f"  {key} is {theirs} in {giver.name}, {ours} in {taker.name}")
    return "\n".join(lines)


def commits_between(before: str, after: str) -> list[str] | None:
    """The program's commits, a line each, the last first; None where this checkout does not have both."""
    command = ["git", "log", "--format=%h %s", f"{before}..{after}", "--", *PARTS]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.stdout.splitlines() if done.returncode == 0 else None


def _pin(target: str, taker: Stage, release: Release) -> None:
    """Pulumi edits its own file, so that what is said in it by people stays."""
    if taker.release == release:
        return
    project = yaml.safe_load(Path("Pulumi.yaml").read_text())["name"]
    value = {"value": json.dumps(release.given()), "objectValue": release.given(), "secret": False}
    pulumi("config", "set-all", "--stack", target, "--json", json.dumps({f"{project}:release": value}))
    given = stack_files.read(target, Path.cwd())["config"]
    for key in VERSIONS:
        if f"{project}:{key}" in given:
            pulumi("config", "rm", key, "--stack", target)
