"""One machine of a cluster: taken out of service and put back, or replaced by another."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

import click

from components.host.script import render
from operate.aws import Aws, explained, terminate
from operate.bastion import ssh_directory
from operate.outputs import Outputs
from operate.stack_state import StackState, export
from settings.health_checks import UNSERVED_SECONDS
from settings.ports import API_PORT

STEP_SECONDS = 900
ASK = "sudo curl --silent --fail --max-time 5 --output /dev/null --cacert /etc/kubernetes/pki/ca.crt"


def drain(stack: str, name: str, *, seconds: int) -> None:
    """Take a worker out of service: no new clients by the balancer, then no pods. Raises ClickException."""
    outputs = Outputs.read(stack)
    _require_worker(outputs, stack, name)
    _drain(outputs, name, StackState.of(export(stack)).machine(name), seconds)
    click.echo(f"{name} is out of service. Back with: python -m operate drain --stack {stack} --undo {name}")


def undrain(stack: str, name: str) -> None:
    """Put a worker back into service. Raises ClickException."""
    outputs = Outputs.read(stack)
    _require_worker(outputs, stack, name)
    _run_on_a_master(outputs, f"put {name} into service", "kubernetes/put-into-service.sh", {"NODE_NAME": name})
    click.echo(f"{name} is in service again.")


def replace(stack: str, name: str, *, seconds: int, agreed: bool) -> None:
    """End a machine in good order and have `pulumi up` make another in its place. Raises ClickException."""
    outputs = Outputs.read(stack)
    state = StackState.read(stack)
    if name not in outputs.nodes:
        raise click.ClickException(_unknown(outputs, stack, name))
    machine = state.machine(name)
    if not agreed:
        click.confirm(f"End {name} ({machine or 'which has ended'}) of stack {stack} and make another?", abort=True)
    if _is_worker(name):
        _drain(outputs, name, machine, seconds)
    else:
        _require_others_healthy(outputs, name)
    if machine:
        _terminate(Aws.connect(state.region, state.profile), name, machine)
    done = subprocess.run(["pulumi", "up", "--stack", stack, "--yes", "--skip-preview"])
    if done.returncode:
        raise click.ClickException(f"{name} has ended and its successor is not there yet: run pulumi up again")


def _drain(outputs: Outputs, name: str, machine: str, seconds: int) -> None:
    settings = {
        "NODE_NAME": name,
        "PROVIDER_ID": f"aws:///{outputs.zones[name]}/{machine}",
        "UNSERVED_SECONDS": str(UNSERVED_SECONDS),
        "DRAIN_SECONDS": str(seconds),
    }
    _run_on_a_master(outputs, f"drain {name}", "kubernetes/take-out-of-service.sh", settings, seconds)


def _require_others_healthy(outputs: Outputs, name: str) -> None:
    """etcd lets one machine go only when all others of it are well, whatever that one is; the API when it is served."""
    others = [host for host in outputs.nodes if _role(host) == "master" and host != name]
    servers = " ".join(f"https://{outputs.nodes[host]}:{API_PORT}/readyz" for host in others)
    for host in others:
        with ssh_directory(outputs) as directory:
            done = _ssh(directory, host, "sudo etcd-health")
            served = _ssh(directory, host, f"for server in {servers}; do {ASK} $server && exit; done; exit 1")
        rows = [line.split() for line in done.stdout.splitlines()]
        health = {row[0]: row[2] for row in rows if len(row) > 2 and row[0] in outputs.nodes}
        if health:
            sick = sorted(member for member, said in health.items() if said != "healthy" and member != name)
            if sick:
                raise click.ClickException(
                    f"{name} stays: {', '.join(sick)} of etcd is not healthy, and without both there may be no quorum. "
                    f"Mend that first:\n{done.stdout.strip()}"
                )
            if served.returncode:
                raise click.ClickException(f"{name} stays: no other master's API server is ready. Mend one first.")
            return
    raise click.ClickException(f"{name} stays: no other master answers, so whether etcd can spare it is not known")


def _terminate(aws: Aws, name: str, machine: str) -> None:
    click.echo(f"{name}: ending {machine}")
    with explained(f"{name} cannot be ended"):
        terminate(aws, machine)
        aws.ec2.get_waiter("instance_terminated").wait(InstanceIds=[machine], WaiterConfig={"Delay": 3})


def _run_on_a_master(
    outputs: Outputs, what: str, script: str, settings: dict[str, str], seconds: int = STEP_SECONDS
) -> None:
    """Run a step's script on the first master that answers, and show what it says."""
    masters = [host for host in outputs.nodes if _role(host) == "master"]
    servers = [f"https://{outputs.nodes[host]}:{API_PORT}" for host in masters]
    settings = {**settings, "API_SERVERS": " ".join([*servers, outputs.api_endpoint])}
    with ssh_directory(outputs) as directory:
        host = next((host for host in masters if _ssh(directory, host, "true").returncode == 0), None)
        if host is None:
            raise click.ClickException(f"no master answers SSH: {', '.join(masters)}")
        text = render(f"{what} on {host}", script, settings=settings, libraries=["lib/api-server.sh"])
        done = _ssh(directory, host, f"sudo timeout --kill-after=20 {STEP_SECONDS + seconds} bash -s", text, shown=True)
    if done.returncode:
        raise click.ClickException(f"{what}: not done, see above")


def _ssh(
    directory: Path, host: str, command: str, text: str = "", *, shown: bool = False
) -> subprocess.CompletedProcess[str]:
    call: Sequence[str] = ["ssh", "-F", f"{directory}/config", host, command]
    return subprocess.run(call, input=text, text=True, capture_output=not shown)


def _require_worker(outputs: Outputs, stack: str, name: str) -> None:
    if name not in outputs.nodes:
        raise click.ClickException(_unknown(outputs, stack, name))
    if not _is_worker(name):
        raise click.ClickException(f"{name} is no worker: only workers have pods that could go elsewhere")


def _unknown(outputs: Outputs, stack: str, name: str) -> str:
    return f"{name} is no machine of stack {stack}; there are {', '.join(outputs.nodes)}"


def _role(name: str) -> str:
    return name.rpartition("-")[0]


def _is_worker(name: str) -> bool:
    """Whatever its pool is called."""
    return _role(name) not in ("master", "etcd")
