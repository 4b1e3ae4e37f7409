"""Reach a cluster and look after it: `python -m operate --help`."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import click

from operate.bastion import socks_proxy, ssh_directory
from operate.outputs import Outputs

STACK = click.option("--stack", default="dev", show_default=True, help="The Pulumi stack whose cluster is meant.")

DRAIN_SECONDS = click.option(
    "--drain-seconds", "seconds", default=300, show_default=True, help="How long its pods may take to move."
)


@click.group()
def main() -> None:
    """Reach a cluster of this program and look after it, through its bastion and by its stack alone."""


@main.command(context_settings={"ignore_unknown_options": True})
@STACK
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def kubectl(stack: str, arguments: tuple[str, ...]) -> None:
    """Run kubectl against the cluster: `kubectl --stack dev -- get nodes`."""
    outputs = Outputs.read(stack)
    with socks_proxy(outputs) as proxy, tempfile.TemporaryDirectory(prefix="kubeadm-aws-") as directory:
        kubeconfig = Path(directory) / "kubeconfig"
        kubeconfig.touch(mode=0o600)
        kubeconfig.write_text(outputs.kubeconfig)
        environment = {**os.environ, "KUBECONFIG": str(kubeconfig), "HTTPS_PROXY": proxy}
        sys.exit(subprocess.run(["kubectl", *arguments], env=environment).returncode)


@main.command(context_settings={"ignore_unknown_options": True})
@STACK
@click.argument("host")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def ssh(stack: str, host: str, command: tuple[str, ...]) -> None:
    """Open a shell on HOST (bastion, master-0, …), or run COMMAND there."""
    sys.exit(_run_on(stack, host, *command))


@main.command("etcd-health")
@STACK
@click.argument("host", default="master-0")
def etcd_health(stack: str, host: str) -> None:
    """Ask every etcd member, from HOST (master-0, or any other master or etcd machine), whether it is healthy."""
    if host.rpartition("-")[0] not in ("master", "etcd"):
        raise click.ClickException(f"{host} cannot reach etcd's members: ask from a master or an etcd machine")
    sys.exit(_run_on(stack, host, "sudo", "etcd-health"))


def _run_on(stack: str, host: str, *command: str) -> int:
    """Run it on this terminal; gives its exit code."""
    outputs = Outputs.read(stack)
    known = ["bastion", *outputs.nodes]
    if host not in known:
        raise click.ClickException(f"{host} is no machine of stack {stack}; there are {', '.join(known)}")
    with ssh_directory(outputs) as directory:
        return subprocess.run(["ssh", "-F", f"{directory}/config", host, *command]).returncode


@main.command()
@STACK
@click.option("--yes-wipe", "agreed_name", metavar="NAME", help="Do not ask; NAME must be the cluster's.")
def reset(stack: str, agreed_name: str | None) -> None:
    """Wipe the cluster from its machines and out of the state: the next `pulumi up` founds another on them."""
    from operate.reset import reset as run

    run(stack, agreed_name=agreed_name)


@main.command()
@STACK
@click.argument("name")
@DRAIN_SECONDS
@click.option("--undo", is_flag=True, help="Put it back into service.")
def drain(stack: str, name: str, seconds: int, undo: bool) -> None:
    """Take the worker NAME out of service: no new clients by the balancer, then no pods, as budgets allow."""
    from operate import machine

    if undo:
        machine.undrain(stack, name)
    else:
        machine.drain(stack, name, seconds=seconds)


@main.command()
@STACK
@click.argument("name")
@DRAIN_SECONDS
@click.option("--yes", is_flag=True, help="Do not ask before ending it.")
def replace(stack: str, name: str, seconds: int, yes: bool) -> None:
    """End the machine NAME in good order, if the cluster can spare it, and make another in its place: today's image.

    A worker is drained before; a master or an etcd machine goes only when all other members of etcd are healthy.
    """
    from operate import machine

    machine.replace(stack, name, seconds=seconds, agreed=yes)


@main.command()
@STACK
@click.option("--yes", is_flag=True, help="Do not ask before deleting.")
def sweep(stack: str, yes: bool) -> None:
    """Delete what a killed `pulumi up` made in AWS and could not note in the stack's state any more."""
    from operate.sweep import sweep as run  # boto3 takes a second to import, which the other commands need not wait for

    run(stack, is_agreed=yes)


@main.command()
@STACK
@click.option(
    "--events", type=click.Path(exists=True, path_type=Path), help="Tell of the update that wrote this event log."
)
def plan(stack: str, events: Path | None) -> None:
    """Say what `pulumi up` would change, in words: machines and their order, steps, what is gone for good."""
    from operate.plan import plan as run

    run(stack, events)


@main.command()
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@click.option("--yes", is_flag=True, help="Do not ask before running it.")
@click.option("--pin-only", is_flag=True, help="Write the pin into the stage's file and run nothing.")
def promote(source: str, target: str, yes: bool, pin_only: bool) -> None:
    """Pin the stage TO to the release that FROM has proved last, show what that changes, run it and have it proved."""
    from operate.promotion import promote as run

    run(source, target, agreed=yes, pin_only=pin_only)


@main.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def releases(as_json: bool) -> None:
    """Show every stage: its release, when that was verified, what it is behind by, and where its settings differ."""
    from operate.releases import releases as run

    run(as_json=as_json)


if __name__ == "__main__":
    main(prog_name="python -m operate")
