"""Stages of one checkout keep out of each other's way."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import Engine, configure
from test_settings import load, refusal

from settings import birth, checks, stages
from settings.reading import SettingsError
from settings.stack import load as load_stack
from settings.stack_files import read
from settings.stages import check_stages, other_stages

DEFAULTS = {"vpcCidr": "10.0.0.0/16", "clusterName": "kubeadm", "promotedFrom": "", "deletionProtection": True}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    config = {key: {"type": "string", "default": value} for key, value in DEFAULTS.items()}
    (tmp_path / "Pulumi.yaml").write_text(yaml.safe_dump({"name": "demo", "config": config}))
    for name, giver in (("dev", ""), ("staging", "dev"), ("prod", "staging"), ("alone", ""), ("other", "gone")):
        given = {"demo:promotedFrom": giver} if giver else {}
        (tmp_path / f"Pulumi.{name}.yaml").write_text(yaml.safe_dump({"config": given}))
    return tmp_path


@pytest.fixture
def stage(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The stack under test is the stage prod of that folder."""
    monkeypatch.setattr(stages, "other_stages", lambda _: other_stages("prod", folder))
    monkeypatch.setattr(checks.pulumi, "get_stack", lambda: "prod")
    monkeypatch.setattr(checks.stack_files, "read", lambda stack, place=folder: read(stack, place))
    return folder


@pytest.mark.parametrize("one", ["dev", "staging", "prod"])
def test_a_stages_others_are_those_before_and_after_it(folder: Path, one: str) -> None:
    assert set(other_stages(one, folder)) == {"dev", "staging", "prod"} - {one}
    assert {given["vpcCidr"] for given in other_stages(one, folder).values()} == {"10.0.0.0/16"}, "the default"


@pytest.mark.parametrize("one", ["alone", "other", "unheard-of"])
def test_whoever_gets_no_release_has_no_others(folder: Path, one: str) -> None:
    assert other_stages(one, folder) == {}


def test_overlapping_networks_and_one_name_for_two_are_refused(stage: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        Engine().run(lambda: (configure({"vpcCidr": "10.0.0.0/17"}), check_stages(load_stack(), birth.read())))
    for name in ("dev", "staging"):
        assert f"vpcCidr is '10.0.0.0/17': it overlaps 10.0.0.0/16 of stage {name}" in str(caught.value)
        assert f"clusterName is 'kubeadm': stage {name}'s cluster is called so" in str(caught.value)
    apart = {"vpcCidr": "10.1.0.0/16", "clusterName": "prod"}
    Engine().run(lambda: (configure(apart), check_stages(load_stack(), birth.read())))


def test_what_has_its_network_is_never_stopped_by_anothers_file(stage: Path) -> None:
    def check() -> None:
        configure({"vpcCidr": "10.0.0.0/17"})
        check_stages(load_stack(), replace(birth.read(), networks=frozenset({"vpc-1"})))

    (stage / "Pulumi.dev.yaml").write_text("{")
    Engine().run(check)


def test_a_passphrase_for_a_cluster_to_keep_must_be_meant(stage: Path) -> None:
    apart: dict[str, Any] = {"vpcCidr": "10.1.0.0/16", "clusterName": "prod"}
    (stage / "Pulumi.prod.yaml").write_text(yaml.safe_dump({"encryptionsalt": "v1:x", "config": {}}))
    assert "pulumi stack change-secrets-provider awskms://" in refusal(**apart)
    assert load(**apart, allowPassphrase=True)
    assert load(**apart, deletionProtection=False)
    (stage / "Pulumi.prod.yaml").write_text(yaml.safe_dump({"secretsprovider": "awskms://alias/x", "config": {}}))
    assert load(**apart)
