"""The region's own PULUMI_HOME: the plugins it stands in for, and the environment in which the CLI finds them."""

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from region.build.toolchain import EXECUTOR, Toolchain
from region.errors import ExpectedError
from region.fabric.namespaces import API_ADDRESS, API_PORT
from region.paths import CHECKOUT, STATE

ENDPOINT = f"http://{API_ADDRESS}:{API_PORT}"
BACKEND = STATE / "pulumi"
PASSPHRASE = "local"
"""Known to all, because the stacks' settings files hold the salt that goes with it, and a `make up` must not change
them. What guards a region's secrets is that nobody but root can read its state, which is gone after `down`."""


@dataclass(frozen=True, kw_only=True)
class StandIn:
    """A plugin of ours. `version` must be what the SDK in requirements.txt asks for: the engine wants it exactly."""

    version: str
    replaceable: bool  # a real plugin serves as well: it needs nothing of AWS


STAND_INS = {
    "aws": StandIn(version="7.51.1", replaceable=False),
    "command": StandIn(version="1.2.1", replaceable=True),
    "tls": StandIn(version="5.6.2", replaceable=True),
}

SCRIPT = """\
#!{python} -I
import sys

sys.path.insert(0, {checkout!r})
from region.plugins.{name}.plugin import plugin
from region.plugins.server import serve

serve(plugin())
"""


class PulumiHomeError(ExpectedError):
    """A plugin that was asked for is not there."""


def prepare(
    home: Path,
    toolchain: Toolchain,
    real_plugins: Path | None = None,
    *,
    backend: Path = BACKEND,
    endpoint: str = ENDPOINT,
) -> Mapping[str, str]:
    """Make (or complete) the home and give the variables to run `pulumi` with.

    `real_plugins` is a user's PULUMI_HOME: its `command` and `tls` plugins are used instead of ours where it has them,
    until the home is made anew. Raises PulumiHomeError when it has neither.
    """
    for directory in (home, backend):
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    _install_programs(home / "bin", toolchain)
    for name, stand_in in STAND_INS.items():
        _install_plugin(home, name, stand_in)
    if real_plugins is not None:
        _link_real_plugins(home, real_plugins)
    python = Path(sys.executable).parent
    return {
        "PATH": os.pathsep.join([str(home / "bin"), str(python), os.environ.get("PATH", os.defpath)]),
        "PULUMI_HOME": str(home),
        "PULUMI_BACKEND_URL": f"file://{backend}",
        "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_IGNORE_AMBIENT_PLUGINS": "true",
        "PULUMI_DIY_BACKEND_DISABLE_CHECKPOINT_BACKUPS": "true",
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",  # what boto3 and the AWS CLI look at
        "AWS_EC2_METADATA_DISABLED": "true",
        "SSH_AUTH_SOCK": "",
    }


def _install_programs(directory: Path, toolchain: Toolchain) -> None:
    """The CLI looks for the language host beside itself, and that for its executor, links resolved."""
    directory.mkdir(exist_ok=True)
    for name in ("pulumi", "pulumi-language-python", EXECUTOR):
        source, target = toolchain.path(name), directory / name
        if target.exists() and target.stat().st_mtime == source.stat().st_mtime:
            continue
        unfinished = directory / f".{name}.{os.getpid()}"
        try:
            unfinished.hardlink_to(source)
        except OSError:  # another file system
            shutil.copy2(source, unfinished)
        unfinished.rename(target)


def _install_plugin(home: Path, name: str, stand_in: StandIn) -> None:
    directory = _plugin_directory(home, name, stand_in)
    if directory.is_symlink():
        return
    directory.mkdir(parents=True, exist_ok=True)
    unfinished = directory / f".unfinished.{os.getpid()}"
    unfinished.write_text(SCRIPT.format(python=sys.executable, checkout=str(CHECKOUT), name=name))
    unfinished.chmod(0o755)
    unfinished.rename(directory / f"pulumi-resource-{name}")


def _link_real_plugins(home: Path, real_plugins: Path) -> None:
    replaceable = {name: stand_in for name, stand_in in STAND_INS.items() if stand_in.replaceable}
    real = {name: _plugin_directory(real_plugins, name, stand_in) for name, stand_in in replaceable.items()}
    found = {name: path.resolve() for name, path in real.items() if (path / f"pulumi-resource-{name}").exists()}
    if not found:
        wanted = " or ".join(path.name for path in real.values())
        raise PulumiHomeError(
            f"{real_plugins / 'plugins'} has neither {wanted}: `pulumi plugin install` puts them there"
        )
    for name, path in found.items():
        ours = _plugin_directory(home, name, replaceable[name])
        if not ours.is_symlink():
            shutil.rmtree(ours)
        _link(ours, path)


def _plugin_directory(home: Path, name: str, stand_in: StandIn) -> Path:
    return home / "plugins" / f"resource-{name}-v{stand_in.version}"


def _link(link: Path, target: Path) -> None:
    unfinished = link.with_name(f".{link.name}.{os.getpid()}")
    unfinished.symlink_to(target)
    unfinished.rename(link)
