"""The region's Pulumi home: what is put into it, and whose plugins are used."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from region import pulumi_home
from region.build.toolchain import Toolchain
from region.pulumi_home import STAND_INS, PulumiHomeError


class Tools(Toolchain):
    """A toolchain of scripts that say their name."""

    def __init__(self, place: Path) -> None:
        self._place = place

    def path(self, name: str) -> Path:
        file = self._place / name
        if not file.exists():
            self._place.mkdir(exist_ok=True)
            file.write_text(f"#!/bin/sh\necho {name}\n")
            file.chmod(0o755)
        return file


def prepare(place: Path, real_plugins: Path | None = None) -> Mapping[str, str]:
    tools = Tools(place / "tools")
    return pulumi_home.prepare(
        place / "home",
        tools,
        real_plugins,
        backend=place / "state",
        endpoint="http://x",
    )


def real_home(place: Path, *names: str) -> Path:
    for name in names:
        plugin = place / "real" / "plugins" / f"resource-{name}-v{STAND_INS[name].version}" / f"pulumi-resource-{name}"
        plugin.parent.mkdir(parents=True)
        plugin.write_text("#!/bin/sh\necho real\n")
        plugin.chmod(0o755)
    (place / "real").mkdir(exist_ok=True)
    return place / "real"


def plugin_of(place: Path, name: str) -> Path:
    return place / "home" / "plugins" / f"resource-{name}-v{STAND_INS[name].version}" / f"pulumi-resource-{name}"


def test_versions_are_those_the_sdks_ask_for():
    """The engine takes a plugin of exactly this version only."""
    lines = (pulumi_home.CHECKOUT / "requirements.txt").read_text().splitlines()
    pinned = dict(line.split()[0].split("==") for line in lines if line.startswith("pulumi-"))
    assert {f"pulumi-{name}": stand_in.version for name, stand_in in STAND_INS.items()} == pinned


@pytest.mark.parametrize("name", ["command", "tls"])
def test_a_plugin_starts_and_says_its_port(tmp_path: Path, name: str):
    prepare(tmp_path)
    with subprocess.Popen([plugin_of(tmp_path, name), "127.0.0.1:1"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline().strip().isdigit()
        process.terminate()


def test_the_language_host_is_beside_the_cli(tmp_path: Path):
    first = prepare(tmp_path)["PATH"].split(os.pathsep)[0]
    assert {path.name for path in Path(first).iterdir()} == {
        "pulumi",
        "pulumi-language-python",
        "pulumi-language-python-exec",
    }
    assert not any(path.is_symlink() for path in Path(first).iterdir())


def test_the_environment_leads_to_the_region_only(tmp_path: Path):
    environment = prepare(tmp_path)
    assert environment["AWS_ENDPOINT_URL"] == "http://x"
    assert environment["PULUMI_BACKEND_URL"] == f"file://{tmp_path / 'state'}"
    assert environment["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"] == "true"


def test_real_plugins_are_preferred_where_they_serve(tmp_path: Path):
    prepare(tmp_path)
    prepare(tmp_path, real_home(tmp_path, "command", "aws"))
    assert "real" in plugin_of(tmp_path, "command").read_text()
    assert "region.plugins.tls" in plugin_of(tmp_path, "tls").read_text()
    assert "region.plugins.aws" in plugin_of(tmp_path, "aws").read_text()


def test_a_choice_of_plugins_lasts(tmp_path: Path):
    prepare(tmp_path, real_home(tmp_path, "tls"))
    prepare(tmp_path)
    assert "real" in plugin_of(tmp_path, "tls").read_text()


def test_a_home_without_them_is_refused(tmp_path: Path):
    with pytest.raises(PulumiHomeError, match=r"real/plugins has neither resource-command-v1\.2\.1 or"):
        prepare(tmp_path, real_home(tmp_path))
