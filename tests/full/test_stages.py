"""Two stages side by side: they do not reach each other, and a change goes from one to the other when it was proved."""

import dataclasses
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from settings.release import VERIFIED
from settings.source import PARTS, check_out
from tests.e2e.cluster import Cluster
from tests.full.checkout import Checkout
from tests.full.conftest import Region
from tests.full.layout import addresses, change_instances, instances
from tests.full.test_topologies import reaches
from tests.repository import commit, git

SMALL = {"masterCount": "1", "workerCount": "1", "availabilityZones": ["us-east-1a"]}
FLAGS = "components/etcd/flags.py"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Stages:
    """The first stage, and the one that gets its releases."""

    checkout: Path
    first: Cluster
    next: Cluster


@pytest.fixture(scope="module")
def stages(region: Region, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stages]:
    checkout = Checkout.copy(tmp_path_factory.mktemp("stages"))
    local = (checkout.path / "Pulumi.local.yaml").read_text()
    for number, (name, giver) in enumerate((("first", ""), ("next", "first"))):
        (checkout.path / f"Pulumi.{name}.yaml").write_text(local)
        checkout.set(name, **SMALL, clusterName=name, vpcCidr=f"10.{number}.0.0/16", promotedFrom=giver)
    git(checkout.path, "init", "--quiet")
    commit(checkout.path, "the first release")
    both = [Cluster(stack=name, checkout=checkout.path) for name in ("first", "next")]
    yield Stages(checkout=checkout.path, first=both[0], next=both[1])
    for one in both:
        if one.stack in one.stacks():
            one.destroy()


def up(cluster: Cluster) -> None:
    done = cluster.make("up")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def promote(stages: Stages) -> str:
    return stages.next.place("python", "-m", "operate", "promote", "first", "next", "--yes")


def verified(cluster: Cluster) -> str:
    return cluster.outputs()[VERIFIED]["commit"]


def retention(cluster: Cluster) -> str:
    """How often its member compacts."""
    flags = cluster.ssh("master-0", "sudo sh -c 'cat /proc/$(pgrep -x etcd)/cmdline' | tr '\\0' '\\n'").split()
    return next(flag for flag in flags if flag.startswith("--auto-compaction-retention="))


def open_ports(cluster: Cluster, host: str, known: Sequence[str]) -> list[str]:
    ports = (22, 2379, 2380, 6443, 10250, 30080)
    return [f"{address}:{port}" for address in known for port in ports if reaches(cluster, host, address, port)]


def test_a_stage_is_made_of_what_the_first_one_proved(stages: Stages) -> None:
    up(stages.first)
    assert verified(stages.first) == git(stages.checkout, "log", "-1", "--format=%H", "--", *PARTS)
    images = stages.first.outputs()[VERIFIED]["images"]
    assert {name.rpartition(":")[0] for name in images} >= {
        "registry.k8s.io/kube-apiserver",
        "registry.k8s.io/kube-proxy",
        "registry.k8s.io/coredns/coredns",
        "ghcr.io/flannel-io/flannel",
    }
    stages.next.place("pulumi", "stack", "init", "next")
    assert "next runs" in promote(stages)
    assert verified(stages.next) == verified(stages.first)
    assert stages.next.outputs()[VERIFIED]["images"] == images


def test_stages_do_not_reach_each_other(stages: Stages) -> None:
    for one, other in ((stages.first, stages.next), (stages.next, stages.first)):
        theirs = list(addresses(other).values())
        assert not set(theirs) & set(addresses(one).values())
        for host in ("master-0", "worker-0", "bastion"):
            assert open_ports(one, host, theirs) == [], f"{host} of {one.stack}"


def test_a_stage_is_healed_while_the_first_one_goes_on(stages: Stages) -> None:
    pinned, machines = verified(stages.next), instances(stages.next)
    before = retention(stages.next)
    flags = stages.checkout / FLAGS
    flags.write_text(flags.read_text().replace('"1h"', '"2h"'))
    commit(stages.checkout, "etcd compacts every two hours")
    up(stages.first)
    assert retention(stages.first) == "--auto-compaction-retention=2h"

    change_instances(stages.next, "terminate", "worker-0")
    refused = stages.next.make("up")
    assert refused.returncode != 0
    assert check_out(pinned) in refused.stdout + refused.stderr
    subprocess.run(check_out(pinned), shell=True, check=True, cwd=stages.checkout)
    up(dataclasses.replace(stages.next, checkout=stages.checkout.parent / pinned[:12]))
    healed = instances(stages.next)
    assert healed["master-0"] == machines["master-0"]
    assert healed["worker-0"] != machines["worker-0"]
    assert (retention(stages.next), verified(stages.next)) == (before, pinned)


def test_the_change_follows_when_it_was_proved(stages: Stages) -> None:
    said = promote(stages)
    assert "etcd compacts every two hours" in said
    assert retention(stages.next) == "--auto-compaction-retention=2h"
    assert verified(stages.next) == verified(stages.first)
    told = stages.next.place("python", "-m", "operate", "releases")
    assert "next" in told
    print(said, told, sep="\n")
