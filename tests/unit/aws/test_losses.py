"""What has ended for good, and can be had back by no update: refused before anything is made."""

from typing import Any

import pytest
from living_scene import Region, run

from components.aws.losses import LossError

DEDICATED = {"etcdTopology": "dedicated-systemd"}


def loss(*names: str, **given: Any) -> str:
    region = Region()
    region.living -= {f"i-kubeadm-{name}" for name in names}
    with pytest.raises(LossError) as lost:
        run(region, founded=True, **given)
    assert not region.registered, "nothing was made"
    return str(lost.value)


@pytest.mark.parametrize("topology", ["systemd", "stacked"])
def test_masters_without_a_quorum_are_named_with_the_ways_that_are_left(topology: str):
    said = loss("master-0", "master-2", etcdTopology=topology)
    assert "no update can bring back what cluster kubeadm has lost; nothing was made" in said
    assert "2 of 3 machines have ended (master-0, master-2) with etcd's data" in said
    assert "python -m operate reset --stack" in said
    assert "pulumi destroy" in said


def test_the_only_member_is_a_quorum():
    assert "1 of 1 machines have ended (master-0)" in loss("master-0", masterCount=1)


def test_etcds_own_machines_count_where_it_has_some():
    said = loss("etcd-1", "etcd-2", "master-0", **DEDICATED)
    assert "2 of 3 machines have ended (etcd-1, etcd-2) with etcd's data" in said
    assert "master-0" not in said


def test_a_control_plane_that_is_gone_whole_lets_nobody_in():
    said = loss("master-0", "master-1", "master-2", **DEDICATED)
    assert "3 of 3 machines have ended (master-0, master-1, master-2) with the control plane" in said


@pytest.mark.parametrize(
    ("gone", "given"),
    [(["master-0"], {}), (["master-0", "master-1", "etcd-2"], DEDICATED), (["worker-0", "worker-1", "worker-2"], {})],
)
def test_what_the_others_can_do_without_is_made_again(gone: list[str], given: dict[str, Any]):
    region = Region()
    region.living -= {f"i-kubeadm-{name}" for name in gone}
    assert run(region, founded=True, **given).registered


def test_stacked_masters_that_never_joined_are_no_loss():
    region = Region()
    region.living -= {"i-kubeadm-master-1", "i-kubeadm-master-2"}
    assert run(region, founded=True, joined=(), etcdTopology="stacked").registered
    assert "1 of 2 machines have ended (master-1)" in loss("master-1", "master-2", joined=(1,), etcdTopology="stacked")


def test_stopped_machines_are_not_lost():
    region = Region()
    region.stopped = frozenset({"i-kubeadm-master-0", "i-kubeadm-master-1"})
    assert run(region, founded=True).registered


def test_before_the_founding_nothing_can_be_lost():
    region = Region()
    region.living = frozenset()
    assert run(region).registered
