"""Where this machine gets Debian packages from, and fetching some of them for another system than its own."""

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from region.errors import ExpectedError

SUITE = "trixie"
_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


class DebianMirrorError(ExpectedError):
    """The mirror is not known or does not give what was asked for; the message says which and where."""


def debian_mirror() -> str:
    """The Debian archive that this machine's apt is configured with, or on another distribution debootstrap's own."""
    release = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line)
    if release.get("ID") == "debian":
        form = "$(REPO_URI) $(RELEASE) $(COMPONENT)"
        listed = _run(["apt-get", "indextargets", "--no-release-info", "--format", form, "Created-By: Packages"])
        mirror = main_archive(listed, release.get("VERSION_CODENAME", ""))
    else:
        mirror = default_mirror(Path(shutil.which("debootstrap") or "/usr/sbin/debootstrap").read_text())
    if mirror is None:
        raise DebianMirrorError("no Debian archive is configured: add one to /etc/apt/sources.list.d and try again")
    return mirror


def main_archive(listed: str, codename: str) -> str | None:
    """The address that has the release's own suite, out of lines of address, suite and component."""
    rows = (line.split() for line in listed.splitlines())
    return next((row[0] for row in rows if row[1:] == [codename, "main"]), None)


def default_mirror(debootstrap: str) -> str | None:
    """The address that the text of debootstrap falls back to."""
    found = re.search(r'^DEF_MIRROR="?([^"\s]+)', debootstrap, re.MULTILINE)
    return found.group(1) if found else None


def download(packages: Sequence[str], root: Path, folder: Path) -> list[Path]:
    """Fetch packages and whatever they depend on that the system in `root` has not installed, into `folder/archives`.

    Neither that system nor this machine's own apt is touched. Raises DebianMirrorError with apt's words.
    """
    lists, archives = folder / "lists", folder / "archives"
    (archives / "partial").mkdir(parents=True)
    lists.mkdir()
    sources = folder / "sources.list"
    sources.write_text(f"deb [signed-by={_KEYRING}] {debian_mirror()} {SUITE} main\n")
    settings = {
        "APT::Architecture": "amd64",
        "APT::Sandbox::User": "root",
        "Debug::NoLocking": "true",
        "Dir::Cache": folder,
        "Dir::Etc::sourcelist": sources,
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::State": folder,
        "Dir::State::status": root / "var/lib/dpkg/status",
    }
    apt = ["apt-get", *(f"--option={name}={value}" for name, value in settings.items())]
    _run([*apt, "update"])
    _run([*apt, "install", "--yes", "--no-install-recommends", "--download-only", *packages])
    return sorted(archives.glob("*.deb"))


def _run(argv: Sequence[str]) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, errors="replace")
    if done.returncode:
        end = "\n".join((done.stdout + done.stderr).splitlines()[-15:])
        raise DebianMirrorError(f"`{argv[0]} … {argv[-1]}` failed with exit code {done.returncode}:\n{end}")
    return done.stdout
