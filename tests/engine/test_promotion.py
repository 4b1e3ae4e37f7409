"""A release goes from dev to staging to prod under the real engine, and nothing else does: twice through."""

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from region.paths import CHECKOUT
from settings.release import HISTORY, VERIFIED
from settings.source import PARTS, check_out
from tests.engine.conftest import MakeStack
from tests.engine.stack import Stack
from tests.repository import commit, git

IMAGES = {"registry.k8s.io/kube-proxy:v1.37.2": f"sha256:{'1' * 64}"}
PROVED = (
    'proved: {"runs": ${RUNS}, "verifiedAt": "2026-01-02T03:04:05Z", "containerd": "1.7.24", '
    f'"images": {json.dumps(IMAGES)}}}'
)
GIVERS = {"dev": "", "staging": "dev", "prod": "staging"}
SIZE = {"masterCount": 1, "workerCount": 1, "availabilityZones": ["us-east-1a"]}
KEPT = "# Kept by people.\n"
SCRIPT = "scripts/kubernetes/verify-cluster.sh"

Stages = Mapping[str, Stack]


@pytest.fixture(scope="module")
def stages(make_stack: MakeStack, tmp_path_factory: pytest.TempPathFactory) -> Stages:
    """Three stacks of one checkout. Verification says what it would say on hosts."""
    answers = tmp_path_factory.mktemp("answers") / "steps.json"
    answers.write_text(json.dumps({"-verification-": PROVED}))
    first = make_stack("dev", settings={**SIZE, "clusterName": "dev"})
    first = dataclasses.replace(
        first, environment={**first.environment, "KUBEADM_AWS_STEP_OUTPUTS": str(answers), "COLUMNS": "200"}
    )
    made = {"dev": first}
    for number, (name, giver) in enumerate(GIVERS.items()):
        if giver:
            local = (first.directory / "Pulumi.dev.yaml").read_text()
            (first.directory / f"Pulumi.{name}.yaml").write_text(local)
            made[name] = dataclasses.replace(first, name=name, recorded=first.directory.parent / f"{name}.jsonl")
            made[name].init()
        made[name].set("vpcCidr", f"10.{number}.0.0/16")
        if giver:
            made[name].set("clusterName", name)
            made[name].set("promotedFrom", giver)
    for name in ("staging", "prod"):
        file = first.directory / f"Pulumi.{name}.yaml"
        file.write_text(KEPT + file.read_text())
    git(first.directory, "init", "--quiet")
    commit(first.directory, "the first release")
    return made


def operate(stack: Stack, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "operate", *arguments],
        cwd=stack.directory,
        env={
            **os.environ,
            **stack.environment,
            "PYTHONPATH": str(CHECKOUT),
            "KUBEADM_AWS_RECORD_STEPS": str(stack.recorded),
        },
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )


def promoted(stages: Stages, source: str, target: str, *flags: str) -> str:
    done = operate(stages[target], "promote", source, target, "--yes", *flags)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def refused(stages: Stages, source: str, target: str, *flags: str) -> str:
    before = file_of(stages[target])
    done = operate(stages[target], "promote", source, target, "--yes", *flags)
    assert done.returncode == 1, done.stdout + done.stderr
    assert file_of(stages[target]) == before
    return done.stderr


def file_of(stack: Stack) -> str:
    return (stack.directory / f"Pulumi.{stack.name}.yaml").read_text()


def verified(stack: Stack) -> str:
    """The commit of the release that it proved last; empty for none."""
    return (stack.outputs().get(VERIFIED) or {}).get("commit", "")


def edit(stack: Stack, word: str) -> None:
    path = stack.directory / SCRIPT
    path.write_text(path.read_text() + f"# {word}\n")


def table(stages: Stages) -> Mapping[str, Mapping[str, Any]]:
    done = operate(stages["dev"], "releases", "--json")
    assert done.returncode == 0, done.stderr
    return {row["stage"]: row for row in json.loads(done.stdout)}


def head(stages: Stages) -> str:
    """The last commit of the program."""
    return git(stages["dev"].directory, "log", "-1", "--format=%H", "--", *PARTS)


def test_a_stage_without_a_release_refuses_to_run(stages: Stages) -> None:
    result = stages["staging"].preview(fails=True)
    assert "python -m operate promote dev staging" in result.output
    assert "staging-bastion" not in stages["staging"].resources()


def test_what_was_never_verified_is_not_promoted(stages: Stages) -> None:
    assert "dev has proved nothing yet" in refused(stages, "dev", "staging")


def test_a_commit_that_was_proved_is_stamped(stages: Stages) -> None:
    stages["dev"].up()
    stamp = stages["dev"].outputs()[VERIFIED]
    assert stamp["commit"] == head(stages)
    assert (stamp["kubernetesVersion"], stamp["images"], stamp["verifiedAt"]) == (
        "1.37.2",
        IMAGES,
        "2026-01-02T03:04:05Z",
    )
    assert stages["dev"].up("--expect-no-changes").changes == {}


def test_no_stage_is_skipped(stages: Stages) -> None:
    assert "prod gets releases from staging" in refused(stages, "dev", "prod")
    assert "dev gets no releases" in refused(stages, "staging", "dev")


@pytest.mark.parametrize("round", [1, 2])
def test_a_release_goes_through_all_stages(stages: Stages, round: int) -> None:
    if round == 2:
        edit(stages["dev"], "a second release")
        commit(stages["dev"].directory, "the second release")
        stages["dev"].up()
    for giver, taker in (("dev", "staging"), ("staging", "prod")):
        said = promoted(stages, giver, taker)
        assert f"{giver} → {taker}" in said
        assert ("the second release" in said) == (round == 2)
        pinned = yaml.safe_load(file_of(stages[taker]))["config"]
        assert pinned["kubeadm-aws:release"]["commit"] == head(stages) == verified(stages[taker])
        assert stages[taker].up("--expect-no-changes").changes == {}
        commit(stages["dev"].directory, f"{taker} is pinned")


