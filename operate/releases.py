"""Releases: all stages in one table, each with what it runs, when that was proved, and what it is behind by."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from operate.promotion import commits_between
from operate.stage import Stage
from settings import stack_files
from settings.release import Release

CONSOLE = Console(highlight=False)


def releases(*, as_json: bool) -> None:
    """Tell of every stage of the checkout. Raises ClickException."""
    stages = {name: Stage.read(name) for name in stack_files.names(Path.cwd())}
    givers = {stage.promoted_from for stage in stages.values()}
    told = {name: one for name, one in stages.items() if one.exists or one.promoted_from or name in givers}
    rows = [row(stage, stages) for stage in _in_order(told)]
    if as_json:
        CONSOLE.print_json(json.dumps(rows))
        return
    table = Table("Stage", "From", "Release", "Verified", "Behind by", "Other settings")
    for one in rows:
        verified = f"{one['verified']}\n{one['verifiedAt']}" if one["verified"] else "never"
        behind, differs = "\n".join(one["behind"]), "\n".join(one["differs"])
        table.add_row(one["stage"], one["promotedFrom"], one["release"], verified, behind, differs)
    CONSOLE.print(table)


def row(stage: Stage, stages: Mapping[str, Stage]) -> Mapping[str, Any]:
    """What there is to say of one stage. `release` is what it is pinned to, or runs without a pin."""
    giver = stages.get(stage.promoted_from)
    return {
        "stage": stage.name,
        "promotedFrom": stage.promoted_from,
        "release": str(stage.release) if stage.release else _runs(stage),
        "verified": str(stage.verified) if stage.verified else None,
        "verifiedAt": stage.verified_at or None,
        "behind": _behind(stage.verified, giver.verified) if giver and giver.verified else [],
        "differs": list(stage.differences(giver)) if giver else [],
    }


def _runs(stage: Stage) -> str:
    runs = stage.outputs.get("release")
    if runs is None:
        return "nothing yet"
    return str(Release.of({**runs, "images": {}, "commit": runs["commit"] or "edited files"}))


def _behind(ours: Release | None, theirs: Release) -> list[str]:
    """What the stage before has proved and this one does not have."""
    if ours is None:
        return [f"all of {theirs}"]
    versions = [
        f"{key.removesuffix('Version')} {ours.versions[key]} → {version}"
        for key, version in theirs.versions.items()
        if version != ours.versions[key]
    ]
    if theirs.program != ours.program:
        commits = commits_between(ours.commit, theirs.commit)
        number = "commits" if not commits else f"{len(commits)} commit{'' if len(commits) == 1 else 's'}"
        versions.append(f"{number} of the program")
    return versions


def _in_order(stages: Mapping[str, Stage]) -> list[Stage]:
    """Each after the one that it gets its releases from."""

    def path(stage: Stage) -> list[str]:
        names = [stage.name]
        while (giver := stages.get(stages[names[0]].promoted_from)) and giver.name not in names:
            names.insert(0, giver.name)
        return names

    return sorted(stages.values(), key=path)
