"""The stacks' files of a checkout, `Pulumi.<stack>.yaml`, as they are on the disk."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parents[1]


def names(folder: Path = FOLDER) -> Sequence[str]:
    """Of all stacks that have a file."""
    return sorted(file.name.removeprefix("Pulumi.").removesuffix(".yaml") for file in folder.glob("Pulumi.*.yaml"))


def read(stack: str, folder: Path = FOLDER) -> Mapping[str, Any]:
    """All that the stack's file says; nothing where it has none."""
    file = folder / f"Pulumi.{stack}.yaml"
    return (yaml.safe_load(file.read_text()) or {}) if file.exists() else {}


def settings(stack: str, folder: Path = FOLDER) -> Mapping[str, Any]:
    """The program's settings that the stack's file gives, and the defaults of those that it leaves out."""
    project = yaml.safe_load((folder / "Pulumi.yaml").read_text())
    prefix, given = f"{project['name']}:", read(stack, folder).get("config") or {}
    defaults = {key: declared["default"] for key, declared in project["config"].items() if "default" in declared}
    own = {key.removeprefix(prefix): value for key, value in given.items() if key.startswith(prefix)}
    return {**defaults, **own}
