"""OpenSSH by way of the bastion, with the host keys that the program pinned."""

import os
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from operate.outputs import Outputs

CONFIGURATION = """\
Host *
  User {user}
  IdentityFile {directory}/key
  IdentitiesOnly yes
  UserKnownHostsFile {directory}/known_hosts
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
  ConnectTimeout 15
  ServerAliveInterval 15
  LogLevel ERROR
Host bastion
  HostName {bastion}
"""

NODE = """\
Host {name}
  HostName {address}
  ProxyJump bastion
"""


def configuration(outputs: Outputs, directory: Path) -> str:
    """The ssh_config in which every machine goes by its name."""
    nodes = (NODE.format(name=name, address=address) for name, address in outputs.nodes.items())
    # ssh takes the first value it finds, so the particular hosts stand before the general one.
    general, bastion = CONFIGURATION.split("Host bastion")
    values = {"user": outputs.login_user, "directory": directory, "bastion": outputs.bastion_address}
    return f"Host bastion{bastion.format(**values)}{''.join(nodes)}{general.format(**values)}"


@contextmanager
def ssh_directory(outputs: Outputs) -> Iterator[Path]:
    """A directory with configuration, key and known hosts, readable by its owner alone and gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="kubeadm-aws-") as name:
        directory = Path(name)
        for file, content in (
            ("config", configuration(outputs, directory)),
            ("key", outputs.private_key),
            ("known_hosts", outputs.known_hosts),
        ):
            descriptor = os.open(directory / file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as handle:
                handle.write(content if content.endswith("\n") else f"{content}\n")
        yield directory


@contextmanager
def socks_proxy(outputs: Outputs) -> Iterator[str]:
    """A SOCKS proxy that speaks from the bastion, as a URL. Raises ClickException when it cannot be reached."""
    with ssh_directory(outputs) as directory:
        port, control = _free_port(), f"{directory}/control"
        ssh = ["ssh", "-F", f"{directory}/config", "-S", control]
        opened = subprocess.run(
            [*ssh, "-M", "-f", "-N", "-o", "ExitOnForwardFailure=yes", "-D", f"127.0.0.1:{port}", "bastion"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=(directory / "error").open("w"),  # a pipe would stay open as long as the tunnel
        )
        if opened.returncode:
            reason = (directory / "error").read_text().strip()
            raise click.ClickException(f"the bastion at {outputs.bastion_address} cannot be reached: {reason}")
        try:
            yield f"socks5://127.0.0.1:{port}"
        finally:
            subprocess.run([*ssh, "-O", "exit", "bastion"], capture_output=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
