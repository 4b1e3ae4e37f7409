"""What the types share: defaults, names, tags, differences, and the way from the API's answers to inputs and state.

A type declares its inputs (`replace_on` and `changeable`), defaults and outputs, and has four methods of its own:
`make`, `look`, `change` and `end`. They speak to the API and let its errors through.
"""

import re
import secrets
from typing import ClassVar

from region.plugins.aws import calls
from region.plugins.aws.properties import comparable, known, projected, snake, tag_list, top
from region.plugins.aws.session import Session
from region.plugins.base import (
    UNKNOWN,
    Call,
    Checked,
    Difference,
    Found,
    IncompleteError,
    PluginError,
    Properties,
    Resource,
    compare,
)


class AwsResource(Resource):
    """One AWS type; a subclass per type."""

    token: ClassVar[str]
    required: ClassVar[tuple[str, ...]] = ()
    changeable: ClassVar[frozenset[str]] = frozenset()
    """Inputs that change in place; with `replace_on` all that there are."""
    defaults: ClassVar[Properties] = {}
    tagged: ClassVar[bool] = True
    is_regional: ClassVar[bool] = True
    auto_name: ClassVar[tuple[str, int] | None] = None
    """(property, longest): a name made of the resource's own where the program gives none."""

    volatile_outputs = frozenset({"tagsAll"})

    def __init__(self, session: Session) -> None:
        self.session = session

    def make(self, call: Call, inputs: Properties) -> str:
        """Create it; gives the id."""
        raise NotImplementedError

    def settle(self, call: Call, id: str, inputs: Properties) -> None:
        """What creation takes after the id is there. A failure here leaves the resource in the state."""

    def look(self, id: str, before: Properties) -> Properties | None:
        """Every property as the API has it, None when it is gone. `before` is what inputs and state had."""
        raise NotImplementedError

    def change(self, call: Call, id: str, old: Properties, new: Properties, changed: set[str]) -> None:
        """Bring the changed properties (without tags) to their new values."""

    def retag(self, id: str, removed: list[str], tags: dict[str, str]) -> None:
        if removed:
            self.session.ec2.delete_tags(Resources=[id], Tags=[{"Key": key} for key in removed])
        if tags:
            self.session.ec2.create_tags(Resources=[id], Tags=tag_list(tags))

    def end(self, call: Call, id: str, state: Properties) -> None:
        raise NotImplementedError

    def faults(self, inputs: Properties) -> list[str]:
        """What is wrong with the inputs taken together."""
        return []

    def replacing(self, old: Properties, new: Properties) -> frozenset[str]:
        """The inputs that replace when they change as they do here."""
        return self.replace_on

    def check(self, call: Call, old_inputs: Properties, inputs: Properties) -> Checked:
        given = {name: value for name, value in inputs.items() if value is not None}
        filled = self.filled(given)
        if self.tagged and filled.get("tags") != UNKNOWN:
            filled["tags"] = {**self.session.default_tags, **(filled.get("tags") or {})}
            filled = filled if filled["tags"] else {key: value for key, value in filled.items() if key != "tags"}
        if self.auto_name and self.auto_name[0] not in given and f"{self.auto_name[0]}Prefix" not in given:
            filled[self.auto_name[0]] = self._name(call, old_inputs)
        return Checked(inputs=filled, failures=list(self._failures(call, given)))

    def filled(self, inputs: Properties) -> Properties:
        return {**self.defaults, **inputs}

    def _failures(self, call: Call, inputs: Properties) -> list[tuple[str, str]]:
        accepted = self.accepted()
        missing = [
            f'Missing required argument. The argument "{snake(name)}" is required, but no definition was found.. '
            f"Examine values at '{call.name}.{name}'."
            for name in self.required
            if name not in inputs
        ]
        unsupported = [
            (name, f"the region's stand-in for aws does not support {name} of {self.token}")
            for name in inputs
            if name not in accepted
        ]
        if known(inputs.get("region")) and inputs["region"] != self.session.region:
            unsupported.append(("region", f"there is only {self.session.region} here"))
        return [*(("", reason) for reason in [*missing, *self.faults(inputs)]), *unsupported]

    def accepted(self) -> frozenset[str]:
        common = {"region": self.is_regional, "tags": self.tagged}
        return self.replace_on | self.changeable | {name for name, has in common.items() if has}

    def _name(self, call: Call, old_inputs: Properties) -> str:
        assert self.auto_name
        name, longest = self.auto_name
        old = old_inputs.get(name)
        if isinstance(old, str) and self._is_automatic(call, old):
            return old
        return f"{call.name[: longest - 8]}-{secrets.token_hex(4)[:7]}"

    def _is_automatic(self, call: Call, name: str) -> bool:
        assert self.auto_name
        return re.fullmatch(re.escape(call.name[: self.auto_name[1] - 8]) + "-[0-9a-f]{7}", name) is not None

    def diff(self, call: Call, old_inputs: Properties, state: Properties, inputs: Properties) -> Difference:
        old, new = comparable(old_inputs, inputs, self.outputs)
        replacing = self.replacing(old, new) | {"region"}
        changes = compare(old, new, replacing)
        name = inputs.get(self.auto_name[0]) if self.auto_name else None
        kept = isinstance(name, str) and name == old_inputs.get(self.auto_name[0]) if self.auto_name else False
        collides = kept and not self._is_automatic(call, str(name))
        return Difference(changes=changes, delete_before_replace=any(change.replace for change in changes) and collides)

    def create(self, call: Call, inputs: Properties) -> tuple[str, Properties]:
        with calls.reported(self._subject(call)):
            id = self.make(call, inputs)
        try:
            with calls.reported(self._subject(call)):
                self.settle(call, id, inputs)
                state = self._look(call, id, inputs)
        except PluginError as error:
            raise IncompleteError(str(error), id=id, state=inputs) from error
        return id, state

    def read(self, call: Call, id: str, inputs: Properties, state: Properties) -> Found | None:
        with calls.reported(self._subject(call)):
            actual = self.look(id, {**inputs, **state})
        if actual is None:
            return None
        actual = self._with_common(actual)
        if not inputs:  # import, or `get`
            accepted = self.accepted() - (self.outputs - set(self.required))
            inputs = {
                key: value for key, value in actual.items() if key in accepted and value not in (None, "", [], {})
            }
        seen = {key: projected(value, actual.get(key), key) for key, value in inputs.items()}
        if self.tagged and actual.get("tags"):
            seen["tags"] = actual["tags"]
        return Found(
            id=id,
            inputs={k: v for k, v in seen.items() if v != {} or inputs.get(k) == {}},
            state=_in_form(actual, seen),
        )

    def update(self, call: Call, id: str, old_inputs: Properties, state: Properties, inputs: Properties) -> Properties:
        changed = {top(change.path) for change in self.diff(call, old_inputs, state, inputs).changes}
        with calls.reported(self._subject(call)):
            if changed:
                self.change(call, id, {**state, **old_inputs}, {**state, **inputs}, changed - {"tags"})
            else:
                self.settle(call, id, inputs)
            if self.tagged and "tags" in changed:
                old, new = old_inputs.get("tags") or {}, inputs.get("tags") or {}
                self.retag(id, sorted(old.keys() - new.keys()), new)
            return self._look(call, id, {**state, **inputs})

    def delete(self, call: Call, id: str, inputs: Properties, state: Properties) -> None:
        with calls.reported(self._subject(call)):
            calls.retrying(
                lambda: calls.unless_missing(lambda: self.end(call, id, {**inputs, **state})),
                calls.IN_USE,
                call.timeout_seconds or calls.DEPENDENCY_SECONDS,
            )

    def _look(self, call: Call, id: str, inputs: Properties) -> Properties:
        actual = self.look(id, inputs)
        if actual is None:
            raise PluginError(f"{self._subject(call)}: it is gone ({id})")
        return _in_form(self._with_common(actual), inputs)

    def _with_common(self, actual: Properties) -> Properties:
        tags = {"tagsAll": actual.get("tags") or {}} if self.tagged else {}
        region = {"region": self.session.region} if self.is_regional else {}
        return {**actual, **tags, **region}

    def _subject(self, call: Call) -> str:
        return f"{self.token} resource '{call.name}'"


def _in_form(actual: Properties, inputs: Properties) -> Properties:
    """Lists that hold what was given stay as given: their order means nothing, and shall not show as a change."""
    return {
        key: inputs[key] if isinstance(value, list) and projected(inputs.get(key), value) == inputs.get(key) else value
        for key, value in actual.items()
    }
