"""The versions that the pinned Go modules have, for whoever publishes what is built from them."""

import re
from pathlib import Path

MODULES = Path(__file__).parent / "tools"


def module_version(tool: str, module: str) -> str:
    """The version, without its `v`, that the tool's go.mod requires of a module. Raises LookupError."""
    return required_version((MODULES / tool / "go.mod").read_text(), module)


def required_version(go_mod: str, module: str) -> str:
    """The version that the text of a go.mod requires of a module, without its `v`. Raises LookupError."""
    found = re.search(rf"^\s*(?:require\s+)?{re.escape(module)} v(\S+)", go_mod, re.MULTILINE)
    if found is None:
        raise LookupError(f"go.mod requires no {module}")
    return found.group(1)
