"""Go modules that are compiled in another text than upstream's: copies of them, and a go.mod that names the copies."""

import json
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from region.build.edits import Edit
from region.errors import ExpectedError


class EditError(ExpectedError):
    """A module cannot be had, or has not the text that an edit is for."""


def edited_modules(source: Path, edits: Sequence[Edit], folder: Path, environment: Mapping[str, str]) -> Path:
    """The go.mod that the tool in `source` is built with: its own, or one in `folder` that names edited copies there.

    Raises EditError with what Go says, or when upstream's text is no longer what an edit was made for.
    """
    if not edits:
        return source / "go.mod"
    for name in ("go.mod", "go.sum"):
        shutil.copyfile(source / name, folder / name)

    def go(*arguments: str) -> str:
        done = subprocess.run(
            ["go", "mod", *arguments], cwd=source, env=environment, check=False, capture_output=True, text=True
        )
        if done.returncode:
            raise EditError(f"go mod {' '.join(arguments)}, for {source.name}, failed:\n{done.stdout}{done.stderr}")
        return done.stdout

    for module in dict.fromkeys(edit.module for edit in edits):
        upstream = json.loads(go("download", "-json", module))["Dir"]
        shutil.copytree(upstream, folder / module, copy_function=shutil.copyfile)
        go("edit", f"-replace={module}={folder / module}", str(folder / "go.mod"))
    for edit in edits:
        file = folder / edit.module / edit.file
        text, count = re.subn(edit.pattern, edit.text, file.read_text())
        if not count:
            raise EditError(
                f"{edit.module}: nothing in {edit.file} matches {edit.pattern}; look what became of it, and whether "
                "region/build/edits.py still needs the edit"
            )
        file.write_text(text)
    return folder / "go.mod"
