"""Worker pools: what is read, and what is refused in words."""

from collections.abc import Mapping
from typing import Any

import pytest
from conftest import Engine, configure

from settings.reading import SettingsError
from settings.stack import load
from settings.values import MachineSettings, Settings, WorkerPool

GPU = {"count": 2, "instanceType": "g5.xlarge"}


def settings_with(pools: Mapping[str, object], pod_cidr: str = "10.244.0.0/16") -> Settings:
    loaded: list[Settings] = []
    given = {"workerPools": pools, "podCidr": pod_cidr}
    Engine().run(lambda: (configure(given), loaded.append(load())))
    return loaded[0]


def test_the_default_pool_is_there_and_others_come_after_it_by_name():
    gpu = {**GPU, "diskGib": 100, "spot": True, "labels": {"of": "us"}, "taints": ["gpu=yes:NoSchedule"]}
    read = settings_with({"small": {**GPU, "count": 0}, "gpu": gpu})
    assert [pool.name for pool in read.pools] == ["worker", "gpu", "small"]
    assert read.pools[0].nodes == ("worker-0", "worker-1", "worker-2")
    assert read.pools[1] == WorkerPool(
        name="gpu",
        machines=MachineSettings(count=2, instance_type="g5.xlarge", disk_gib=100),
        spot=True,
        labels={"of": "us"},
        taints=("gpu=yes:NoSchedule",),
    )
    assert read.pools[2].nodes == ()


@pytest.mark.parametrize("name", ["worker", "master", "master-x", "etcd", "reach-x", "Gpu", "gpu_1", "1gpu", "gpu-"])
def test_a_name_that_clashes_or_no_host_can_have_is_refused(name: str):
    with pytest.raises(SettingsError, match=f"workerPools: pool '{name}': its nodes are named after it"):
        settings_with({name: GPU})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"cuont": 1}, "there is no cuont; it has count, instanceType, diskGib"),
        ({"count": True}, "count is True: it must be a whole number from 0 to 200"),
        ({"count": 201}, "count is 201"),
        ({"instanceType": "big"}, "instanceType is 'big': it must be an EC2 instance type"),
        ({"diskGib": 4}, "diskGib is 4"),
        ({"image": "debian"}, "image is 'debian': it must be the id of an AMI"),
        ({"spot": "yes"}, "spot is 'yes': it must be true or false"),
        ({"labels": {"kubernetes.io/role": "x"}}, "no key of which is its own"),
        ({"labels": {"node-role.kubernetes.io/gpu": ""}}, "no key of which is its own"),
        ({"labels": {"a b": "x"}}, "it must be a map of labels"),
        ({"labels": {"a": "x y"}}, "it must be a map of labels"),
        ({"taints": ["gpu"]}, "taints is ['gpu']: it must be a list as [key=value:NoSchedule]"),
        ({"taints": ["node.kubernetes.io/not-ready:NoExecute"]}, "taints is"),
        ({"taints": ["ToBeDeletedByClusterAutoscaler=x:NoSchedule"]}, "taints is"),
        ({"taints": ["a=1:NoSchedule", "a=2:NoSchedule"]}, "taints is"),
        ({"labels": {"a..b/c": "x"}}, "it must be a map of labels"),
        ({"ingress": 1}, "ingress is 1: it must be true or false"),
    ],
)
def test_a_wrong_value_is_refused_with_its_pool_and_field(change: dict[str, Any], said: str):
    with pytest.raises(SettingsError) as refused:
        settings_with({"gpu": {**GPU, **change}})
    assert "workerPools: pool 'gpu': " in str(refused.value)
    assert said in str(refused.value)


def test_what_must_be_there_is_asked_for_and_all_is_said_at_once():
    with pytest.raises(SettingsError) as refused:
        settings_with({"gpu": {}, "other": 3})
    for said in (
        "pool 'gpu': count is missing",
        "pool 'gpu': instanceType is missing",
        "pool 'other': it must be a map",
    ):
        assert said in str(refused.value)


def test_pools_nodes_count_for_the_pods_addresses():
    with pytest.raises(SettingsError, match="it is too small: each of 206 nodes gets a /24"):
        settings_with({"many": {**GPU, "count": 200}}, pod_cidr="10.244.0.0/17")
