"""A git repository of a test's own."""

import subprocess
from pathlib import Path

IDENTITY = ("-c", "user.name=tester", "-c", "user.email=tester@example.test", "-c", "commit.gpgsign=false")


def git(root: Path, *arguments: str) -> str:
    """What git says there. Raises CalledProcessError."""
    done = subprocess.run(["git", *IDENTITY, *arguments], cwd=root, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def commit(root: Path, message: str = "one more") -> str:
    """Commit all there is; gives the commit."""
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", message)
    return git(root, "rev-parse", "HEAD")
