"""One life of each type: checked, previewed, made, read, changed in place, found to need a replacement, ended."""

import importlib
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from aws_region import Region
from driver import CallError, Driver

from region.cloud.moto_patches import IMAGE_ID
from region.plugins.aws.plugin import TYPES
from region.plugins.aws.resource import AwsResource
from region.plugins.base import UNKNOWN, Properties
from region.plugins.wire import plain

TAGS = {"tags": {"Name": "it"}}


@dataclass(frozen=True, kw_only=True)
class Life:
    token: str
    inputs: Callable[[Region], Properties]
    changed: Callable[[Region], Properties] = lambda r: {}
    """Inputs that change in place."""
    replaced: Callable[[Region], Properties] = lambda r: {}
    """Inputs each of which alone makes a replacement necessary."""
    tagged: bool = True
    ends: bool = True
    """Whether its end ends anything."""


RULE = {"ipProtocol": "tcp", "fromPort": 22, "toPort": 22}
INLINE = {"protocol": "tcp", "fromPort": 22, "toPort": 22, "cidrBlocks": ["10.0.0.0/8", "192.0.2.0/24"]}
INSTANCE = {
    "ami": IMAGE_ID,
    "instanceType": "t3.small",
    "privateIp": "10.0.0.100",
    "associatePublicIpAddress": False,
    "userData": "#cloud-config\n",
    "metadataOptions": {"httpTokens": "required", "httpPutResponseHopLimit": 1, "httpEndpoint": "enabled"},
    "rootBlockDevice": {"volumeType": "gp3", "volumeSize": 20, "encrypted": True},
    "creditSpecification": {"cpuCredits": "unlimited"},
    "volumeTags": {"of": "it"},
}
CHECK = {"protocol": "HTTPS", "path": "/readyz", "interval": 5, "timeout": 4, "unhealthyThreshold": 2}


def rule(direction: str) -> Life:
    return Life(
        token=f"aws:vpc/securityGroup{direction}Rule:SecurityGroup{direction}Rule",
        inputs=lambda r: {**RULE, **TAGS, "securityGroupId": r.group, "cidrIpv4": "10.0.0.0/8", "description": "a"},
        changed=lambda r: {"toPort": 23, "cidrIpv4": "10.0.0.0/9", "description": "b"},
        replaced=lambda r: {"securityGroupId": r.other_group, "cidrIpv4": None},
    )


