"""The key that the mirror signs its repositories with, and that the image trusts."""

import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from region.build.cache import made_once
from region.errors import ExpectedError
from region.paths import CACHE

FOLDER = CACHE / "signing-key"
_IDENTITY = "kubeadm-aws region mirror"
# Older than any clock that will look at it, so that a machine whose clock is behind still accepts the signatures.
_BORN = "20200101T000000"


class SigningError(ExpectedError):
    """gpg made no key or no signature; the message is gpg's."""


@dataclass(frozen=True, kw_only=True)
class SigningKey:
    """A key pair as files: the secret half armored, the public one armored and in binary."""

    folder: Path

    @property
    def armored(self) -> bytes:
        return (self.folder / "public.asc").read_bytes()

    @property
    def binary(self) -> bytes:
        return (self.folder / "public.pgp").read_bytes()

    def sign(self, release: Path) -> None:
        """Put InRelease and Release.gpg beside a Release file."""
        with _gpg() as gpg:
            gpg("--import", self.folder / "secret.asc")
            gpg("--clear-sign", "--output", release.with_name("InRelease"), release)
            gpg("--armor", "--detach-sign", "--output", release.with_name("Release.gpg"), release)


def signing_key() -> SigningKey:
    """The one key of this machine, made when it is first asked for."""
    return SigningKey(folder=made_once(FOLDER, _generate))


def _generate(folder: Path) -> None:
    folder.chmod(0o700)
    with _gpg() as gpg:
        gpg("--faked-system-time", _BORN, "--quick-generate-key", _IDENTITY, "ed25519", "sign", "never")
        gpg("--armor", "--output", folder / "secret.asc", "--export-secret-keys")
        gpg("--armor", "--output", folder / "public.asc", "--export")
        gpg("--output", folder / "public.pgp", "--export")


class _Gpg:
    def __init__(self, home: str) -> None:
        self._home = home

    def __call__(self, *arguments: str | Path) -> None:
        quiet: Sequence[str] = ("--batch", "--yes", "--quiet", "--pinentry-mode", "loopback", "--passphrase", "")
        argv = ["gpg", "--homedir", self._home, "--digest-algo", "SHA512", *quiet, *map(str, arguments)]
        done = subprocess.run(argv, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C.UTF-8"})
        if done.returncode:
            raise SigningError(f"gpg {' '.join(map(str, arguments))} failed: {done.stderr.strip()}")

    def close(self) -> None:
        subprocess.run(["gpgconf", "--homedir", self._home, "--kill", "all"], check=False)


@contextmanager
def _gpg() -> Iterator[_Gpg]:
    with tempfile.TemporaryDirectory(prefix="kubeadm-aws-gpg-") as home:
        gpg = _Gpg(home)
        try:
            yield gpg
        finally:
            gpg.close()
