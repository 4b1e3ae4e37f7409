"""The binaries the region needs, built from pinned Go modules into a cache keyed by their content.

Each directory of `tools/` is a Go module of its own: version selection never mixes the dependencies of two
tools. What the binaries of one have in common is compiled once.
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from region.build.cache import content_key, made_once
from region.build.edited import edited_modules
from region.build.recipes import RECIPES
from region.build.recorded import STEPS
from region.errors import ExpectedError
from region.paths import CACHE
from region.progress import Progress, Reach

MODULES = Path(__file__).parent / "tools"
CACHED = CACHE / "toolchain"
PARALLEL = 2  # a link step leaves all but one core idle: a second build fills them
FLAGS = ("-mod=readonly", "-trimpath", "-buildvcs=false", "-v", "-gcflags=all=-dwarf=false")
"""The linker drops what debuggers read, so the compiler need not write it."""

PULUMI_TOOLS = ("pulumi", "pulumi-language-python")
"""What it takes to run the engine."""
EXECUTOR = "pulumi-language-python-exec"
"""A script of Pulumi's SDK module, not built but copied: what the language host runs a program with."""
EXECUTOR_MODULE = "github.com/pulumi/pulumi/sdk/v3"


class ToolchainError(ExpectedError):
    """A tool did not build, or was asked for and never built."""


class Toolchain:
    """What has been built, by name."""

    def path(self, name: str) -> Path:
        """The binary of this name. Raises ToolchainError when it is not part of the toolchain or not built yet."""
        owner = next((tool for tool, recipe in RECIPES.items() if name in recipe.binaries), None)
        if name == EXECUTOR:
            owner = "pulumi"
        if owner is None:
            raise ToolchainError(f"{name} is no tool of region/build/tools")
        binary = directory(owner) / name
        if not binary.exists():
            raise ToolchainError(f"{name} has not been built: run `python -m region prepare`")
        return binary


def directory(tool: str) -> Path:
    """Where a tool's binaries are, named by all that decides what they become."""
    source = MODULES / tool
    own = sorted(source.glob("*.go"))
    recipe = RECIPES[tool]
    how = repr((dict(recipe.binaries), recipe.edits, recipe.linker_flags, recipe.tags, FLAGS))
    return CACHED / f"{tool}-{content_key(source / 'go.mod', source / 'go.sum', how, *own)}" / "bin"


def lacking(tools: Sequence[str] = tuple(RECIPES)) -> list[str]:
    """The tools that the cache does not hold."""
    return [tool for tool in tools if not directory(tool).exists()]


def build(progress: Progress, tools: Sequence[str] = tuple(RECIPES)) -> Toolchain:
    """Build what the cache does not hold, two tools at a time; interrupted, what Go has compiled is not lost.

    Raises ToolchainError with the end of the compiler's output and the place of all of it.
    """

    def one(tool: str) -> None:
        def make(folder: Path) -> None:
            with progress.part(tool) as reach:
                _build(tool, folder, reach)

        made_once(directory(tool), make)

    with ThreadPoolExecutor(PARALLEL) as pool:
        try:
            list(pool.map(one, lacking(tools)))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return Toolchain()


def _build(tool: str, folder: Path, reach: Reach) -> None:
    recipe = RECIPES[tool]
    log = CACHED / "logs" / f"{tool}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    environment = _environment()
    flags = (*FLAGS, f"-ldflags={recipe.linker_flags}", f"-tags={recipe.tags}")
    steps = 0
    with (
        tempfile.TemporaryDirectory(dir=folder) as built,
        tempfile.TemporaryDirectory(dir=folder) as edited,
        log.open("w") as output,
    ):
        modules = edited_modules(MODULES / tool, recipe.edits, Path(edited), environment)
        with subprocess.Popen(
            ["go", "build", *flags, f"-modfile={modules}", "-o", f"{built}/", *recipe.binaries.values()],
            cwd=MODULES / tool,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process:
            for line in process.stdout or ():
                output.write(line)
                steps += 1  # a module that is fetched, a package that is compiled
                reach(min(steps / STEPS[tool], 0.99))
        output.flush()
        if process.returncode:
            end = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
            raise ToolchainError(f"{tool} did not build from {MODULES / tool} (whole output: {log}):\n{end}")
        for name, package in recipe.binaries.items():
            shutil.move(Path(built) / file_name(tool, package), folder / name)
    if tool == "pulumi":
        _copy_executor(folder)


def file_name(tool: str, package: str) -> str:
    """What `go build` calls the binary of a package: the last of its path that is no major version."""
    return tool if package == "." else re.sub(r"/v\d+$", "", package).rpartition("/")[2]


def _environment() -> Mapping[str, str]:
    """For `go build`: a compiler lives for seconds, and collecting its garbage takes a third of its time.

    The limit keeps all that may run at once within half of the machine's memory.
    """
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limit = memory // (2 * PARALLEL * (os.cpu_count() or 1))
    return {
        **os.environ,
        "CGO_ENABLED": "0",
        "GOGC": "off",
        "GOMEMLIMIT": str(limit),
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
    }


def _copy_executor(folder: Path) -> None:
    found = subprocess.run(
        ["go", "list", "-m", "-f", "{{.Dir}}", EXECUTOR_MODULE],
        cwd=MODULES / "pulumi",
        env=_environment(),
        check=True,
        capture_output=True,
        text=True,
    )
    target = folder / EXECUTOR
    shutil.copyfile(Path(found.stdout.strip()) / "python" / "cmd" / EXECUTOR, target)
    target.chmod(0o755)
