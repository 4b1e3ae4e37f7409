"""The text of a step, as bash gets it: its settings, files and scripts, and the same step with another file."""

import base64
import re
import shlex
from collections.abc import Mapping, Sequence

from components.host.script import SCRIPTS

FILE = re.compile(
    r"^(?P<head>install_file (?P<path>\S+) (?P<rights>\S+ \S+) .*<<'END_OF_FILE'\n)"
    r"(?P<content>(?:[A-Za-z0-9+/=]+\n)*)END_OF_FILE$",
    re.M,
)


def settings(text: str) -> Mapping[str, str]:
    """The settings' values by their names."""
    head, _, _ = text.removeprefix("{\n").partition("#!/")
    return dict(one.split("=", 1) for one in shlex.split(head))


def rights(text: str) -> Mapping[str, str]:
    """The files' modes and owners, as `0644 root:root`, by their paths."""
    return {found["path"]: found["rights"] for found in FILE.finditer(text)}


def scripts(text: str) -> Sequence[str]:
    """The files of `scripts/` that it is made of, in their order."""
    sources = {file.relative_to(SCRIPTS).as_posix(): file.read_text() for file in SCRIPTS.rglob("*.sh")}
    places = {name: text.find(source.rstrip("\n")) for name, source in sources.items()}
    return sorted((name for name, place in places.items() if place >= 0), key=lambda name: places[name])


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