LIVES = [
    Life(
        token="aws:ec2transitgateway/instanceState:InstanceState",
        inputs=lambda r: {"instanceId": r.instance, "state": "running", "force": False},
        changed=lambda r: {"state": "stopped"},
        replaced=lambda r: {"instanceId": "i-1"},
        tagged=False,
        ends=False,
    ),
    Life(
        token="aws:ec2/vpc:Vpc",
        inputs=lambda r: {"cidrBlock": "10.9.0.0/16", "enableDnsHostnames": True, **TAGS},
        changed=lambda r: {"enableDnsHostnames": False, "enableDnsSupport": False},
        replaced=lambda r: {"cidrBlock": "10.8.0.0/16"},
    ),
    Life(
        token="aws:ec2/subnet:Subnet",
        inputs=lambda r: {"vpcId": r.vpc, "cidrBlock": "10.0.7.0/24", "availabilityZone": "us-east-1b", **TAGS},
        changed=lambda r: {"mapPublicIpOnLaunch": True},
        replaced=lambda r: {"vpcId": r.other_vpc, "cidrBlock": "10.0.8.0/24", "availabilityZone": "us-east-1c"},
    ),
    Life(
        token="aws:ec2/subnetCidrReservation:SubnetCidrReservation",
        inputs=lambda r: {
            "subnetId": r.subnet,
            "cidrBlock": "10.0.0.16/28",
            "reservationType": "explicit",
            "description": "a",
        },
        replaced=lambda r: {"subnetId": r.other_subnet, "cidrBlock": "10.0.0.32/28", "description": "b"},
        tagged=False,
    ),
    Life(
        token="aws:ec2/internetGateway:InternetGateway",
        inputs=lambda r: {"vpcId": r.other_vpc, **TAGS},
        changed=lambda r: {"vpcId": r.make("aws:ec2/vpc:Vpc", {"cidrBlock": "10.2.0.0/16"})[0]},
    ),
    Life(
        token="aws:ec2/eip:Eip",
        inputs=lambda r: {"domain": "vpc", **TAGS},
        changed=lambda r: {"instance": r.instance},
        replaced=lambda r: {"address": "203.0.113.77"},
    ),
    Life(
        token="aws:ec2/eipAssociation:EipAssociation",
        inputs=lambda r: {"allocationId": r.other_address, "instanceId": r.instance},
        replaced=lambda r: {"allocationId": "eipalloc-1", "instanceId": "i-1"},
        tagged=False,
    ),
    Life(
        token="aws:ec2/natGateway:NatGateway",
        inputs=lambda r: {"subnetId": r.subnet, "allocationId": r.make("aws:ec2/eip:Eip", {})[0], **TAGS},
        replaced=lambda r: {"subnetId": r.other_subnet, "allocationId": "eipalloc-1"},
    ),
    Life(
        token="aws:ec2/routeTable:RouteTable",
        inputs=lambda r: {"vpcId": r.vpc, "routes": [{"cidrBlock": "0.0.0.0/0", "gatewayId": r.gateway}], **TAGS},
        changed=lambda r: {"routes": [{"cidrBlock": "0.0.0.0/0", "natGatewayId": r.nat}]},
        replaced=lambda r: {"vpcId": r.other_vpc},
    ),
    Life(
        token="aws:ec2/route:Route",
        inputs=lambda r: {"routeTableId": r.table, "destinationCidrBlock": "0.0.0.0/0", "gatewayId": r.gateway},
        changed=lambda r: {"gatewayId": None, "natGatewayId": r.nat},
        replaced=lambda r: {"routeTableId": r.other_table, "destinationCidrBlock": "198.51.100.0/24"},
        tagged=False,
    ),
    Life(
        token="aws:ec2/routeTableAssociation:RouteTableAssociation",
        inputs=lambda r: {"routeTableId": r.table, "subnetId": r.subnet},
        changed=lambda r: {"routeTableId": r.other_table},
        replaced=lambda r: {"subnetId": r.other_subnet},
        tagged=False,
    ),
    Life(
        token="aws:ec2/securityGroup:SecurityGroup",
        inputs=lambda r: {"vpcId": r.vpc, "ingress": [INLINE], **TAGS},
        changed=lambda r: {"ingress": [{**INLINE, "toPort": 23}, {**INLINE, "cidrBlocks": [], "self": True}]},
        replaced=lambda r: {"vpcId": r.other_vpc, "description": "other", "name": "other"},
    ),
    rule("Ingress"),
    rule("Egress"),
    Life(
        token="aws:ec2/instance:Instance",
        inputs=lambda r: {**INSTANCE, "subnetId": r.subnet, "vpcSecurityGroupIds": [r.group], **TAGS},
        changed=lambda r: {
            "instanceType": "t3.medium",
            "userData": "#cloud-config\nfqdn: it\n",
            "sourceDestCheck": False,
            "vpcSecurityGroupIds": [r.other_group],
            "metadataOptions": {**INSTANCE["metadataOptions"], "httpPutResponseHopLimit": 2},
            "rootBlockDevice": {**INSTANCE["rootBlockDevice"], "volumeSize": 30},
            "creditSpecification": {"cpuCredits": "standard"},
            "volumeTags": {"of": "them"},
        },
        replaced=lambda r: {
            "ami": "ami-1",
            "subnetId": r.other_subnet,
            "privateIp": "10.0.0.101",
            "keyName": "other",
            "associatePublicIpAddress": True,
            "rootBlockDevice": {**INSTANCE["rootBlockDevice"], "encrypted": False},
        },
    ),
    Life(
        token="aws:lb/loadBalancer:LoadBalancer",
        inputs=lambda r: {
            "loadBalancerType": "network",
            "internal": True,
            "subnets": [r.subnet],
            "securityGroups": [r.group],
            **TAGS,
        },
        changed=lambda r: {
            "subnets": [r.subnet, r.other_subnet],
            "securityGroups": [r.other_group],
            "enableCrossZoneLoadBalancing": True,
        },
        replaced=lambda r: {"internal": False, "name": "other", "subnets": [r.other_subnet], "securityGroups": []},
    ),
    Life(
        token="aws:lb/targetGroup:TargetGroup",
        inputs=lambda r: {
            "port": 6443,
            "protocol": "TCP",
            "vpcId": r.vpc,
            "targetType": "ip",
            "preserveClientIp": "false",
            "connectionTermination": True,
            "healthCheck": CHECK,
            "targetHealthStates": [{"enableUnhealthyConnectionTermination": False, "unhealthyDrainingInterval": 30}],
            **TAGS,
        },
        changed=lambda r: {"deregistrationDelay": 30, "healthCheck": {**CHECK, "path": "/livez"}},
        replaced=lambda r: {"port": 6444, "protocol": "UDP", "vpcId": r.other_vpc, "targetType": "instance"},
    ),
    Life(
        token="aws:lb/listener:Listener",
        inputs=lambda r: {
            "loadBalancerArn": r.balancer,
            "port": 80,
            "protocol": "TCP",
            "defaultActions": [{"type": "forward", "targetGroupArn": r.targets}],
            **TAGS,
        },
        changed=lambda r: {
            "port": 81,
            "defaultActions": [{"type": "forward", "targetGroupArn": r.other_targets}],
            "tcpIdleTimeoutSeconds": 3600,
        },
        replaced=lambda r: {"loadBalancerArn": "arn:other"},
    ),
    Life(
        token="aws:lb/targetGroupAttachment:TargetGroupAttachment",
        inputs=lambda r: {"targetGroupArn": r.targets, "targetId": "10.0.0.200", "port": 80},
        replaced=lambda r: {"targetGroupArn": r.other_targets, "targetId": "10.0.0.201", "port": 81},
        tagged=False,
    ),
    Life(
        token="aws:route53/zone:Zone",
        inputs=lambda r: {"name": "it.internal", "vpcs": [{"vpcId": r.vpc}], **TAGS},
        changed=lambda r: {"comment": "other", "vpcs": [{"vpcId": r.vpc}, {"vpcId": r.other_vpc}]},
        replaced=lambda r: {"name": "other.internal"},
    ),
    Life(
        token="aws:route53/record:Record",
        inputs=lambda r: {"zoneId": r.zone, "name": "it", "type": "A", "ttl": 60, "records": ["10.0.0.1", "10.0.0.2"]},
        changed=lambda r: {"ttl": 30, "records": ["10.0.0.3"]},
        replaced=lambda r: {"zoneId": "Z1", "name": "other"},
        tagged=False,
    ),
]


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    made = Region(Path(tmp_path_factory.mktemp("api")) / "state")
    yield made
    made.api.stop()


