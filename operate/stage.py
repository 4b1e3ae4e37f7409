"""A stage: a stack with its file in the checkout, what it is pinned to, and what it has proved."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import click

from operate.stack_state import pulumi
from settings import stack_files
from settings.release import HISTORY, VERSIONS, Release

OWN = frozenset(
    {"clusterName", "tags", "adminCidrs", "ingressCidrs", "vpcCidr", "release", "promotedFrom", "allowPassphrase"}
)
"""Settings in which stages differ by their nature; versions are the release's."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """`settings` are the file's, with the defaults of what it leaves out. `exists` says whether Pulumi knows the stack.

    `outputs` are none before the first `up` that ended well.
    """

    name: str
    settings: Mapping[str, Any]
    outputs: Mapping[str, Any]
    exists: bool

    @classmethod
    def read(cls, name: str) -> "Stage":
        """Raises ClickException when there is no file of that stage."""
        file = Path(f"Pulumi.{name}.yaml")
        if not file.exists():
            raise click.ClickException(f"there is no {file} here: {name} is no stage of this checkout")
        exists = name in _stacks()
        outputs = json.loads(pulumi("stack", "output", "--json", "--stack", name)) if exists else {}
        return cls(name=name, settings=stack_files.settings(name, Path.cwd()), outputs=outputs, exists=exists)

    @property
    def promoted_from(self) -> str:
        """The stage whose verified releases this one gets; empty for the first one."""
        return self.settings.get("promotedFrom", "")

    @property
    def release(self) -> Release | None:
        """What it is pinned to."""
        given = self.settings.get("release")
        return Release.of(given) if given else None

    @property
    def verified(self) -> Release | None:
        """What it has proved last."""
        history = self.outputs.get(HISTORY)
        return Release.of(history[-1]) if history else None

    @property
    def verified_at(self) -> str:
        """When, in UTC; empty for never."""
        history = self.outputs.get(HISTORY)
        return history[-1]["verifiedAt"] if history else ""

    def differences(self, other: "Stage") -> Mapping[str, tuple[Any, Any]]:
        """By setting: what `other` has and what this one has, where stages should be alike and these are not."""
        keys = (self.settings.keys() | other.settings.keys()) - OWN - set(VERSIONS)
        return {
            key: (other.settings.get(key), self.settings.get(key))
            for key in sorted(keys)
            if _as_read(other.settings.get(key)) != _as_read(self.settings.get(key))
        }


@cache
def _stacks() -> frozenset[str]:
    """Those that Pulumi knows: asked once, whoever of them is read."""
    return frozenset(one["name"].split("/")[-1] for one in json.loads(pulumi("stack", "ls", "--json")))


def _as_read(value: object) -> object:
    """To a program "3" and 3 are the same."""
    return str(value).lower() if isinstance(value, bool | int) else value
