"""One text for one step: settings, files and a script of `scripts/`, ready for `bash -s`. Pure functions, no Pulumi."""

import base64
import re
import shlex
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

SCRIPTS = Path(__file__).parent.parent.parent / "scripts"
_SETTING = re.compile(r"[A-Z][A-Z0-9_]*")
_END_OF_FILE = "END_OF_FILE"  # no word of base64: its alphabet has no underscore


@dataclass(frozen=True, kw_only=True)
class File:
    """A file for a host: absolute path, text, octal mode, owner and group as chown takes them."""

    path: str
    content: str
    mode: str = "0644"
    owner: str = "root:root"


def read_script(name: str) -> str:
    """The text of one file of `scripts/`."""
    return (SCRIPTS / name).read_text()


def render(
    step: str,
    script: str,
    *,
    settings: Mapping[str, str] | None = None,
    files: Sequence[File] = (),
    libraries: Sequence[str] = (),
    delete_script: str | None = None,
) -> str:
    """The text that `bash -s` (or `bash -s delete`) runs for `step`, a name that tells people what ran and where.

    Bash reads the whole text before it runs any of it, so a connection that breaks half-way runs nothing, and no
    command of the script can swallow the rest of the script from its standard input.
    """
    parts = [
        *(_setting(name, value) for name, value in {"STEP": step, **(settings or {})}.items()),
        read_script("lib/common.sh"),
        "lock",
        *(read_script(library) for library in libraries),
    ]
    create = [*(_file(file) for file in files), "tell_failures", read_script(script)]
    if delete_script is None:
        parts += create
    else:
        delete = ["tell_failures", read_script(delete_script)]
        parts += ["if [[ ${1:-create} == delete ]]; then", *delete, "else", *create, "fi"]
    return "\n".join(["{", *(part.rstrip("\n") for part in parts), "exit 0", "} </dev/null", ""])


def _setting(name: str, value: str) -> str:
    if not _SETTING.fullmatch(name):
        raise ValueError(f"setting {name!r} of a node script: upper case letters, digits and underscores only")
    if "\0" in value:
        raise ValueError(f"setting {name} of a node script holds a NUL, which no shell variable can")
    return f"{name}={shlex.quote(value)}"


def _file(file: File) -> str:
    encoded = textwrap.fill(base64.b64encode(file.content.encode()).decode(), 76)
    command = shlex.join(["install_file", file.path, file.mode, file.owner, "base64", "--decode"])
    return "\n".join([f"{command} <<'{_END_OF_FILE}'", *([encoded] if encoded else []), _END_OF_FILE])
