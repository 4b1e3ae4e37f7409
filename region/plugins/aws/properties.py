"""Property values as the provider compares them: sets without order, blocks of which a program gives only a part."""

import json
import re

from region.plugins.base import UNKNOWN, Properties

MAPS = frozenset({"tags", "volumeTags"})
"""Properties whose keys are the user's: a key that was not given counts too."""


def names(text: str) -> frozenset[str]:
    """Property names written as words."""
    return frozenset(text.split())


def projected(given: object, actual: object, name: str = "") -> object:
    """What the world has of what the program gave, in the program's own order and form where nothing differs."""
    if actual is None or given == actual:
        return given
    if isinstance(given, dict) and isinstance(actual, dict) and name not in MAPS:
        return {key: projected(value, actual.get(key), key) for key, value in given.items()}
    if isinstance(given, list) and isinstance(actual, list) and _same_members(given, actual):
        return given
    return actual


def _same_members(given: list, actual: list) -> bool:
    """Whether every given item is there, and nothing else, in any order."""
    if len(given) != len(actual):
        return False
    left = list(actual)
    for item in given:
        match = next((other for other in left if projected(item, other) == item), None)
        if match is None:
            return False
        left.remove(match)
    return True


def comparable(old: Properties, new: Properties, computed: frozenset[str]) -> tuple[Properties, Properties]:
    """Old and new inputs without differences that are none: order, and what was given once and is now left to AWS."""
    old = {key: value for key, value in old.items() if key in new or key not in computed}
    for key in old.keys() & new.keys():
        before, after = old[key], new[key]
        if isinstance(before, list) and _unordered(before) == _unordered(after):
            old[key] = after
        if isinstance(before, dict) and isinstance(after, dict) and key in computed:
            old[key] = {name: value for name, value in before.items() if name in after or name in MAPS}
    return old, new


def _unordered(value: object) -> object:
    """The same for values that differ only in the order of lists, or in nulls."""
    if isinstance(value, dict):
        return {key: _unordered(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return sorted((_unordered(item) for item in value), key=lambda item: json.dumps(item, sort_keys=True))
    return value


def top(path: str) -> str:
    """The property that a path is in."""
    return re.split(r"[.\[]", path, maxsplit=1)[0]


def snake(name: str) -> str:
    """A property's name as Terraform has it, which the provider's messages show."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


def known(value: object) -> bool:
    return value is not None and value != UNKNOWN


def tag_list(tags: Properties) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]


def tags_of(listed: list[dict[str, str]] | None) -> dict[str, str]:
    """The user's own tags; AWS adds some that begin with `aws:`."""
    return {tag["Key"]: tag["Value"] for tag in listed or [] if not tag["Key"].startswith("aws:")}


def tag_specifications(kind: str, inputs: Properties) -> dict[str, list[dict]]:
    tags = inputs.get("tags")
    return {"TagSpecifications": [{"ResourceType": kind, "Tags": tag_list(tags)}]} if tags else {}


def arguments(inputs: Properties, names: dict[str, str]) -> Properties:
    """The API's arguments for the inputs that are given: {input: argument}."""
    return {argument: inputs[name] for name, argument in names.items() if inputs.get(name) not in (None, "")}


def attribute_list(inputs: Properties, names: dict[str, str]) -> list[dict[str, str]]:
    """Attributes of the load balancing service for the inputs that are given: {input: attribute}."""
    return [
        {"Key": key, "Value": text(inputs[name])} for name, key in sorted(names.items()) if inputs.get(name) is not None
    ]


def text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def typed(value: str) -> bool | int | str:
    """What an attribute's text says."""
    return {"true": True, "false": False}.get(value, int(value) if value.isdigit() else value)
