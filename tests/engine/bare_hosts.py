"""Hosts without machines: each a wired namespace with small servers, where `region.hosts` would boot Debian."""

import subprocess
import sys
from pathlib import Path

from region.fabric.host_link import HostLink
from region.fabric.hosts import HostSpec

SERVER = Path(__file__).parent / "bare_server.py"


class BareHosts:
    """What the controller wants of `region.hosts`; the servers that run can be ended and started by the test."""

    def __init__(self) -> None:
        self.servers: dict[str, list[subprocess.Popen[bytes]]] = {}

    def start(self, spec: HostSpec, image: Path) -> None:
        HostLink(spec.instance_id).create(
            router=spec.router_namespace,
            address=spec.private_address,
            prefix_length=spec.prefix_length,
            gateway=spec.gateway,
        )
        self.servers[spec.instance_id] = []

    def serve(self, instance_id: str, kind: str, port: int) -> subprocess.Popen[bytes]:
        """Start a server of bare_server.py on the host; it answers with who asked."""
        argv = [sys.executable, str(SERVER), kind, str(port)]
        process = subprocess.Popen(self.argv(instance_id, *argv), stdout=subprocess.PIPE)
        assert process.stdout
        process.stdout.readline()
        self.servers[instance_id].append(process)
        return process

    def run(self, instance_id: str, *argv: str, seconds: float = 6) -> str | None:
        """What a command on the host prints; None when it fails or takes too long."""
        try:
            done = subprocess.run(self.argv(instance_id, *argv), capture_output=True, text=True, timeout=seconds)
        except subprocess.TimeoutExpired:
            return None
        return done.stdout if done.returncode == 0 else None

    def connect(self, instance_id: str, address: str, port: int) -> str | None:
        """What the server there answers: the address it was asked from."""
        return self.run(instance_id, sys.executable, str(SERVER), "ask", address, str(port))

    @staticmethod
    def argv(instance_id: str, *argv: str) -> list[str]:
        return ["nsenter", f"--net=/run/netns/{HostLink(instance_id).namespace}", "--", *argv]

    def power_off(self, instance_id: str) -> None:
        for server in self.servers.pop(instance_id, []):
            server.kill()
            server.wait()
        HostLink(instance_id).remove()

    def stop(self, instance_id: str) -> None:
        self.power_off(instance_id)

    def running(self) -> set[str]:
        return set(self.servers)

    def all_known(self) -> set[str]:
        return set(self.servers)