def test_what_people_wrote_into_the_file_stays(stages: Stages) -> None:
    assert file_of(stages["prod"]).startswith(KEPT)


def test_edited_files_run_in_dev_and_are_no_release(stages: Stages) -> None:
    before = stages["dev"].outputs()[VERIFIED]
    edit(stages["dev"], "an experiment")
    stages["dev"].up()
    outputs = stages["dev"].outputs()
    assert outputs[VERIFIED] == before
    assert outputs["release"]["commit"] is None
    assert table(stages)["dev"]["release"].startswith("edited file")
    assert "of no commit" in refused(stages, "dev", "staging")


def test_a_pinned_stage_runs_its_release_and_nothing_else(stages: Stages) -> None:
    commit(stages["dev"].directory, "the experiment")
    result = stages["prod"].preview(fails=True)
    pinned = yaml.safe_load(file_of(stages["prod"]))["config"]["kubeadm-aws:release"]["commit"]
    assert check_out(pinned) in result.output
    subprocess.run(check_out(pinned), shell=True, check=True, cwd=stages["prod"].directory)
    beside = dataclasses.replace(stages["prod"], directory=stages["prod"].directory.parent / pinned[:12])
    assert beside.up("--expect-no-changes").changes == {}


def test_what_was_not_run_is_not_pinned(stages: Stages) -> None:
    """Asked where nobody can answer."""
    before = file_of(stages["staging"])
    stages["dev"].up()
    done = operate(stages["staging"], "promote", "dev", "staging")
    assert done.returncode == 1
    assert "the whole cluster is proved" in done.stdout
    assert "Untouched: bastion, " in done.stdout or "master-0, worker-0, bastion" in done.stdout
    assert file_of(stages["staging"]) == before


def test_a_change_that_failed_leaves_the_old_stamp(stages: Stages, tmp_path: Path) -> None:
    before = stages["dev"].outputs()[VERIFIED]
    edit(stages["dev"], "one more")
    commit(stages["dev"].directory, "one more")
    answers = tmp_path / "steps.json"
    answers.write_text(json.dumps({"-verification-": {"error": "no DNS"}}))
    failing = dataclasses.replace(
        stages["dev"], environment={**stages["dev"].environment, "KUBEADM_AWS_STEP_OUTPUTS": str(answers)}
    )
    assert "no DNS" in failing.up(fails=True).output
    assert stages["dev"].outputs()[VERIFIED] == before
    stages["dev"].up()
    assert verified(stages["dev"]) == head(stages)


def test_the_table_tells_what_a_stage_is_behind_by(stages: Stages) -> None:
    stages["staging"].set("etcdQuotaGib", 4)
    rows = table(stages)
    assert rows["staging"]["behind"] == ["2 commits of the program"]
    assert rows["staging"]["differs"] == ["etcdQuotaGib"]
    assert rows["prod"]["behind"] == []
    stages["staging"].unset("etcdQuotaGib")


def test_a_release_that_the_stage_before_has_not_proved_is_refused_by_the_program(stages: Stages) -> None:
    prod, staging = stages["prod"], yaml.safe_load(file_of(stages["staging"]))["config"]["kubeadm-aws:release"]
    before = file_of(prod)
    last = stages["dev"].outputs()[HISTORY][-1]
    prod.set("release", last)
    assert "there is more in it than a release has" in prod.preview(fails=True).output
    prod.set("release", {key: last[key] for key in staging})
    assert "was not verified in staging: it proved" in prod.preview(fails=True).output
    (prod.directory / "Pulumi.prod.yaml").write_text(before)


def test_a_downgrade_is_refused_by_both(stages: Stages) -> None:
    """Were staging on a later flannel than dev has proved."""
    staging = stages["staging"]
    promoted(stages, "dev", "staging")
    pinned = yaml.safe_load(file_of(staging))["config"]["kubeadm-aws:release"]
    staging.set("release", {**pinned, "flannelVersion": "0.99.0"})
    assert "a downgrade" in refused(stages, "dev", "staging")
    staging.set("release", {**pinned, "flannelVersion": "0.1.0"})
    assert "flannelVersion 0.1.0 is older than 0.28.10: a downgrade" in staging.preview(fails=True).output
    staging.set("release", pinned)
    assert staging.preview().changes == {}


def test_a_pin_alone_is_written_to_be_reviewed(stages: Stages) -> None:
    said = promoted(stages, "staging", "prod", "--pin-only")
    assert "Nothing was run" in said
    assert verified(stages["prod"]) != head_release(stages["prod"])
    stages["prod"].up()
    assert verified(stages["prod"]) == head_release(stages["prod"])


def head_release(stack: Stack) -> str:
    return yaml.safe_load(file_of(stack))["config"]["kubeadm-aws:release"]["commit"]


def test_who_gave_the_release_may_be_gone(stages: Stages, ec2) -> None:
    for name in ("dev", "staging"):
        stages[name].destroy()
        stages[name].run("stack", "rm", "--yes", "--preserve-config", name)
    worker = stages["prod"].resources()["prod-worker-0"]["id"]
    ec2.terminate_instances(InstanceIds=[worker])
    result = stages["prod"].up()
    assert result.changes["prod-worker-0"] in ("create", "replace")
