"""An image registry's data: docker-registry over a folder, and putting images into it."""

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from region.errors import ExpectedError

PORT = 5000
"""On the loopback of whatever namespace the registry runs in."""
START_SECONDS = 20


class RegistryError(ExpectedError):
    """The registry did not start or refused an image; the message is its own or skopeo's."""


@dataclass(frozen=True, kw_only=True)
class Registry:
    """A running registry, reached by entering the network namespace of its process."""

    process: int

    def run(self, argv: Sequence[str]) -> "subprocess.CompletedProcess[str]":
        enter = ["nsenter", f"--target={self.process}", "--net", "--"]
        return subprocess.run([*enter, *argv], capture_output=True, text=True)


def configuration(data: Path, *, writable: bool) -> str:
    """docker-registry's configuration for a folder (YAML, of which JSON is a part)."""
    maintenance = {"readonly": {"enabled": not writable}, "uploadpurging": {"enabled": False}}
    return json.dumps(
        {
            "version": 0.1,
            "log": {"level": "warn", "accesslog": {"disabled": True}},
            "storage": {
                "filesystem": {"rootdirectory": str(data)},
                "cache": {"blobdescriptor": "inmemory"},
                "maintenance": maintenance,
            },
            "http": {"addr": f"127.0.0.1:{PORT}"},
        },
        indent=2,
    )


@contextmanager
def serve(data: Path) -> Iterator[Registry]:
    """A registry that takes images, in a network namespace of its own, gone with the block or with its starter."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        file.write(configuration(data, writable=True))
        file.flush()
        alone = ["setpriv", "--pdeathsig", "KILL", "unshare", "--net", "sh", "-c"]
        script = 'ip link set lo up && exec docker-registry serve "$0"'
        with subprocess.Popen(
            [*alone, script, file.name], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        ) as process:
            try:
                registry = Registry(process=process.pid)
                _await(registry, process)
                yield registry
            finally:
                process.terminate()


def upload(registry: Registry, layout: Path, reference: str, name: str) -> None:
    """Copy an image out of an OCI layout, under this name and tag. Raises RegistryError."""
    target = f"docker://127.0.0.1:{PORT}/{name}"
    options = ("--quiet", "--preserve-digests", "--dest-tls-verify=false")
    done = registry.run(["skopeo", "--insecure-policy", "copy", *options, f"oci:{layout}:{reference}", target])
    if done.returncode:
        raise RegistryError(f"the registry did not take {name}: {done.stderr.strip()}")


def _await(registry: Registry, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_SECONDS
    # Until it has entered its own namespace, this machine's port would be asked in its place.
    while (
        os.readlink(f"/proc/{process.pid}/ns/net") == os.readlink("/proc/self/ns/net")
        or registry.run(["curl", "-sf", f"http://127.0.0.1:{PORT}/v2/"]).returncode
    ):
        if process.poll() is not None or time.monotonic() > deadline:
            said = (
                process.stderr.read().decode(errors="replace") if process.poll() is not None and process.stderr else ""
            )
            raise RegistryError(f"docker-registry does not answer after {START_SECONDS} s. {said[-1500:]}")
        time.sleep(0.1)
