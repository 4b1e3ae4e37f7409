"""Comparing a text with the one that was looked at and committed."""

import os
from pathlib import Path

GOLDEN = Path(__file__).parent / "golden"


def matches_golden(text: str, name: str) -> bool:
    """Whether `text` is golden/`name`. UPDATE_GOLDEN=1 in the environment writes it instead: then look at the diff."""
    file = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return file.read_text() == text
