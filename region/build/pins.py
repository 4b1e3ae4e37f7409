"""The versions that are pinned by hand: Go modules of the toolchain, the program's defaults, Python packages."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import PurePosixPath

import yaml
from packaging.requirements import Requirement

from region.build import versions
from region.build.recipes import RECIPES
from region.build.toolchain import EXECUTOR_MODULE
from region.paths import CHECKOUT

DEFAULTS = {
    "kubernetesVersion": "k8s.io/kubernetes",
    "etcdVersion": "go.etcd.io/etcd/server/v3",
    "flannelVersion": "github.com/flannel-io/flannel",
}
"""Settings whose default is a version, and the Go module that has it."""

REQUIREMENTS = ("requirements.in", "requirements-operate.in", "requirements-dev.in")

HELD = {
    "coredns": "kubeadm says which",
    "flannel-cni": "v1 has no flannel plugin",
    "pulumi-language-python": "later ones have no language host",
}
"""Tools whose modules stay behind, and why."""

OWN_MAIN = {"coredns": "github.com/coredns/coredns"}
"""Tools that are built from a main of our own, and the module that it is made of."""


class Registry(Enum):
    """Who is asked for the versions that there are."""

    GO = "Go"
    PYTHON = "Python"


@dataclass(frozen=True, kw_only=True)
class Pin:
    """A version and where it stands; `name` is what the registry calls it, `held` why it may stay behind."""

    name: str
    where: str
    version: str
    registry: Registry
    held: str = ""


def pins() -> list[Pin]:
    """All of them, as they stand in the checkout's files."""
    return [*_modules(), *_defaults(), *_packages()]


def _modules() -> Iterator[Pin]:
    for tool, recipe in RECIPES.items():
        modules = dict.fromkeys(_module_of(tool, package) for package in recipe.binaries.values())
        if tool == "pulumi":
            modules[EXECUTOR_MODULE] = None
        for module in modules:
            yield Pin(
                name=module,
                where=f"tools/{tool}",
                version=versions.module_version(tool, module),
                registry=Registry.GO,
                held=HELD.get(tool, ""),
            )


def _module_of(tool: str, package: str) -> str:
    """The required module that a package is in: its own path, or the nearest above it. Raises LookupError."""
    path = PurePosixPath(OWN_MAIN.get(tool, package))
    for candidate in map(str, (path, *path.parents)):
        try:
            versions.module_version(tool, candidate)
        except LookupError:
            continue
        return candidate
    raise LookupError(f"go.mod of {tool} requires no module of {package}")


def _defaults() -> Iterator[Pin]:
    settings = yaml.safe_load((CHECKOUT / "Pulumi.yaml").read_text())["config"]
    for setting, module in DEFAULTS.items():
        yield Pin(
            name=module,
            where=f"Pulumi.yaml {setting}",
            version=settings[setting]["default"],
            registry=Registry.GO,
        )


def _packages() -> Iterator[Pin]:
    resolved = (CHECKOUT / "requirements-dev.txt").read_text()  # it holds the other two
    hashed = dict(re.findall(r"^(\S+)==(\S+)", resolved, re.MULTILINE))
    seen: set[str] = set()
    for file in REQUIREMENTS:
        for line in (CHECKOUT / file).read_text().splitlines():
            if line.startswith("-") or (name := Requirement(line).name) in seen:
                continue
            seen.add(name)
            yield Pin(name=name, where=file, version=hashed[name], registry=Registry.PYTHON)
