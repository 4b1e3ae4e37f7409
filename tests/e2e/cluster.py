"""A cluster as its operator sees it: by `make`, kubectl, ssh and etcdctl, never by the program's own word."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from region.paths import CHECKOUT

PKI = "/etc/kubernetes/pki"
ETCDCTL = (
    f"sudo etcdctl --endpoints={{endpoints}} --cacert={PKI}/etcd/ca.crt "
    f"--cert={PKI}/apiserver-etcd-client.crt --key={PKI}/apiserver-etcd-client.key -w json "
)


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """One stack of the local region."""

    stack: str = "local"

    def make(self, target: str, timeout: float = 1500, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run the README's command; its output goes to the terminal too when it fails."""
        settings = [f"{name}={value}" for name, value in variables.items()]
        done = subprocess.run(
            ["make", "--no-print-directory", target, f"STACK={self.stack}", *settings],
            cwd=CHECKOUT,
            capture_output=True,
            text=True,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
        )
        if done.returncode:
            print(done.stdout[-20000:], done.stderr[-5000:], sep="\n")
        return done

    def place(self, *command: str) -> str:
        """Run in the operator's place and give back what was printed. Raises CalledProcessError."""
        done = self._in_place(command)
        if done.returncode:
            print(done.stdout[-5000:], done.stderr[-5000:], sep="\n")
            done.check_returncode()
        return done.stdout

    def _in_place(self, command: Sequence[str], text: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "region", "exec", "--", *command],
            cwd=CHECKOUT,
            capture_output=True,
            text=True,
            timeout=900,
            input=text,
        )

    def kubectl(self, *arguments: str) -> str:
        return self.place("python", "-m", "operate", "kubectl", "--stack", self.stack, "--", *arguments)

    def get(self, *arguments: str) -> list[dict[str, Any]]:
        """The items of `kubectl get … -o json`."""
        return json.loads(self.kubectl("get", *arguments, "-o", "json"))["items"]

    def ssh(self, host: str, command: str) -> str:
        return self.place("python", "-m", "operate", "ssh", "--stack", self.stack, host, command)

    def ssh_script(self, host: str, script: str) -> subprocess.CompletedProcess[str]:
        """Run a script as root on the host."""
        command = ("python", "-m", "operate", "ssh", "--stack", self.stack, host, "sudo bash -s")
        return self._in_place(command, text=script)

    def try_pulumi(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `pulumi` on the stack; whether it fails is for the caller to judge."""
        return self._in_place(("pulumi", *arguments, "--stack", self.stack, "--non-interactive"))

    def etcdctl(self, arguments: str) -> Any:
        """What etcdctl on master-0 answers, parsed."""
        endpoints = ",".join(self.outputs()["etcdEndpoints"])
        return json.loads(self.ssh("master-0", ETCDCTL.format(endpoints=endpoints) + arguments))

    def outputs(self) -> Mapping[str, Any]:
        return json.loads(self.place("pulumi", "stack", "output", "--json", "--stack", self.stack))

    def last_changes(self) -> Mapping[str, int]:
        """What the stack's last update did, by operation."""
        history = self.place("pulumi", "stack", "history", "--json", "--stack", self.stack, "--page-size", "1")
        return json.loads(history)[0]["resourceChanges"]


def ready(nodes: Sequence[Mapping[str, Any]]) -> set[str]:
    """The names of the nodes whose condition Ready is True."""
    return {
        node["metadata"]["name"]
        for node in nodes
        for condition in node["status"]["conditions"]
        if condition["type"] == "Ready" and condition["status"] == "True"
    }
