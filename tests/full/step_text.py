"""The text of a step, as bash gets it: what files it installs, and the same step with another file."""

import base64
import re
from collections.abc import Mapping

FILE = re.compile(
    r"^(?P<head>install_file (?P<path>\S+) .*<<'END_OF_FILE'\n)(?P<content>(?:[A-Za-z0-9+/=]+\n)*)END_OF_FILE$", re.M
)


def files(text: str) -> Mapping[str, str]:
    """The files' contents by their paths."""
    return {found["path"]: base64.b64decode(found["content"]).decode() for found in FILE.finditer(text)}


def with_file(text: str, path: str, content: str) -> str:
    """The same step, had it another file at this path."""
    assert path in files(text), f"the step installs no {path}"
    encoded = f"{base64.b64encode(content.encode()).decode()}\n" if content else ""

    def replaced(found: re.Match[str]) -> str:
        return f"{found['head']}{encoded}END_OF_FILE" if found["path"] == path else found[0]

    return FILE.sub(replaced, text)
