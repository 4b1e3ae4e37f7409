"""A Pulumi resource plugin in Python: what the region's plugins share.

A plugin subclasses `Resource` per type, puts instances of them into a `Plugin` and gives it to `server.serve`. Then

- **Values** are plain Python: dict, list, str, int, float, bool, None. One not known yet (preview) is `UNKNOWN`.
  Secrets arrive bare: the engine itself marks outputs named as a secret input, `Resource.secret_outputs` adds those
  that are born secret.
- **State** is the inputs overlaid by what `create`, `update` and `read` return; the engine sends old inputs beside it.
- **Preview** calls `check` and `diff` only, never `create`, `update`, `delete`: it answers from `outputs` and
  `volatile_outputs`.
- **Concurrency**: an `async def` method runs on the server's event loop, a plain one in a thread, where it may block.
- **Errors**: raise `PluginError` with a message for the user (nothing enters the state), or `IncompleteError` when
  something was made but is not as it should be. Anything else is shown as a fault of the plugin.
"""

import json
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pulumi.runtime import rpc

UNKNOWN: str = rpc.UNKNOWN
"""Stands for a value that is not known before the update runs."""

Properties = dict[str, Any]
Severity = Literal["debug", "info", "warning", "error"]


class PluginError(Exception):
    """A failure to be shown to the user as it is; nothing of the attempt enters the state."""


class IncompleteError(PluginError):
    """Something was made or changed and belongs into the state (all of it: inputs too), but is not as it should be."""

    def __init__(self, reason: str, *, id: str, state: Properties) -> None:
        super().__init__(reason)
        self.id = id
        self.state = state


@dataclass(frozen=True, kw_only=True)
class Call:
    """What a call is about. `timeout_seconds` is the resource's custom timeout, 0 when it has none."""

    urn: str
    timeout_seconds: float = 0
    log: Callable[..., None] = lambda message, severity="info": None
    """`log(message, severity="info")` shows a line with the resource; callable from any thread, kept in order."""

    @property
    def name(self) -> str:
        return self.urn.rsplit("::", 1)[-1]


@dataclass(frozen=True, kw_only=True)
class Change:
    """One property that differs: `path` as Pulumi writes it, like `tags["a.b"]` or `triggers[0]`."""

    path: str
    kind: Literal["add", "delete", "update"]
    replace: bool = False


@dataclass(frozen=True, kw_only=True)
class Difference:
    changes: Sequence[Change] = ()
    delete_before_replace: bool = False


@dataclass(frozen=True, kw_only=True)
class Checked:
    """Inputs with defaults filled in, and what is wrong with them: (property, reason)."""

    inputs: Properties
    failures: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, kw_only=True)
class Found:
    """What `read` saw. `inputs` as the world has them: where they differ from the program's shows a diff."""

    id: str
    inputs: Properties
    state: Properties


class Resource:
    """One resource type. Attributes say what most types need; any method may be overridden and may be `async def`."""

    outputs: frozenset[str] = frozenset()
    """Properties that the service fills in (where no input gives them): unknown in the preview of a create."""
    volatile_outputs: frozenset[str] = frozenset()
    """Those of them that an update may change: unknown in the preview of an update."""
    secret_outputs: frozenset[str] = frozenset()
    replace_on: frozenset[str] = frozenset()
    """Inputs that cannot change in place: names, or paths without indices (`rootBlockDevice.encrypted`); "*" is all."""
    delete_before_replace: bool = False

    def check(self, call: Call, old_inputs: Properties, inputs: Properties) -> Checked | Awaitable[Checked]:
        return Checked(inputs=inputs)

    def diff(
        self, call: Call, old_inputs: Properties, state: Properties, inputs: Properties
    ) -> Difference | Awaitable[Difference]:
        return Difference(
            changes=compare(old_inputs, inputs, self.replace_on), delete_before_replace=self.delete_before_replace
        )

    def create(self, call: Call, inputs: Properties) -> tuple[str, Properties] | Awaitable[tuple[str, Properties]]:
        """Make it; gives the id and the outputs."""
        raise NotImplementedError

    def read(
        self, call: Call, id: str, inputs: Properties, state: Properties
    ) -> Found | Awaitable[Found | None] | None:
        """Look at it; None when it is gone. Called by refresh, and with empty inputs and state by import and `get`."""
        return Found(id=id, inputs=inputs, state=state)

    def update(
        self, call: Call, id: str, old_inputs: Properties, state: Properties, inputs: Properties
    ) -> Properties | Awaitable[Properties]:
        """Change it in place; gives the outputs that changed (the others stay as they are in the state)."""
        raise NotImplementedError

    def delete(self, call: Call, id: str, inputs: Properties, state: Properties) -> Awaitable[None] | None:
        """End it; one that is gone already is no error."""
        raise NotImplementedError


class Plugin:
    """A plugin: its name, its version and its types. Subclass it to take configuration."""

    def __init__(
        self,
        name: str,
        version: str,
        resources: Mapping[str, Resource],
        functions: Mapping[str, Callable[[Properties], Properties]] | None = None,
    ) -> None:
        self.name = name
        self.version = version
        self.resources = resources
        self.functions = functions or {}

    def configure(self, config: Properties) -> None:
        """Called once, before any resource, with the provider's configuration (values that are JSON are decoded)."""


def contains_unknown(value: object) -> bool:
    if isinstance(value, dict):
        return any(contains_unknown(item) for item in value.values())
    if isinstance(value, list):
        return any(contains_unknown(item) for item in value)
    return value == UNKNOWN


def compare(old: Properties, new: Properties, replace_on: frozenset[str] = frozenset()) -> tuple[Change, ...]:
    """Every property that differs, down to the leaves; null and absent are the same."""
    return tuple(
        Change(path=path, kind=kind, replace=_replaces(path, replace_on)) for path, kind in _differences("", old, new)
    )


def _differences(path: str, old: object, new: object) -> Iterator[tuple[str, Literal["add", "delete", "update"]]]:
    if old == new:
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            yield from _differences(_member(path, key), old.get(key), new.get(key))
    elif isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            before = old[index] if index < len(old) else None
            after = new[index] if index < len(new) else None
            yield from _differences(f"{path}[{index}]", before, after)
    else:
        yield path, "add" if old is None else "delete" if new is None else "update"


def _member(path: str, key: str) -> str:
    if not re.fullmatch(r"[A-Za-z_]\w*", key):
        return f"{path}[{json.dumps(key)}]"
    return f"{path}.{key}" if path else key


def _replaces(path: str, replace_on: frozenset[str]) -> bool:
    plain = re.sub(r"\[\d+\]", "", path)
    return "*" in replace_on or any(plain == name or plain.startswith((f"{name}.", f"{name}[")) for name in replace_on)
