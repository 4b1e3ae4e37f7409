"""A cluster as its operator sees it: by `make`, kubectl, ssh and etcdctl, never by the program's own word."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from region.paths import CHECKOUT

SECONDS_UNTIL_WRITTEN = 60
CHANGE = "import boto3, sys; boto3.client('ec2').{how}_instances(InstanceIds=sys.argv[1:])"
PKI = "/etc/kubernetes/pki"
ETCDCTL = (
    f"sudo {{program}} --endpoints={{endpoints}} --cacert={PKI}/etcd/ca.crt "
    f"--cert={PKI}/apiserver-etcd-client.crt --key={PKI}/apiserver-etcd-client.key {{arguments}}"
)


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """One stack of the local region, driven from `checkout`; master-0 has etcdctl as `etcdctl_program`."""

    stack: str = "local"
    checkout: Path = CHECKOUT
    etcdctl_program: str = "etcdctl"

    @property
    def name(self) -> str:
        """The cluster's name: that of its stack, but for the default one's prefix."""
        return self.stack.removeprefix("local-")

    def make(self, target: str, timeout: float = 1500, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run the README's command; its output goes to the terminal too when it fails."""
        settings = [f"{name}={value}" for name, value in variables.items()]
        argv = ["make", "--no-print-directory", target, f"STACK={self.stack}", *settings]
        with subprocess.Popen(
            argv,
            cwd=self.checkout,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process:
            try:
                printed, complained = process.communicate(timeout=timeout)
            except BaseException:
                # Pulumi too, and all that it started: they would go on with the stack locked.
                os.killpg(process.pid, signal.SIGKILL)
                raise
        done = subprocess.CompletedProcess(argv, process.returncode, printed, complained)
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
            cwd=self.checkout,
            capture_output=True,
            text=True,
            timeout=900,
            input=text,
        )

    def change_instances(self, how: str, *machines: str) -> None:
        """Terminate or stop these machines (AWS's ids) behind the program's back."""
        self.place("python", "-c", CHANGE.format(how=how), *machines)

    def kubectl(self, *arguments: str) -> str:
        return self.place("python", "-m", "operate", "kubectl", "--stack", self.stack, "--", *arguments)

    def apply(self, manifest: str) -> None:
        done = self._in_place(
            ("python", "-m", "operate", "kubectl", "--stack", self.stack, "--", "apply", "-f", "-"), text=manifest
        )
        assert done.returncode == 0, done.stderr

    def write(self, name: str) -> None:
        """Have a ConfigMap of this name; what an election leaves unanswered is asked again."""
        deadline = time.monotonic() + SECONDS_UNTIL_WRITTEN
        while True:
            try:
                self.kubectl("create", "configmap", name)
                return
            except subprocess.CalledProcessError as error:
                if "AlreadyExists" in error.stderr:
                    return
                if time.monotonic() > deadline:
                    raise

    def get(self, *arguments: str) -> list[dict[str, Any]]:
        """The items of `kubectl get … -o json`."""
        return json.loads(self.kubectl("get", *arguments, "-o", "json"))["items"]

    def ssh(self, host: str, command: str) -> str:
        return self.place(*self._ssh(host, command))

    def ssh_script(self, host: str, script: str) -> subprocess.CompletedProcess[str]:
        """Run a script as root on the host."""
        return self._in_place(self._ssh(host, "sudo bash -s"), text=script)

    def _ssh(self, host: str, command: str) -> Sequence[str]:
        return ("python", "-m", "operate", "ssh", "--stack", self.stack, host, command)

    def try_pulumi(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `pulumi` on the stack; whether it fails is for the caller to judge."""
        return self._in_place(("pulumi", *arguments, "--stack", self.stack, "--non-interactive"))

    def stacks(self) -> list[str]:
        """All stacks of the region that have been made and not been removed."""
        return [stack["name"] for stack in json.loads(self.place("pulumi", "stack", "ls", "--json"))]

    def destroy(self) -> None:
        """Take the cluster away, and leave the region."""
        for arguments in (("destroy", "--yes", "--skip-preview"), ("stack", "rm", "--yes", "--preserve-config")):
            self.place("pulumi", *arguments, "--stack", self.stack, "--non-interactive")

    def install_program(self, host: str, program: Path, path: str) -> None:
        """Copy a program of this machine to the host."""
        command = f"sudo sh -c 'cat >{path}.new && chmod 0755 {path}.new && mv {path}.new {path}'"
        with program.open("rb") as content:
            subprocess.run(
                [sys.executable, "-m", "region", "exec", "--", *self._ssh(host, command)],
                cwd=self.checkout,
                stdin=content,
                check=True,
                timeout=300,
            )

    def etcdctl(self, arguments: str) -> Any:
        """What etcdctl on master-0 answers, parsed."""
        return json.loads(self.print_etcdctl(f"-w json {arguments}"))

    def print_etcdctl(self, arguments: str) -> str:
        """What etcdctl on master-0 prints for people. Raises CalledProcessError."""
        endpoints = ",".join(self.outputs()["etcdEndpoints"])
        return self.ssh(
            "master-0", ETCDCTL.format(program=self.etcdctl_program, endpoints=endpoints, arguments=arguments)
        )

    def member_hashes(self) -> list[int]:
        """What each member makes of all its data, at one revision.

        Asked for now, each would answer for the revision that it has come to: a cluster is never silent.
        """
        revision = min(one["Status"]["header"]["revision"] for one in self.etcdctl("endpoint status --cluster"))
        return [one["HashKV"]["hash"] for one in self.etcdctl(f"endpoint hashkv --cluster --rev {revision}")]

    def step_text(self, name: str) -> str:
        """What the stack's step of this name runs on its host, secrets in the clear."""
        step = next(one for one in self._resources() if one["urn"].endswith(f"::{name}"))
        text = step["inputs"]["stdin"]
        return text if isinstance(text, str) else json.loads(text["plaintext"])

    def steps(self) -> Mapping[str, str]:
        """When each step ran last, by its name."""
        steps = [one for one in self._resources() if one["type"] == "command:remote:Command"]
        return {one["urn"].rpartition("::")[2]: one["modified"] for one in steps}

    def _resources(self) -> Sequence[Mapping[str, Any]]:
        state = json.loads(self.place("pulumi", "stack", "export", "--show-secrets", "--stack", self.stack))
        return state["deployment"]["resources"]

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
