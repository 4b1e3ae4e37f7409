"""The program's source: the digest of its files, and the commit that they are of."""

import hashlib
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PARTS = ("__main__.py", "settings", "components", "scripts", "requirements.txt", "Pulumi.yaml")
"""What makes a cluster what it is. Not the stacks' files: to promote a release changes one of those."""
ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, kw_only=True)
class Source:
    """`program` is the SHA-256 of the files, `commit` the last one that touched them.

    No commit where the files are not those of any: something was edited since, or there is no repository.
    """

    program: str
    commit: str | None

    @classmethod
    def read(cls, root: Path = ROOT) -> "Source":
        return cls(program=_digest(root), commit=_commit(root))


def check_out(commit: str) -> str:
    """The commands that put another commit's files beside this checkout, with this one's stacks."""
    place = f"../{commit[:12]}"
    return f"git worktree add --detach {place} {commit} && cp Pulumi.*.yaml {place} && cd {place}"


def _digest(root: Path) -> str:
    digest = hashlib.sha256()
    for file in sorted(_files(root)):
        content = file.read_bytes()
        digest.update(f"{file.relative_to(root).as_posix()}\n{len(content)}\n".encode() + content)
    return digest.hexdigest()


def _files(root: Path) -> Iterator[Path]:
    """Without what Python, editors and systems leave beside them."""
    for part in PARTS:
        below = [root / part] if (root / part).is_file() else (root / part).rglob("*")
        for file in below:
            if file.is_file() and _counts(file.relative_to(root)):
                yield file


def _counts(file: Path) -> bool:
    return "__pycache__" not in file.parts and not any(name.startswith(".") for name in file.parts)


def _commit(root: Path) -> str | None:
    try:
        # Ignored files too: they are in the digest, and in no commit.
        listed = _git(root, "status", "--porcelain", "-z", "--untracked-files=all", "--ignored", "--", *PARTS)
        edited = [entry for entry in listed.split("\0") if entry and _counts(Path(entry[3:]))]
        return None if edited else _git(root, "log", "-1", "--format=%H", "--", *PARTS).strip() or None
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
