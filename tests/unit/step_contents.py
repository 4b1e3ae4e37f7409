"""What a step is told, as a document to look at: its settings, the files it installs, the scripts that it runs."""

import re
from collections.abc import Set

import yaml
from golden_file import matches_golden

from tests.step_text import rights, scripts, settings

DIGEST = re.compile(r"\b[0-9a-f]{64}\b")


def has_golden_contents(text: str, name: str) -> bool:
    """Whether a step's text holds the settings, files (with mode and owner) and scripts of golden/steps/`name`.yaml.

    A digest stands there as a word: it changes with every text that it is of.
    """
    told = {name: DIGEST.sub("DIGEST", value) for name, value in settings(text).items()}
    contents = {"settings": told, "files": dict(rights(text)), "scripts": list(scripts(text))}
    return matches_golden(yaml.safe_dump(contents, sort_keys=False, width=1000), f"steps/{name}.yaml")


# Bash's own, what a member's script reads from birth.env, and jq's own.
GIVEN = {"SECONDS", "BASH_COMMAND", "BASH_REMATCH", "EPOCHREALTIME", "INITIAL_CLUSTER_STATE", "ARGS"}
USED = re.compile(r"(?<!\\)\$\{?[#!]?([A-Z][A-Z0-9_]*)\b(?!:?[-+])")
ASSIGNED = re.compile(r"(?:^|[\s;({])([A-Z][A-Z0-9_]*)(?:\[\w*\])?\+?=|\bexec \{([A-Z]+)\}", re.M)


def settings_without_value(text: str) -> Set[str]:
    """The variables that a step's scripts use and nobody sets: bash would end there, perhaps much later."""
    code = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    assigned = {name for found in ASSIGNED.finditer(code) for name in found.groups() if name}
    return {found[1] for found in USED.finditer(code)} - assigned - GIVEN
