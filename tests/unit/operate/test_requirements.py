"""requirements-operate.txt: all that the operator's commands import, and the same of it as everywhere in the house."""

import sys

from tests.unit.test_house import CHECKOUT, PROGRAM, modules_below, reached_from

PACKAGES = {"botocore": "boto3", "yaml": "pyyaml"}
"""Where a module has another name than the package that is asked for."""


def test_all_that_the_commands_import_is_asked_for() -> None:
    known = {**PROGRAM, **modules_below("operate")}
    reached = {one.split(".")[0] for module in modules_below("operate") for one in reached_from(module, known)}
    strangers = reached - sys.stdlib_module_names - {"components", "operate", "settings"}
    asked = (CHECKOUT / "requirements-operate.in").read_text().split()
    assert {PACKAGES.get(name, name) for name in strangers} == set(asked) - {"-c", "requirements.txt"}


def test_who_changes_the_program_has_the_same_versions() -> None:
    operate, dev = ((CHECKOUT / f"requirements-{name}.txt").read_text().splitlines() for name in ("operate", "dev"))
    assert [line for line in operate if line not in dev] == []
