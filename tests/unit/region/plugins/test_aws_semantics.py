"""Where the aws plugin must behave as the real one beyond one resource's life."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from aws_region import Region
from driver import CallError, Driver

from region.cloud.moto_patches import IMAGE_ID, IMAGE_PARAMETER
from region.plugins.aws import calls
from region.plugins.base import UNKNOWN, PluginError, Properties
from region.plugins.wire import plain

GROUP = "aws:ec2/securityGroup:SecurityGroup"
INSTANCE = "aws:ec2/instance:Instance"


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    made = Region(Path(tmp_path_factory.mktemp("api")) / "state")
    yield made
    made.api.stop()


def machine(region: Region, **more: object) -> tuple[Driver, Properties, str, Properties]:
    driver = region.driver(INSTANCE)
    given = {"ami": IMAGE_ID, "instanceType": "t3.nano", "subnetId": region.subnet, **more}
    inputs, _ = driver.check(given)
    return driver, inputs, *driver.create(inputs)


def seen(driver: Driver, id: str, inputs: Properties, state: Properties) -> Properties:
    return plain(driver.read(id, inputs, state).inputs)


def test_a_name_is_made_once_and_anew_for_a_replacement(region: Region):
    driver = region.driver(GROUP, "nodes")
    first, _ = driver.check({"vpcId": region.vpc})
    assert first["name"].startswith("nodes-")
    assert driver.check({"vpcId": region.vpc}, first)[0]["name"] == first["name"]
    assert driver.check({"vpcId": region.vpc})[0]["name"] != first["name"]


def test_a_given_name_is_freed_before_it_is_used_again(region: Region):
    driver = region.driver(GROUP, "nodes")
    for name, first in (("mine", True), ("nodes-0123abc", False)):
        old, _ = driver.check({"vpcId": region.vpc, "name": name})
        new, _ = driver.check({"vpcId": "vpc-2", "name": name})
        assert driver.diff(old, new).deleteBeforeReplace is first
    assert not driver.diff(old, old).deleteBeforeReplace


def test_user_data_changes_in_place_unless_told_otherwise(region: Region):
    driver, inputs, _, state = machine(region, userData="one")
    assert list(driver.diff(inputs, {**inputs, "userData": "two"}, state).replaces) == []
    told = {**inputs, "userDataReplaceOnChange": True}
    assert list(driver.diff(told, {**told, "userData": "two"}, state).replaces) == ["userData"]


def test_what_is_left_to_aws_is_no_change(region: Region):
    driver, inputs, _, state = machine(region, privateIp="10.0.0.50", userData="one")
    left = {key: value for key, value in inputs.items() if key not in ("privateIp", "userData")}
    assert list(driver.diff(inputs, left, state).diffs) == []


def test_order_of_sets_is_no_change(region: Region):
    driver = region.driver(INSTANCE)
    one, other = ({"vpcSecurityGroupIds": groups} for groups in (["sg-1", "sg-2"], ["sg-2", "sg-1"]))
    assert list(driver.diff(one, other).diffs) == []
    assert list(driver.diff(one, {"vpcSecurityGroupIds": ["sg-2", "sg-2"]}).diffs) == ["vpcSecurityGroupIds"]


def test_an_unknown_input_that_cannot_change_plans_a_replacement(region: Region):
    driver = region.driver(INSTANCE)
    difference = driver.diff({"subnetId": "subnet-1", "ami": "a"}, {"subnetId": UNKNOWN, "ami": "a"})
    assert list(difference.replaces) == ["subnetId"]


def test_refresh_sees_drift_in_what_was_given_only(region: Region):
    driver, inputs, id, state = machine(region, sourceDestCheck=True, tags={"Name": "it"})
    ec2 = region.client("ec2")
    ec2.modify_instance_attribute(InstanceId=id, SourceDestCheck={"Value": False})
    ec2.modify_instance_attribute(InstanceId=id, DisableApiTermination={"Value": True})
    ec2.create_tags(Resources=[id], Tags=[{"Key": "more", "Value": "1"}, {"Key": "aws:own", "Value": "1"}])
    drifted = {**inputs, "sourceDestCheck": False, "tags": {"Name": "it", "more": "1"}}
    assert seen(driver, id, inputs, state) == drifted
    assert plain(driver.read(id, inputs, state).properties)["disableApiTermination"] is True


def test_a_stopped_machine_is_there_and_a_terminated_one_is_gone(region: Region):
    driver, inputs, id, state = machine(region)
    ec2 = region.client("ec2")
    ec2.stop_instances(InstanceIds=[id])
    assert seen(driver, id, inputs, state) == inputs
    ec2.terminate_instances(InstanceIds=[id])
    assert driver.read(id, inputs, state).id == ""


def test_an_elastic_address_counts_as_an_address_of_its_own(region: Region):
    """As in the real one: whoever says `false` and associates one gets a replacement each time."""
    driver, inputs, id, state = machine(region, associatePublicIpAddress=False)
    region.client("ec2").associate_address(AllocationId=region.address, InstanceId=id)
    drifted = seen(driver, id, inputs, state)
    assert list(driver.diff(drifted, inputs, state).replaces) == ["associatePublicIpAddress"]


def test_a_peer_changes_in_place_but_not_its_kind(region: Region):
    driver = region.driver("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")
    old = {"securityGroupId": "sg-1", "ipProtocol": "-1", "cidrIpv4": "10.0.0.0/8"}
    group = {"securityGroupId": "sg-1", "ipProtocol": "-1", "referencedSecurityGroupId": "sg-2"}
    assert list(driver.diff(old, {**old, "cidrIpv4": "10.0.0.0/9"}).replaces) == []
    assert list(driver.diff(old, group).replaces) == ["cidrIpv4", "referencedSecurityGroupId"]


def test_an_alias_follows_its_target(region: Region):
    driver = region.driver("aws:route53/record:Record")
    alias = {"name": "One-1.us-east-1.elb.amazonaws.com", "zoneId": "Z26RNL4JYFTOTI", "evaluateTargetHealth": False}
    inputs, failures = driver.check({"zoneId": region.zone, "name": "api", "type": "A", "aliases": [alias]})
    assert failures == []
    id, state = driver.create(inputs)
    assert state["fqdn"] == "api.try.internal"
    assert seen(driver, id, inputs, state) == inputs
    changed = {**inputs, "aliases": [{**alias, "name": "two-1.us-east-1.elb.amazonaws.com"}]}
    assert seen(driver, id, changed, driver.update(id, inputs, state, changed)) == changed
    driver.delete(id, changed, state)


def test_an_attachment_that_was_taken_out_is_gone(region: Region):
    driver = region.driver("aws:lb/targetGroupAttachment:TargetGroupAttachment")
    inputs = {"targetGroupArn": region.targets, "targetId": "10.0.0.200", "port": 80}
    id, state = driver.create(inputs)
    target = {"Id": "10.0.0.200", "Port": 80}
    region.client("elbv2").deregister_targets(TargetGroupArn=region.targets, Targets=[target])
    assert driver.read(id, inputs, state).id == ""


def test_default_tags_come_with_the_creation(region: Region):
    tagged = region.configured(defaultTags={"tags": {"team": "a", "Name": "default"}})
    driver = Driver(tagged, "aws:ec2/vpc:Vpc")
    inputs, _ = driver.check({"cidrBlock": "10.7.0.0/16", "tags": {"Name": "it"}})
    assert inputs["tags"] == {"team": "a", "Name": "it"}
    assert driver.create(inputs)[1]["tagsAll"] == {"team": "a", "Name": "it"}


def test_a_deletion_waits_for_what_depends_on_it(region: Region):
    user, user_inputs, user_id, user_state = machine(region, vpcSecurityGroupIds=[region.other_group])
    driver = region.driver(GROUP)
    ended = threading.Timer(0.5, lambda: user.delete(user_id, user_inputs, user_state))
    ended.start()
    driver.delete(region.other_group, {}, {})
    assert driver.read(region.other_group, {"name": "x"}, {}).id == ""
    ended.join()


def test_a_deletion_gives_up_in_time(region: Region, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(calls, "DEPENDENCY_SECONDS", 0.2)
    machine(region, vpcSecurityGroupIds=[region.group])
    began = time.monotonic()
    with pytest.raises(CallError, match=rf"{GROUP} resource 'it': DeleteSecurityGroup: DependencyViolation: "):
        region.driver(GROUP).delete(region.group, {}, {})
    assert time.monotonic() - began < 5


def test_an_unfinished_creation_stays_in_the_state(region: Region, monkeypatch: pytest.MonkeyPatch):
    def fail(*_: object) -> None:
        raise TimeoutError("waited 1 s")

    monkeypatch.setattr(region.plugin.resources["aws:ec2/vpc:Vpc"], "settle", fail)
    with pytest.raises(CallError, match=r"^aws:ec2/vpc:Vpc resource 'it': waited 1 s$") as failure:
        region.make("aws:ec2/vpc:Vpc", {"cidrBlock": "10.6.0.0/16"})
    assert failure.value.metadata


def test_what_the_stand_in_does_not_have_is_refused(region: Region):
    _, failures = region.driver("aws:ec2/vpc:Vpc").check({"cidrBlock": "10.0.0.0/16", "ipv6CidrBlock": "::/56"})
    assert [name for name, _ in failures] == ["ipv6CidrBlock"]
    _, failures = region.driver("aws:ec2/vpc:Vpc").check({"cidrBlock": "10.0.0.0/16", "region": "eu-west-1"})
    assert failures == [("region", "there is only us-east-1 here")]


def test_instances_are_found_by_tag_and_state_and_otherwise_only_running_ones(region: Region):
    def found(**inputs: object) -> list[str]:
        return region.plugin.functions["aws:ec2/getInstances:getInstances"]({"instanceTags": {"of": "this"}, **inputs})[
            "ids"
        ]

    inputs = {"ami": IMAGE_ID, "instanceType": "t3.small", "subnetId": region.subnet}
    running, stopped, gone = (
        region.make("aws:ec2/instance:Instance", {**inputs, "tags": {"of": "this"}})[0] for _ in range(3)
    )
    region.make("aws:ec2/instance:Instance", {**inputs, "tags": {"of": "other"}})
    region.client("ec2").stop_instances(InstanceIds=[stopped])
    region.client("ec2").terminate_instances(InstanceIds=[gone])
    assert found() == [running]
    assert found(instanceStateNames=["running", "stopping", "stopped"]) == [running, stopped]


def test_a_parameter_names_the_image(region: Region):
    found = region.plugin.functions["aws:ssm/getParameter:getParameter"]({"name": IMAGE_PARAMETER})
    assert (found["value"], found["type"]) == (IMAGE_ID, "String")


def test_types_of_machines_and_images_are_found_by_filters(region: Region):
    def types(**filters: list[str]) -> list[str]:
        given = [
            {"name": name.replace("__", ".").replace("_", "-"), "values": values} for name, values in filters.items()
        ]
        found = region.plugin.functions["aws:ec2/getInstanceTypes:getInstanceTypes"]({"filters": given})
        return found["instanceTypes"]

    asked = ["t2.micro", "t4g.small", "x9.huge"]
    assert types(instance_type=asked) == ["t2.micro", "t4g.small"]
    assert types(instance_type=asked, processor_info__supported_architecture=["x86_64"]) == ["t2.micro"]
    image = region.plugin.functions["aws:ec2/getAmi:getAmi"]
    assert image({"filters": [{"name": "image-id", "values": [IMAGE_ID]}]})["architecture"] == "x86_64"
    with pytest.raises(PluginError, match="returned no results"):
        image({"filters": [{"name": "image-id", "values": ["ami-0123456789abcdef0"]}]})
