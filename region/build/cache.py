"""Things that are made once: named by the key of all that decides their content, whole or not there at all."""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


def content_key(*parts: str | bytes | Path) -> str:
    """Sixteen hexadecimal digits of all parts; a path stands for its file's content, a folder for every file below."""
    digest = hashlib.sha256()
    for part in parts:
        for piece in _pieces(part):
            digest.update(len(piece).to_bytes(8, "big") + piece)
    return digest.hexdigest()[:16]


def _pieces(part: str | bytes | Path) -> Iterator[bytes]:
    if isinstance(part, str):
        yield part.encode()
    elif isinstance(part, bytes):
        yield part
    elif part.is_file():
        yield part.read_bytes()
    else:
        for file in sorted(path for path in part.rglob("*") if path.is_file()):
            yield f"{file.relative_to(part)} {os.access(file, os.X_OK)}".encode()
            yield file.read_bytes()


def made_once(target: Path, make: Callable[[Path], None]) -> Path:
    """Have `make` fill a new folder beside the target, then give it the target's name; do nothing when it is there.

    Killed at any moment, the target is not there and the next call begins anew. Two callers wait for one another.
    """
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{target.name}.unfinished")
    with _lock(target):
        if target.exists():
            return target
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir()
        unfinished.chmod(0o755)
        make(unfinished)
        unfinished.rename(target)
    return target


@contextmanager
def _lock(target: Path) -> Iterator[None]:
    with target.with_name(f".{target.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
