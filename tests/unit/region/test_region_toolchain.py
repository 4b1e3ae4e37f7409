from pathlib import Path

import pytest
from rich.console import Console

from region.build import mirror, toolchain
from region.build.edited import EditError
from region.build.edits import Edit
from region.build.recipes import RECIPES, Tool
from region.build.recorded import SECONDS, STEPS
from region.build.toolchain import Toolchain, ToolchainError
from region.progress import Progress

# A compiler that says what it is asked for; a package whose name has "broken" in it does not build. What it builds
# holds the text of the modules that go.mod names copies of.
GO = """\
#!/bin/sh
case "$1 $2" in
  "mod download")
    [ -d "$UPSTREAM/$4" ] || { echo "$4: no such module"; exit 1; }
    printf '{"Dir": "%s"}' "$UPSTREAM/$4"; exit ;;
  "mod edit") printf '\\nreplace %s\\n' "${3#-replace=}" >>"$4"; exit ;;
esac
echo "$PWD: $*" >>"$CALLS"
for given in "$@"; do case $given in -modfile=*) modules=${given#-modfile=} ;; esac; done
echo "go: downloading a.example/tool v1.0.0" >&2
while [ "$1" != -o ]; do shift; done
folder=$2; shift 2
for package in "$@"; do
  echo "$package" >&2
  case $package in *broken*) echo "$package/main.go:1: no such thing" >&2; exit 1 ;; esac
  name=${package%/v3}; name=${name##*/}
  [ "$package" = . ] && name=${PWD##*/}
  echo "$package" >"$folder$name"
  sed -n 's/^replace .*=//p' "$modules" | while read -r copy; do cat "$copy"/*.go >>"$folder$name"; done
done
"""


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the compiler notes what it is asked for; tools of our own invention are built by it."""
    program, noted = tmp_path / "bin/go", tmp_path / "calls"
    program.parent.mkdir()
    program.write_text(GO)
    program.chmod(0o755)
    noted.touch()
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    monkeypatch.setenv("CALLS", str(noted))
    monkeypatch.setattr(toolchain, "MODULES", tmp_path / "tools")
    monkeypatch.setattr(toolchain, "CACHED", tmp_path / "cached")
    tools = {
        "store": Tool(binaries={"stored": "a.example/store/server/v3", "ctl": "a.example/ctl"}),
        "own": Tool(binaries={"own": "."}),
        "bad": Tool(binaries={"bad": "a.example/broken"}),
        "edited": Tool(
            binaries={"edited": "a.example/edited"},
            edits=[Edit(module="a.example/lib", file="lib.go", pattern=r"slow(\d)", text=r"fast\1")],
        ),
        "unreachable": Tool(
            binaries={"unreachable": "a.example/unreachable"},
            edits=[Edit(module="a.example/elsewhere", file="any.go", pattern="any")],
        ),
        "outgrown": Tool(
            binaries={"outgrown": "a.example/outgrown"},
            edits=[Edit(module="a.example/lib", file="lib.go", pattern="gone", text="")],
        ),
    }
    upstream = tmp_path / "upstream/a.example/lib"
    upstream.mkdir(parents=True)
    (upstream / "lib.go").write_text("slow1 slow2\n")
    monkeypatch.setenv("UPSTREAM", str(tmp_path / "upstream"))
    monkeypatch.setattr(toolchain, "RECIPES", tools)
    monkeypatch.setattr(toolchain, "STEPS", dict.fromkeys(tools, 4))
    for name in tools:
        (tmp_path / "tools" / name).mkdir(parents=True)
        for file in ("go.mod", "go.sum"):
            (tmp_path / "tools" / name / file).write_text(name)
    return noted


def build(*tools: str) -> Toolchain:
    return toolchain.build(Progress({}, Console()), tools)


def test_the_binaries_of_a_tool_are_built_at_once_and_have_their_own_names(calls: Path):
    built = build("store", "own")
    assert {name: built.path(name).read_text().strip() for name in ("stored", "ctl", "own")} == {
        "stored": "a.example/store/server/v3",
        "ctl": "a.example/ctl",
        "own": ".",
    }
    assert len(calls.read_text().splitlines()) == 2


def test_what_is_built_is_not_built_again(calls: Path):
    assert toolchain.lacking(("store", "own")) == ["store", "own"]
    build("store")
    build("store")
    assert len(calls.read_text().splitlines()) == 1
    assert toolchain.lacking(("store", "own")) == ["own"]


def test_another_version_is_another_tool(calls: Path):
    build("own")
    (toolchain.MODULES / "own" / "go.mod").write_text("other")
    with pytest.raises(ToolchainError, match="own has not been built"):
        Toolchain().path("own")


def test_a_failure_ends_with_what_the_compiler_said_and_leaves_nothing_that_counts_as_built(calls: Path):
    with pytest.raises(ToolchainError, match=r"(?s)bad did not build .*bad\.log.*no such thing"):
        build("bad")
    assert toolchain.lacking(("bad",)) == ["bad"]


def test_an_edited_module_is_built_in_its_new_text_and_upstreams_stays(calls: Path, tmp_path: Path):
    built = build("edited").path("edited")
    assert built.read_text() == "a.example/edited\nfast1 fast2\n"
    assert (tmp_path / "upstream/a.example/lib/lib.go").read_text() == "slow1 slow2\n"
    assert (toolchain.MODULES / "edited" / "go.mod").read_text() == "edited"


def test_an_edit_that_upstream_has_outgrown_is_told(calls: Path):
    with pytest.raises(EditError, match=r"a\.example/lib: nothing in lib\.go matches gone"):
        build("outgrown")
    assert toolchain.lacking(("outgrown",)) == ["outgrown"]


def test_a_module_that_cannot_be_had_is_told_in_gos_words(calls: Path):
    with pytest.raises(EditError, match=r"(?s)download.* unreachable, failed.*a\.example/elsewhere: no such module"):
        build("unreachable")


def test_another_edit_is_another_tool(calls: Path, monkeypatch: pytest.MonkeyPatch):
    build("edited")
    monkeypatch.setitem(toolchain.RECIPES, "edited", Tool(binaries={"edited": "a.example/edited"}))
    assert toolchain.lacking(("edited",)) == ["edited"]


def test_a_name_that_nobody_builds_is_refused():
    with pytest.raises(ToolchainError, match=r"nothing is no tool of region/build/tools"):
        Toolchain().path("nothing")


def test_a_limit_of_memory_goes_with_a_compiler_that_collects_no_garbage(calls: Path):
    environment = toolchain._environment()
    assert environment["GOGC"] == "off"
    assert 0 < int(environment["GOMEMLIMIT"]) < 2**44


def test_every_folder_of_tools_is_a_recipe():
    folders = Path(toolchain.__file__).parent / "tools"
    assert RECIPES.keys() == {folder.name for folder in folders.iterdir() if folder.is_dir()}


def test_it_was_recorded_how_long_each_part_takes():
    assert STEPS.keys() == RECIPES.keys()
    assert SECONDS.keys() == {*RECIPES, "packages", "image", *map(mirror.title, mirror.PARTS)}
