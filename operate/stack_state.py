"""What a stack's state knows: its resources, the creations that never ended, and whether somebody is at work on it."""

import json
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from settings.tags import CLUSTER_TAG, STACK_TAG

PROVIDER = "pulumi:providers:aws"
INSTANCE = "aws:ec2/instance:Instance"


@dataclass(frozen=True, kw_only=True)
class Registered:
    """A resource as the state has it; `identity` is empty as long as its creation has not ended."""

    urn: str
    type: str
    identity: str
    inputs: Mapping[str, Any]

    @property
    def name(self) -> str:
        return self.urn.rsplit("::", 1)[-1]


@dataclass(frozen=True, kw_only=True)
class StackState:
    """`known` are ids and ARNs that must not be touched; account, region and profile are those of its AWS provider.

    `identities` are those that the stack's things carry, so that another's are told from them.
    """

    project: str
    clusters: frozenset[str]
    identities: frozenset[str]
    known: frozenset[str]
    resources: tuple[Registered, ...]
    creating: tuple[Registered, ...]
    account: str | None
    region: str | None
    profile: str | None

    @property
    def cluster(self) -> str:
        """The cluster's name. Raises ClickException unless there is exactly one."""
        if len(self.clusters) != 1:
            names = ", ".join(sorted(self.clusters)) or "none"
            raise click.ClickException(f"the stack's state should name one cluster, and names {names}")
        return next(iter(self.clusters))

    def owns(self, tags: Mapping[str, str]) -> bool:
        """Is what carries these tags the stack's?"""
        return tags.get(CLUSTER_TAG) in self.clusters and tags.get(STACK_TAG) in self.identities

    def machine(self, node: str) -> str:
        """AWS's id of the machine that is `node` now; empty if there is none. (Outputs are older after a failed up.)"""
        name = f"{self.cluster}-{node}"
        return next((one.identity for one in self.resources if one.type == INSTANCE and one.name == name), "")

    @classmethod
    def of(cls, export: Mapping[str, Any]) -> "StackState":
        """From what `pulumi stack export` prints. Everything is empty for a stack that never had anything."""
        deployment = export.get("deployment") or {}
        resources = deployment.get("resources") or []
        pending = [one["resource"] for one in deployment.get("pending_operations") or [] if one["type"] == "creating"]
        arns = [arn for one in resources if (arn := (one.get("outputs") or {}).get("arn"))]
        accounts = {arn.split(":")[4] for arn in arns} - {""}
        providers = [one.get("inputs") or {} for one in resources if one["type"] == PROVIDER]
        provider = providers[-1] if providers else {}
        return cls(
            project=next((one["urn"].split("::")[1] for one in [*resources, *pending]), ""),
            clusters=frozenset(_tagged(CLUSTER_TAG, [*resources, *pending])),
            identities=frozenset(_tagged(STACK_TAG, [*resources, *pending])),
            known=frozenset([*arns, *(one["id"] for one in resources if one.get("id"))]),
            resources=tuple(map(_registered, resources)),
            creating=tuple(map(_registered, pending)),
            account=accounts.pop() if len(accounts) == 1 else None,
            region=provider.get("region"),
            profile=provider.get("profile"),
        )

    @classmethod
    def read(cls, stack: str) -> "StackState":
        """Ask Pulumi; what the project's other stacks know is known too. Raises ClickException when it is locked."""
        stacks = json.loads(pulumi("stack", "ls", "--json"))
        state = cls.of(export(stack))
        _refuse_locked(stack, state.project, stacks)
        others = [cls.of(export(one["name"])).known for one in stacks if not _is_named(one, stack)]
        return replace(state, known=state.known.union(*others))


def forget_creations(stack: str, state: StackState) -> None:
    """Clear the creations that never ended: Pulumi keeps them from run to run, and warns of them each time.

    Only a refresh does, and it may be as small as the stack itself.
    """
    root = [f"--target={one.urn}" for one in state.resources if one.type == "pulumi:pulumi:Stack"]
    pulumi("refresh", "--yes", "--skip-preview", "--clear-pending-creates", *root, "--stack", stack)


def _tagged(name: str, resources: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    """The tag's values. One that was not known yet when a preview wrote it is none."""
    for resource in resources:
        tags = (resource.get("inputs") or {}).get("tags")
        if isinstance(tags, dict) and isinstance(tags.get(name), str):
            yield tags[name]


def _registered(resource: Mapping[str, Any]) -> Registered:
    return Registered(
        urn=resource["urn"],
        type=resource["type"],
        identity=resource.get("id") or "",
        inputs=resource.get("inputs") or {},
    )


def _refuse_locked(stack: str, project: str, stacks: Iterable[Mapping[str, Any]]) -> None:
    """What is being made just now is in no state yet, and a state that is being written must not be changed.

    Pulumi tells of a run only where its service keeps the state; in a directory the lock's file is there to be seen.
    """
    busy = any(_is_named(one, stack) and one.get("updateInProgress") for one in stacks)
    backend = json.loads(pulumi("whoami", "--json"))["url"]
    if backend.startswith("file://"):
        place = Path(backend.removeprefix("file://").partition("?")[0]).expanduser()
        busy = any((place / ".pulumi" / "locks").glob(f"**/{project}/{stack.split('/')[-1]}/*.json"))
    elif not backend.startswith("http"):
        click.echo(f"Whether somebody runs pulumi on stack {stack} cannot be seen in {backend}: make sure nobody does.")
    if busy:
        raise click.ClickException(
            f"stack {stack} is locked: somebody runs pulumi on it. Wait for the run to end; if it was killed, "
            f"`pulumi cancel --yes --stack {stack}` takes its lock away."
        )


def _is_named(listed: Mapping[str, Any], stack: str) -> bool:
    return listed["name"].split("/")[-1] == stack.split("/")[-1]


def export(stack: str) -> Mapping[str, Any]:
    """The stack's state as Pulumi stores it, secrets encrypted."""
    return json.loads(pulumi("stack", "export", "--stack", stack))


def pulumi(*arguments: str, stdin: str = "") -> str:
    """What `pulumi` printed. Raises ClickException with what it complained of."""
    done = subprocess.run(["pulumi", *arguments, "--non-interactive"], input=stdin, capture_output=True, text=True)
    if done.returncode:
        raise click.ClickException(f"pulumi {' '.join(arguments[:2])}: {done.stderr.strip()}")
    return done.stdout
