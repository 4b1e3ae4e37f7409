"""The engine tier: the real CLI, our plugins, the region's API without hosts, steps recorded instead of run."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import boto3
import pytest
from rich.console import Console

from region import pulumi_home
from region.build import toolchain
from region.cloud.api import Api
from region.paths import CHECKOUT
from region.progress import Progress
from tests.engine.stack import Stack

PROGRAM = ("settings", "components", "scripts", "Pulumi.yaml", "requirements.txt")

MakeStack = Callable[..., Stack]


@pytest.fixture(scope="session")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The region's API on a port of its own; gives its address."""
    served = Api(tmp_path_factory.mktemp("api") / "state", changed=lambda: None)
    served.start("127.0.0.1", 0)
    yield f"http://127.0.0.1:{served.port}"
    served.stop()


@pytest.fixture(scope="session")
def ec2(api: str):
    """AWS, for who goes behind the program's back."""
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    return boto3.client("ec2", endpoint_url=api, region_name="us-east-1", **keys)


@pytest.fixture(scope="session")
def environment(api: str, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    tools = toolchain.build(Progress({}, Console()), toolchain.PULUMI_TOOLS)
    place = tmp_path_factory.mktemp("pulumi")
    return pulumi_home.prepare(place / "home", tools, backend=place / "state", endpoint=api)


@pytest.fixture(scope="session")
def make_stack(environment: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> MakeStack:
    """Makes a stack: of our program with the settings of `Pulumi.<like>.yaml` and more `settings`, or of `program`."""

    def make(
        name: str,
        *,
        like: str = "local",
        settings: Mapping[str, object] = {},
        program: Mapping[str, str] | None = None,
    ) -> Stack:
        place = tmp_path_factory.mktemp(name)
        directory = place / "program"
        if program is None:
            _copy_program(directory)
            _copy_settings(CHECKOUT / f"Pulumi.{like}.yaml", directory / f"Pulumi.{name}.yaml")
        else:
            directory.mkdir()
            for file, text in program.items():
                (directory / file).write_text(text)
        stack = Stack(name=name, directory=directory, environment=environment, recorded=place / "steps.jsonl")
        stack.init()
        for key, value in settings.items():
            stack.set(key, value)
        return stack

    return make


def _copy_program(directory: Path) -> None:
    directory.mkdir()
    for source in (*CHECKOUT.glob("*.py"), *(CHECKOUT / name for name in PROGRAM)):
        if source.is_dir():
            shutil.copytree(source, directory / source.name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, directory / source.name)


def _copy_settings(source: Path, target: Path) -> None:
    """Without what `pulumi stack init` adds: it belongs to another passphrase."""
    lines = source.read_text().splitlines(keepends=True)
    target.write_text("".join(line for line in lines if not line.startswith("encryptionsalt:")))
