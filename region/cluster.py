"""The cluster of one stack on the region: the real `pulumi up` and `pulumi destroy`, and what is said around them."""

import json
import sys
from pathlib import Path

from rich.console import Console

from region.errors import ExpectedError
from region.fabric import hosts
from region.fabric.operator_place import OperatorPlace
from region.paths import STATE

BOOTED = "cloud-init.target"
"""What systemd writes to the console when it has reached it: by then SSH answers with the given key."""


class ClusterError(ExpectedError):
    """Pulumi ended with an error; what it said is on the terminal already."""


def up(place: OperatorPlace, stack: str, console: Console) -> None:
    """Run `pulumi up`, then say what there is and what to type next. Raises ClusterError."""
    place.mend()
    place.read(["pulumi", "stack", "select", "--create", stack])
    _clean_up_after_kill(place, stack, console)
    events = STATE / "last-update.events"
    update = ["pulumi", "up", "--yes", "--skip-preview", "--stack", stack, "--event-log", str(events)]
    # Without that, Pulumi has no event log.
    code = place.run(["env", "PULUMI_DEBUG_COMMANDS=true", *update])
    if code:
        _show_silent_hosts(console)
        raise ClusterError(
            f"pulumi up of stack {stack} failed (exit code {code}). Its messages are above; `make status` shows the "
            "hosts, `python -m region logs HOST` a host's journal. Run `make up` again to go on from here."
        )
    changes = {kind: number for kind, number in place.last_changes(stack).items() if kind != "same"}
    if changes:
        console.print("\nWhat was done", style="bold")
        place.run([sys.executable, "-m", "operate", "plan", "--stack", stack, "--events", str(events)])
    _describe(place, stack, console)
    if not changes:
        console.print("Nothing changed: the cluster already is what the program says.", style="green")


def destroy_all(place: OperatorPlace, console: Console) -> None:
    """Run `pulumi destroy` for every stack of the region, and forget it. Raises ClusterError, CommandError."""
    place.mend()
    for stack in place.stacks():
        _destroy(place, stack, console)


def _destroy(place: OperatorPlace, stack: str, console: Console) -> None:
    _clean_up_after_kill(place, stack, console)
    code = place.run(["pulumi", "destroy", "--yes", "--skip-preview", "--stack", stack])
    if code:
        raise ClusterError(f"pulumi destroy of stack {stack} failed (exit code {code}); its messages are above")
    place.read(["pulumi", "stack", "rm", "--yes", "--preserve-config", stack])


def _clean_up_after_kill(place: OperatorPlace, stack: str, console: Console) -> None:
    """A run that was killed may have made what the state does not know; it would be in the next one's way."""
    if not place.release_dead_locks(stack):
        return
    console.print(f"The last run of pulumi on stack {stack} was killed: sweeping up what it left unnoted.")
    if place.run([sys.executable, "-m", "operate", "sweep", "--stack", stack, "--yes"]):
        raise ClusterError(f"what the killed run of stack {stack} left could not be swept up; the message is above")


def _describe(place: OperatorPlace, stack: str, console: Console) -> None:
    outputs = json.loads(place.read(["pulumi", "stack", "output", "--json", "--stack", stack]))
    suffix = "" if stack == "local" else f" STACK={stack}"
    console.print(f"\nThe cluster of stack {stack}", style="bold")
    for node in outputs["nodes"]:
        console.print(f"  {node['name']:<12} {node['address']:<14} {node['zone']}")
    console.print(f"  API          {outputs['apiEndpoint']}")
    console.print(f"  Ingress      {outputs['ingressEndpoint']}")
    console.print(f"  Bastion      {outputs['bastionAddress']}")
    console.print("\nNext:", style="bold")
    console.print(f'  make kubectl{suffix} ARGS="get nodes -o wide"', markup=False)
    console.print(f"  make ssh{suffix} HOST=master-0", markup=False)
    console.print("  make status", markup=False)
    console.print("  make down", markup=False)


def _show_silent_hosts(console: Console) -> None:
    """What a host that never got as far as SSH printed on its console: the only place that says why."""
    for instance_id in sorted(hosts.running()):
        log: Path = hosts.console(instance_id)
        text = log.read_text(errors="replace") if log.exists() else ""
        if BOOTED in text:
            continue
        console.print(f"\n{instance_id} has not finished booting; the end of its console ({log}):", style="yellow")
        console.print("\n".join(text.splitlines()[-15:]), markup=False, highlight=False)
