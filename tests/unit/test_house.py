"""The house's own rules: who may import whom, how long a file may be, what the docs point at."""

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parent.parent.parent
# Each may import those before it.
ROOMS = (
    "settings",
    "components.addons",
    "components.host",
    "components.aws",
    "components.pki",
    "components.etcd",
    "components.kubernetes",
)
LINES = 250
SDKS = {"pulumi", "pulumi_aws", "pulumi_command", "pulumi_tls"}


def modules_below(*folders: str) -> Mapping[str, Path]:
    """The files below folders of the checkout, by the name that imports them."""
    return {
        ".".join(file.relative_to(CHECKOUT).with_suffix("").parts): file
        for folder in folders
        for file in sorted((CHECKOUT / folder).rglob("*.py"))
    }


PROGRAM = {
    name: file for name, file in modules_below("settings", "components").items() if name != "components.__init__"
}


@cache
def imports_of(file: Path) -> frozenset[str]:
    """The modules that a file imports, as it names them; of `from a import b` both a and a.b."""

    def named() -> Iterator[str]:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                yield from (one.name for one in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.module, f"{file} imports by a relative name"
                assert not node.level, f"{file} imports by a relative name"
                yield node.module
                yield from (f"{node.module}.{one.name}" for one in node.names)

    return frozenset(named())


def room_of(module: str) -> int | None:
    """The place of a module's room in ROOMS; None for what is not of the program's rooms."""
    return next((place for place, room in enumerate(ROOMS) if f"{module}.".startswith(f"{room}.")), None)


def reached_from(module: str, known: Mapping[str, Path]) -> set[str]:
    """All that a module imports, directly or not; outside of `known` only by name."""
    reached: set[str] = set()
    waiting = [module]
    while waiting:
        for one in imports_of(known[waiting.pop()]):
            if one not in reached:
                reached.add(one)
                if one in known:
                    waiting.append(one)
    return reached


@pytest.mark.parametrize("module", PROGRAM)
def test_a_room_imports_only_rooms_below_it(module: str) -> None:
    own = room_of(module)
    assert own is not None, f"{module} is in no room"
    above = {one for one in imports_of(PROGRAM[module]) if (place := room_of(one)) is not None and place > own}
    assert not above


@pytest.mark.parametrize("module", PROGRAM)
def test_no_import_goes_in_a_circle(module: str) -> None:
    assert module not in reached_from(module, PROGRAM)


def test_the_program_imports_nothing_of_the_region_or_the_operators_commands() -> None:
    for module, file in {**PROGRAM, "__main__": CHECKOUT / "__main__.py"}.items():
        strangers = {one for one in imports_of(file) if one.split(".")[0] in ("region", "operate", "tests")}
        assert not strangers, module


def test_the_operators_commands_need_no_sdk_of_pulumis() -> None:
    known = {**PROGRAM, **modules_below("operate")}
    for module in modules_below("operate"):
        assert not {one.split(".")[0] for one in reached_from(module, known)} & SDKS, module


@pytest.mark.parametrize("folder", ["settings", "components", "scripts", "operate", "region"])
def test_a_file_is_one_noun(folder: str) -> None:
    kinds = {".py", ".sh", ""}
    below = (CHECKOUT / folder).rglob("*")
    files = [file for file in below if file.suffix in kinds and file.is_file() and "machine" not in file.parts]
    long = {file.relative_to(CHECKOUT).as_posix(): len(file.read_text().splitlines()) for file in files}
    assert {name: lines for name, lines in long.items() if lines > LINES} == {}


@pytest.mark.parametrize("page", ["docs/changing.md", "CONTRIBUTING.md"])
def test_every_path_that_a_page_names_is_there(page: str) -> None:
    text = (CHECKOUT / page).read_text()
    named = set(re.findall(r"`([\w./-]+/[\w./-]+)`", text))
    assert named
    assert not [path for path in sorted(named) if not (CHECKOUT / path).exists()]
