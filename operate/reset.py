"""Starting over: the cluster wiped from its machines and forgotten by the stack, and the next `up` founds another."""

import subprocess
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import click

from components.addons.installed import NETWORK
from components.host.script import render
from operate.aws import Aws
from operate.bastion import ssh_directory
from operate.cluster_state import CLUSTER, forget_cluster
from operate.outputs import Outputs
from operate.stack_state import StackState

SECONDS_PER_HOST = 600
UNREACHABLE = 255
"""ssh's own exit code; any other is that of the command."""


def reset(stack: str, *, agreed_name: str | None) -> None:
    """Wipe the stack's machines and take its cluster out of the state. Raises ClickException.

    Asks for the cluster's name, unless it is given as agreed. The state is touched only when every machine is wiped
    that has not ended.
    """
    state = StackState.read(stack)
    if not any(resource.type == CLUSTER for resource in state.resources):
        click.echo(f"Nothing to start over: stack {stack} has no cluster. `pulumi up` founds one.")
        return
    outputs = Outputs.read(stack)
    _agree(state.cluster, stack, outputs.nodes, agreed_name)
    failures = _wipe(outputs)
    failures -= _ended(state, failures) if failures else set()
    if failures:
        raise click.ClickException(
            f"{len(failures)} of {len(outputs.nodes)} machines not wiped ({', '.join(sorted(failures))}), so the "
            f"cluster stays in the state of stack {stack}. Start what is stopped, and terminate what is beyond help "
            "(what has ended needs no wipe; without the bastion that is all of them), then run the reset again."
        )
    if StackState.read(stack) != state:
        raise click.ClickException(f"stack {stack} was changed meanwhile: run the reset again")
    count = forget_cluster(stack)
    click.echo(f"Forgotten: {count} resources of the cluster. Now found another on the same machines: `pulumi up`.")


def _agree(name: str, stack: str, nodes: Mapping[str, str], agreed_name: str | None) -> None:
    if agreed_name is None:
        click.echo(
            f"This wipes cluster {name} of stack {stack} from its {len(nodes)} machines: {', '.join(nodes)}.\n"
            "Lost for good: every object in it, all that its etcd holds, its pods' data in /var/lib/kubelet, every "
            "certificate and key.\nThe machines, their packages and images, the network and the balancers stay."
        )
        agreed_name = click.prompt("The cluster's name, if you mean it")
    if agreed_name != name:
        raise click.ClickException(f"nothing was wiped: the cluster's name is {name}, not {agreed_name}")


def _wipe(outputs: Outputs) -> set[str]:
    """Wipe all machines at once; gives the names of those that were not."""
    failed: set[str] = set()
    with ssh_directory(outputs) as directory, ThreadPoolExecutor(len(outputs.nodes)) as pool:
        runs = {pool.submit(_wipe_host, directory, name): name for name in outputs.nodes}
        for run in as_completed(runs):
            name, done = runs[run], run.result()
            click.echo(f"{name}: {_told(done)}")
            if done.returncode:
                failed.add(name)
    return failed


def _ended(state: StackState, names: Collection[str]) -> set[str]:
    """Those that are no more, and carry nothing of the cluster; the next `up` makes others."""
    machines = {name: state.machine(name) for name in names}
    living = Aws.connect(state.region, state.profile).living([machine for machine in machines.values() if machine])
    ended = {name for name in names if machines[name] not in living}
    for name in sorted(ended):
        click.echo(f"{name}: its machine {machines[name]} has ended, and there is nothing to wipe")
    return ended


def _wipe_host(directory: Path, name: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["ssh", "-F", f"{directory}/config", name, f"sudo timeout --kill-after=20 {SECONDS_PER_HOST} bash -s"],
        input=render(f"wipe on {name}", "host/wipe-node.sh", settings=NETWORK.traces, libraries=["lib/membership.sh"]),
        capture_output=True,
        text=True,
    )


def _told(done: subprocess.CompletedProcess[str]) -> str:
    said = _lines(done.stdout if done.returncode == 0 else done.stderr) or ["(it said nothing)"]
    if done.returncode == UNREACHABLE:
        return f"cannot be reached: {said[-1]}"
    return said[-1] if done.returncode == 0 else "\n  ".join(["NOT wiped:", *said[-10:]])


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]