def test_every_type_has_a_life():
    assert sorted(life.token for life in LIVES) == sorted(type.token for type in TYPES)


@pytest.mark.parametrize("life", LIVES, ids=lambda life: life.token.rsplit(":", 1)[1])
def test_life(region: Region, life: Life):
    driver, resource = region.driver(life.token), region.plugin.resources[life.token]
    inputs, failures = driver.check(life.inputs(region))
    assert failures == []

    _, previewed = driver.create(inputs, preview=True)
    assert previewed == {**dict.fromkeys(resource.outputs, UNKNOWN), **inputs}

    id, state = driver.create(inputs)
    assert resource.outputs <= state.keys() | {"privateDns", "userDataBase64"}
    assert read(driver, id, inputs, state) == inputs

    for name, value in life.replaced(region).items():
        other = merged(inputs, {name: value})
        assert name in driver.diff(inputs, driver.check(other, inputs)[0], state).replaces, name

    change = life.changed(region) | ({"tags": {"of": "it"}} if life.tagged else {})
    changed, failures = driver.check(merged(inputs, change), inputs)
    assert failures == []
    difference = driver.diff(inputs, changed, state)
    assert list(difference.replaces) == []
    assert set(difference.diffs) == change.keys()
    if change:
        state = driver.update(id, inputs, state, changed)
        assert read(driver, id, changed, state) == changed

    driver.delete(id, changed, state)
    assert (driver.read(id, changed, state).id == "") == life.ends
    driver.delete(id, changed, state)


def merged(inputs: Properties, change: Properties) -> Properties:
    return {name: value for name, value in {**inputs, **change}.items() if value is not None}


def read(driver: Driver, id: str, inputs: Properties, state: Properties) -> Properties:
    response = driver.read(id, inputs, state)
    assert response.id == id
    return plain(response.inputs)


@pytest.mark.parametrize("type", TYPES, ids=lambda type: type.__name__)
def test_inputs_and_outputs_are_the_sdks(type: type[AwsResource]):
    service = type.token.split(":")[1].split("/")[0]
    module = importlib.import_module(f"pulumi_aws.{service}")
    arguments = {camel(name) for name in inspect.signature(getattr(module, f"{type.__name__}Args").__init__).parameters}
    properties = {camel(name) for name in vars(getattr(module, type.__name__))}
    assert {name.split(".")[0] for name in type.accepted(type)} <= arguments  # type: ignore[arg-type]
    assert type.outputs <= properties


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def test_failures_name_the_resource(region: Region):
    _, failures = region.driver("aws:ec2/subnet:Subnet").check({})
    assert failures == [
        (
            "",
            'Missing required argument. The argument "vpc_id" is required, but no definition was found.. '
            "Examine values at 'it.vpcId'.",
        )
    ]
    with pytest.raises(CallError, match=r"^aws:ec2/subnet:Subnet resource 'it': CreateSubnet: InvalidVpcID.NotFound: "):
        region.driver("aws:ec2/subnet:Subnet").create({"vpcId": "vpc-1", "cidrBlock": "10.0.0.0/24"})
