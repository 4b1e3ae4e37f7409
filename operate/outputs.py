"""What a stack tells about its cluster."""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

import click


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """The outputs of a stack that an operator needs to reach the cluster; of nodes by name: address and zone."""

    bastion_address: str
    api_endpoint: str
    nodes: Mapping[str, str]
    zones: Mapping[str, str]
    login_user: str
    kubeconfig: str
    private_key: str
    known_hosts: str

    @classmethod
    def read(cls, stack: str) -> "Outputs":
        """Ask Pulumi, secrets included. Raises ClickException when the stack has no cluster."""
        command = ["pulumi", "stack", "output", "--json", "--show-secrets", "--stack", stack]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise click.ClickException(f"stack {stack} cannot be read: {done.stderr.strip()}")
        values = json.loads(done.stdout)
        missing = sorted({"bastionAddress", "kubeconfig", "sshPrivateKey", "sshKnownHosts", "nodes"} - values.keys())
        if missing:
            raise click.ClickException(
                f"stack {stack} has no output {', '.join(missing)}: its `pulumi up` has not finished yet, run it again"
            )
        return cls(
            bastion_address=values["bastionAddress"],
            api_endpoint=values["apiEndpoint"],
            nodes={node["name"]: node["address"] for node in values["nodes"]},
            zones={node["name"]: node["zone"] for node in values["nodes"]},
            login_user=values["loginUser"],
            kubeconfig=values["kubeconfig"],
            private_key=values["sshPrivateKey"],
            known_hosts=values["sshKnownHosts"],
        )
