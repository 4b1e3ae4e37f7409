"""Types of machines that the region does not have, or that do not fit their image, are refused at once."""

from collections.abc import Mapping

import pytest
from conftest import ANSWERS, IMAGE, STATE, Engine
from pulumi.runtime import mocks

from settings.reading import SettingsError

OTHER_IMAGE = "ami-22222222222222222"
ARM = {"t4g.small"}


class Region(Engine):
    """AWS where t4g.small is the only machine with an arm64 processor, and OTHER_IMAGE is for such."""

    images: frozenset[str] = frozenset()

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, object], list[tuple[str, str]] | None]:
        if args.token == "aws:ec2/getInstances:getInstances":
            return {"ids": ["i-1"]}, []
        if args.token == "aws:ec2/getAmi:getAmi":
            self.images |= {*args.args["filters"][0]["values"]}
            is_other = args.args["filters"][0]["values"] == [OTHER_IMAGE]
            return {"architecture": "arm64" if is_other else "x86_64"}, []
        if args.token == "aws:ec2/getInstanceTypes:getInstanceTypes":
            wanted = {one["name"]: one["values"] for one in args.args["filters"]}
            types = ARM | set(ANSWERS[args.token]["instanceTypes"])
            [architecture] = wanted.get("processor-info.supported-architecture", [""])
            fitting = {"arm64": ARM, "x86_64": types - ARM, "": types}[architecture]
            return {"instanceTypes": [kind for kind in wanted["instance-type"] if kind in fitting]}, []
        return super().call(args)


def refusal(past: Mapping[str, object] | None = None, **given: object) -> str:
    region = Region(answers={**ANSWERS, STATE: {"outputs": past or {}}})
    with pytest.raises(SettingsError) as refused:
        region.run_stack(given)
    assert not region.registered, "nothing was made"
    return str(refused.value)


def test_what_the_region_does_not_offer_is_named_with_its_setting_all_at_once():
    said = refusal(masterInstanceType="x9.huge", workerPools={"gpu": {"count": 1, "instanceType": "p99.large"}})
    assert "kubeadm-aws:masterInstanceType is 'x9.huge': AWS does not offer it in this region" in said
    assert "kubeadm-aws:workerPools.gpu.instanceType is 'p99.large': AWS does not offer it" in said


def test_another_processor_than_the_images_is_refused():
    said = refusal(workerInstanceType="t4g.small")
    assert "workerInstanceType is 't4g.small': its processor is another than that of image ami-0" in said


def test_machines_that_are_there_change_in_place_so_their_own_image_counts():
    outputs = {"arn": "arn:aws:ec2:us-east-1:1:instance/i-1", "ami": OTHER_IMAGE, "instanceType": "t4g.small"}
    past = {"urn:pulumi:test::p::i::kubeadm-master-0": {"type": "aws:ec2/instance:Instance", "outputs": outputs}}
    said = refusal(past)
    assert f"masterInstanceType is 't2.medium': its processor is another than that of image {OTHER_IMAGE}" in said
    assert "workerInstanceType" not in said


def test_the_image_of_a_machine_that_stays_may_be_gone():
    """AWS is asked for no image but those that something is made from."""
    outputs = {"arn": "arn:aws:ec2:us-east-1:1:instance/i-1", "ami": "ami-gone", "instanceType": "t2.medium"}
    past = {"urn:pulumi:test::p::i::kubeadm-master-0": {"type": "aws:ec2/instance:Instance", "outputs": outputs}}
    region = Region(answers={**ANSWERS, STATE: {"outputs": past}})
    assert region.run_stack({}).registered
    assert "ami-gone" not in region.images


def test_a_disk_that_would_have_to_shrink_is_refused():
    machine = {"arn": "arn:aws:ec2:us-east-1:1:instance/i-1", "ami": IMAGE, "instanceType": "t2.medium"}
    outputs = {**machine, "rootBlockDevice": {"volumeSize": 40}}
    past = {"urn:pulumi:test::p::i::kubeadm-master-0": {"type": "aws:ec2/instance:Instance", "outputs": outputs}}
    assert "masterDiskGib is 20: there are disks of 40 GiB, and AWS makes none smaller" in refusal(past)
    assert "masterDiskGib" not in refusal(past, masterDiskGib=50, masterInstanceType="x9.huge")


def test_a_pool_may_have_another_processor_with_an_image_that_fits():
    pool = {"count": 1, "instanceType": "t4g.small", "image": OTHER_IMAGE}
    made = Region().run_stack({"workerPools": {"arm": pool}})
    assert made.declared("aws:ec2/instance:Instance")["kubeadm-arm-0"].inputs["ami"] == OTHER_IMAGE


def test_etcds_type_counts_only_where_etcd_has_machines():
    assert Region().run_stack({"etcdInstanceType": "x9.huge"}).registered
    assert "etcdInstanceType is 'x9.huge'" in refusal(etcdInstanceType="x9.huge", etcdTopology="dedicated-systemd")
