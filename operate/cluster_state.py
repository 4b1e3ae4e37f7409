"""The cluster's part of a stack's state: everything below the component Cluster, and how it is forgotten."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from operate.stack_state import export, pulumi

CLUSTER = "kubeadm:index:Cluster"


def forget_cluster(stack: str) -> int:
    """Take the cluster out of the stack's state, protected resources too; the machines' infrastructure stays in it.

    Gives how many resources were forgotten. Nothing is deleted anywhere, so what they stood for must be gone already.
    Secrets stay as they are stored. Raises ClickException.
    """
    state = export(stack)
    left = without_cluster(state)
    if left != state:
        pulumi("stack", "import", "--stack", stack, stdin=json.dumps(left))
    return len(_resources(state)) - len(_resources(left))


def without_cluster(state: Mapping[str, Any]) -> dict[str, Any]:
    """What `pulumi stack export` printed, without the cluster, and without unfinished operations on it."""
    deployment = state.get("deployment") or {}
    pending = deployment.get("pending_operations") or []
    gone = _below(CLUSTER, [*_resources(state), *(one["resource"] for one in pending)])
    left = {"resources": [_without(gone, one) for one in _resources(state) if one["urn"] not in gone]}
    if pending:
        left["pending_operations"] = [one for one in pending if one["resource"]["urn"] not in gone]
    return {**state, "deployment": {**deployment, **left}} if gone else dict(state)


def _resources(state: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return (state.get("deployment") or {}).get("resources") or []


def _below(type: str, resources: Iterable[Mapping[str, Any]]) -> set[str]:
    """The URNs of all resources of a type and of their descendants, in whatever order they stand."""
    parents = {one["urn"]: one.get("parent") for one in resources}
    found = {one["urn"] for one in resources if one["type"] == type}
    while more := {urn for urn, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def _without(gone: set[str], resource: Mapping[str, Any]) -> dict[str, Any]:
    """A resource that depends on none of these; Pulumi takes no state with a dependency on nothing."""
    kept = dict(resource)
    if "dependencies" in kept:
        kept["dependencies"] = [urn for urn in kept["dependencies"] if urn not in gone]
    if "propertyDependencies" in kept:
        kept["propertyDependencies"] = {
            name: [urn for urn in urns or () if urn not in gone] for name, urns in kept["propertyDependencies"].items()
        }
    if kept.get("deletedWith") in gone:
        del kept["deletedWith"]
    return kept
