"""The region's commands: `python -m region --help`."""

import os
import sys
from collections.abc import Iterable
from pathlib import Path

import click
from rich.console import Console

from region import cluster, lifecycle, preflight, status
from region import daemon as region_daemon
from region.build import packages, recorded, toolchain
from region.errors import ExpectedError
from region.fabric import hosts, namespaces
from region.fabric.operator_place import OperatorPlace
from region.progress import Progress

CONSOLE = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 160)


class Commands(click.Group):
    """A group whose expected failures are one message and exit code 1, not a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except ExpectedError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=Commands)
def main() -> None:
    """AWS on one Linux machine: API, hosts, network, balancers and a package mirror, with no route out."""


def _progress(parts: Iterable[str] = ()) -> Progress:
    return Progress(recorded.seconds(parts), CONSOLE)


def _build() -> None:
    """Everything that is made once, told from its first second on."""
    with _progress(lifecycle.lacking()) as progress:
        preflight.install_packages(progress)
        preflight.check()
        lifecycle.build(progress)


@main.command()
@click.option("--only", type=click.Choice(["packages", "engine"]), help="Stop at what this tier of tests needs.")
def prepare(only: str | None) -> None:
    """Install and build what the region needs, without starting it."""
    if only is None:
        _build()
        return
    tools = toolchain.PULUMI_TOOLS if only == "engine" else ()
    with _progress([*packages.lacking(), *toolchain.lacking(tools)]) as progress:
        preflight.install_packages(progress)
        toolchain.build(progress, tools)


@main.command()
@click.option("--stack", default="local", show_default=True, help="The Pulumi stack to stand up.")
@click.option("--plugins", type=click.Path(exists=True, path_type=Path), help="A PULUMI_HOME whose plugins to prefer.")
def up(stack: str, plugins: Path | None) -> None:
    """Start the region and run the real `pulumi up` against it."""
    _build()
    lifecycle.start(_progress())
    cluster.up(OperatorPlace.prepare(plugins), stack, CONSOLE)


@main.command()
def down() -> None:
    """Run `pulumi destroy` for every stack, then remove the region and all it left."""
    failure = ""
    if lifecycle.exists():
        try:
            lifecycle.start(_progress())
            cluster.destroy_all(OperatorPlace.prepare(), CONSOLE)
        except ExpectedError as error:
            failure = str(error)
    lifecycle.remove(_progress())
    if failure:
        raise cluster.ClusterError(f"{failure}\nThe region has been removed all the same.")
    CONSOLE.print("Nothing is left but the cache.")


@main.command("status")
def show_status() -> None:
    """Show hosts, balancers with their targets, the API and the mirror."""
    _enter_operator_place()
    status.show(CONSOLE)


@main.command("exec", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def execute(command: tuple[str, ...]) -> None:
    """Run COMMAND in the operator's place: `python -m region exec -- pulumi stack output`."""
    sys.exit(_place().run(command))


@main.command()
@click.argument("host")
@click.option("-f", "--follow", is_flag=True, help="Go on as the host writes.")
def logs(host: str, follow: bool) -> None:
    """Show the journal of HOST: its name (master-0) or instance id."""
    _enter_operator_place()
    sys.exit(hosts.journal(status.instance_id(host), follow))


def _place() -> OperatorPlace:
    if not lifecycle.daemon().running():
        raise lifecycle.RegionError("no region is running here: start it with `make up`")
    return OperatorPlace.prepare()


def _enter_operator_place() -> None:
    """Run this very command again where the API can be reached, unless that is here."""
    here, there = (Path(path) for path in ("/proc/self/ns/net", namespaces.DIRECTORY / namespaces.INTERNET))
    if not there.exists() or here.stat().st_ino != there.stat().st_ino:
        sys.exit(_place().run([sys.executable, "-m", "region", *sys.argv[1:]]))


@main.command(hidden=True)
def daemon() -> None:
    """The AWS API and the controller; started by `up`."""
    os.umask(0o077)
    region_daemon.main()


if __name__ == "__main__":
    main(prog_name="python -m region")
