"""Orphans under moto in this process: what is found, what is spared, and that all of it can be deleted."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click
import pytest
from botocore.exceptions import ClientError

from operate import orphans, removal
from operate.aws import Aws
from operate.orphan import INTERRUPTED, TAGGED, Kind
from operate.stack_state import StackState
from region.cloud import moto_patches
from region.cloud.moto_patches import IMAGE_ID
from settings.tags import CLUSTER_TAG, STACK_TAG

moto_patches.install()

from moto import mock_aws  # noqa: E402

ACCOUNT = "123456789012"
ADDRESS = "10.0.32.17"


OWN_STACK = "0123456789abcdef"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws():
        yield Aws.connect("us-east-1", None)


def tags(name: str, cluster: str = "dev") -> list[dict[str, str]]:
    given = {CLUSTER_TAG: cluster, STACK_TAG: OWN_STACK, "Name": name}
    return [{"Key": key, "Value": value} for key, value in given.items()]


def tagged(kind: str, name: str, cluster: str = "dev") -> dict[str, Any]:
    return {"TagSpecifications": [{"ResourceType": kind, "Tags": tags(name, cluster)}]}


def resource(type: str, name: str, identity: str = "", /, **inputs: Any) -> dict[str, Any]:
    urn = f"urn:pulumi:dev::kubeadm-aws::{type}::{name}"
    arn = {"outputs": {"arn": f"arn:aws:ec2:us-east-1:{ACCOUNT}:x/{identity}"}} if identity else {}
    return {"urn": urn, "type": type, "id": identity, "inputs": inputs, **arn}


def state(resources: Sequence[Mapping[str, Any]] = (), creating: Sequence[Mapping[str, Any]] = ()) -> StackState:
    mine = resource(
        "aws:ec2/keyPair:KeyPair", "key", "key-1", tags={CLUSTER_TAG: "dev", STACK_TAG: OWN_STACK, "Name": "key"}
    )
    pending = [{"type": "creating", "resource": one} for one in creating]
    return StackState.of({"deployment": {"resources": [mine, *resources], "pending_operations": pending}})


def make_subnet(aws: Aws, cluster: str) -> str:
    vpc = aws.ec2.create_vpc(CidrBlock="10.0.0.0/16", **tagged("vpc", "vpc", cluster))["Vpc"]["VpcId"]
    subnet = aws.ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.32.0/20", **tagged("subnet", "subnet", cluster))
    return subnet["Subnet"]["SubnetId"]


def make_instance(aws: Aws, subnet: str, cluster: str = "dev", *, keep: bool = False) -> str:
    answer = aws.ec2.run_instances(
        ImageId=IMAGE_ID,
        MinCount=1,
        MaxCount=1,
        SubnetId=subnet,
        PrivateIpAddress=ADDRESS,
        DisableApiTermination=keep,
        **tagged("instance", f"{cluster}-master-0", cluster),
    )
    return answer["Instances"][0]["InstanceId"]


def in_state(aws: Aws, subnet: str) -> list[dict[str, Any]]:
    vpc = aws.ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0]["VpcId"]
    return [resource("aws:ec2/vpc:Vpc", "vpc", vpc), resource("aws:ec2/subnet:Subnet", "subnet", subnet)]


def sweep(aws: Aws, state: StackState) -> list[str]:
    said: list[str] = []
    removal.remove(aws, orphans.find(aws, state), said.append)
    return said


def test_an_orphan_with_the_fixed_address_is_removed(aws: Aws):
    subnet = make_subnet(aws, "dev")
    instance = make_instance(aws, subnet)
    with pytest.raises(ClientError, match="in use"):
        make_instance(aws, subnet)
    creating = resource("aws:ec2/instance:Instance", "dev-master-0", tags={"Name": "dev-master-0"})
    known = state(in_state(aws, subnet), [creating])
    [found] = orphans.find(aws, known)
    assert (found.kind, found.identity, found.name, found.why) == (
        Kind.INSTANCE,
        instance,
        "dev-master-0",
        INTERRUPTED,
    )
    assert sweep(aws, known) == [f"deleted instance dev-master-0 ({instance})"]
    assert orphans.find(aws, known) == []
    assert make_instance(aws, subnet) != instance


def test_a_master_of_a_cluster_to_keep_is_removed_too(aws: Aws):
    """Protected from its first moment on, and nobody's."""
    subnet = make_subnet(aws, "dev")
    instance = make_instance(aws, subnet, keep=True)
    with pytest.raises(ClientError, match="OperationNotPermitted"):
        aws.ec2.terminate_instances(InstanceIds=[instance])
    assert sweep(aws, state(in_state(aws, subnet))) == [f"deleted instance dev-master-0 ({instance})"]


def test_what_the_state_knows_is_kept(aws: Aws):
    subnet = make_subnet(aws, "dev")
    instance = make_instance(aws, subnet)
    known = state([*in_state(aws, subnet), resource("aws:ec2/instance:Instance", "dev-master-0", instance)])
    assert sweep(aws, known) == []


def test_another_cluster_is_kept(aws: Aws):
    for cluster in ("dev2", "de", "prod"):
        make_instance(aws, make_subnet(aws, cluster), cluster)
    assert sweep(aws, state()) == []
    running = [{"Name": "instance-state-name", "Values": ["running"]}]
    assert len(aws.ec2.describe_instances(Filters=running)["Reservations"]) == 3


def test_a_volume_ends_with_its_instance(aws: Aws):
    subnet = make_subnet(aws, "dev")
    make_instance(aws, subnet)
    [volume] = aws.ec2.describe_volumes()["Volumes"]
    aws.ec2.create_tags(Resources=[volume["VolumeId"]], Tags=tags("dev-master-0"))
    assert {orphan.kind for orphan in orphans.find(aws, state(in_state(aws, subnet)))} == {Kind.INSTANCE}
    sweep(aws, state(in_state(aws, subnet)))
    assert aws.ec2.describe_volumes()["Volumes"] == []


def whole_network(aws: Aws) -> None:
    """One of each kind that takes tags, tied together as the program ties them."""
    subnet = make_subnet(aws, "dev")
    vpc = aws.ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0]["VpcId"]
    gateway = aws.ec2.create_internet_gateway(**tagged("internet-gateway", "gateway"))["InternetGateway"]
    aws.ec2.attach_internet_gateway(InternetGatewayId=gateway["InternetGatewayId"], VpcId=vpc)
    table = aws.ec2.create_route_table(VpcId=vpc, **tagged("route-table", "table"))["RouteTable"]["RouteTableId"]
    aws.ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
    aws.ec2.create_subnet_cidr_reservation(SubnetId=subnet, Cidr="10.0.32.16/28", ReservationType="explicit")
    address = aws.ec2.allocate_address(Domain="vpc", **tagged("elastic-ip", "nat"))["AllocationId"]
    nat = aws.ec2.create_nat_gateway(SubnetId=subnet, AllocationId=address, **tagged("natgateway", "nat"))
    nat_id = nat["NatGateway"]["NatGatewayId"]
    aws.ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nat_id)
    groups = [
        aws.ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc, **tagged("security-group", name))[
            "GroupId"
        ]
        for name in ("one", "other")
    ]
    for group, peer in (groups, reversed(groups)):
        pair = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "UserIdGroupPairs": [{"GroupId": peer}]}
        aws.ec2.authorize_security_group_ingress(
            GroupId=group, IpPermissions=[pair], **tagged("security-group-rule", "rule")
        )
        aws.ec2.authorize_security_group_egress(
            GroupId=group, IpPermissions=[pair], **tagged("security-group-rule", "rule")
        )
    instance = make_instance(aws, subnet)
    aws.ec2.modify_instance_attribute(InstanceId=instance, Groups=groups[:1])
    public = aws.ec2.allocate_address(Domain="vpc", **tagged("elastic-ip", "bastion"))["AllocationId"]
    aws.ec2.associate_address(AllocationId=public, InstanceId=instance)
    balancer = aws.elb.create_load_balancer(
        Name="dev-api", Type="network", Subnets=[subnet], SecurityGroups=groups[1:], Tags=tags("dev-api")
    )["LoadBalancers"][0]["LoadBalancerArn"]
    group = aws.elb.create_target_group(
        Name="dev-api", Protocol="TCP", Port=6443, VpcId=vpc, TargetType="ip", Tags=tags("dev-api")
    )["TargetGroups"][0]["TargetGroupArn"]
    aws.elb.create_listener(
        LoadBalancerArn=balancer,
        Protocol="TCP",
        Port=6443,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": group}],
        Tags=tags("dev-api-6443"),
    )
    zone = aws.route53.create_hosted_zone(
        Name="dev.internal", CallerReference="1", VPC={"VPCId": vpc, "VPCRegion": "us-east-1"}
    )["HostedZone"]["Id"].rsplit("/", 1)[-1]
    aws.route53.change_tags_for_resource(ResourceType="hostedzone", ResourceId=zone, AddTags=tags("dev"))
    record = {"Name": "api.dev.internal", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "10.0.0.1"}]}
    changes = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
    aws.route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=changes)


def test_a_whole_orphaned_vpc_goes_in_one_sweep(aws: Aws):
    whole_network(aws)
    found = orphans.find(aws, state())
    assert {orphan.why for orphan in found} == {TAGGED}
    untagged = {Kind.ROUTE, Kind.ROUTE_TABLE_ASSOCIATION, Kind.RESERVATION, Kind.RECORD}
    assert {orphan.kind for orphan in found} == set(Kind) - untagged
    said = sweep(aws, state())
    assert len(said) == len(found)
    assert orphans.find(aws, state()) == []
    assert [vpc["IsDefault"] for vpc in aws.ec2.describe_vpcs()["Vpcs"]] == [True]
    assert aws.ec2.describe_addresses()["Addresses"] == []
    assert aws.elb.describe_target_groups()["TargetGroups"] == []
    assert aws.route53.list_hosted_zones()["HostedZones"] == []


def table_with_route(aws: Aws, subnet: str) -> tuple[str, list[dict[str, Any]]]:
    """A table in the state, and a route whose creation the state says began."""
    vpc = aws.ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0]["VpcId"]
    gateway = aws.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    aws.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    table = aws.ec2.create_route_table(VpcId=vpc, **tagged("route-table", "table"))["RouteTable"]["RouteTableId"]
    for cidr in ("0.0.0.0/0", "192.0.2.0/24"):
        aws.ec2.create_route(RouteTableId=table, DestinationCidrBlock=cidr, GatewayId=gateway)
    route = {"routeTableId": table, "destinationCidrBlock": "0.0.0.0/0", "gatewayId": gateway}
    return table, [resource("aws:ec2/route:Route", "route", **route)]


def test_only_the_route_that_was_just_made_goes(aws: Aws):
    subnet = make_subnet(aws, "dev")
    table, creating = table_with_route(aws, subnet)
    mine = [*in_state(aws, subnet), resource("aws:ec2/routeTable:RouteTable", "table", table)]
    assert sweep(aws, state(mine)) == []
    assert sweep(aws, state(mine, creating)) == ["deleted route route (0.0.0.0/0)"]
    [found] = aws.ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"]
    assert [route["DestinationCidrBlock"] for route in found["Routes"]] == ["10.0.0.0/16", "192.0.2.0/24"]


def test_a_route_that_a_later_run_made_is_kept(aws: Aws):
    subnet = make_subnet(aws, "dev")
    table, creating = table_with_route(aws, subnet)
    mine = [*in_state(aws, subnet), resource("aws:ec2/routeTable:RouteTable", "table", table)]
    assert sweep(aws, state([*mine, {**creating[0], "id": "r-1"}], creating)) == []


def test_a_zone_without_tags_is_known_by_its_interrupted_creation(aws: Aws):
    subnet = make_subnet(aws, "dev")
    mine = in_state(aws, subnet)
    vpcs = [mine[0]["id"], aws.ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]]
    for vpc in vpcs:
        where = {"VPCId": vpc, "VPCRegion": "us-east-1"}
        private = {"PrivateZone": True}
        aws.route53.create_hosted_zone(Name="dev.internal", CallerReference=vpc, VPC=where, HostedZoneConfig=private)
    creating = [resource("aws:route53/zone:Zone", "dev", name="dev.internal", vpcs=[{"vpcId": vpcs[0]}])]
    assert sweep(aws, state(mine)) == []
    assert len(sweep(aws, state(mine, creating))) == 1
    [left] = aws.route53.list_hosted_zones()["HostedZones"]
    assert aws.route53.get_hosted_zone(Id=left["Id"])["VPCs"][0]["VPCId"] == vpcs[1]


def test_what_cannot_be_deleted_is_named(aws: Aws, monkeypatch: pytest.MonkeyPatch):
    subnet = make_subnet(aws, "dev")
    group = aws.ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"]
    monkeypatch.setattr(removal, "IN_USE_SECONDS", 0)
    with pytest.raises(click.ClickException, match=rf"subnet subnet \({subnet}\) .*DependencyViolation"):
        sweep(aws, state())
    assert aws.ec2.describe_network_interfaces(NetworkInterfaceIds=[group])["NetworkInterfaces"]


def test_a_stack_of_nothing_names_no_cluster():
    nothing = StackState.of({"deployment": None})
    assert (nothing.clusters, nothing.known, nothing.creating) == (frozenset(), frozenset(), ())


def test_the_cluster_may_be_known_by_a_pending_creation_alone():
    vpc = resource("aws:ec2/vpc:Vpc", "dev", tags={CLUSTER_TAG: "dev", STACK_TAG: OWN_STACK})
    provider = resource("pulumi:providers:aws", "default", "1", region="eu-north-1")
    provider["outputs"] = {}
    pending = [{"type": "creating", "resource": vpc}, {"type": "deleting", "resource": {**vpc, "id": "vpc-1"}}]
    read = StackState.of({"deployment": {"resources": [provider], "pending_operations": pending}})
    assert (read.clusters, read.region, read.account) == ({"dev"}, "eu-north-1", None)
    assert len(read.creating) == 1


def test_a_cluster_of_that_name_that_another_stack_made_is_not_touched(aws: Aws) -> None:
    """Two operators with two backends, one account and region, and no imagination."""
    subnet = make_subnet(aws, "dev")
    mine = make_instance(aws, subnet)
    theirs = state([resource("aws:ec2/vpc:Vpc", "vpc", "vpc-9", tags={CLUSTER_TAG: "dev", STACK_TAG: "f" * 16})])
    ours = state(in_state(aws, subnet))
    assert [one.identity for one in orphans.find(aws, ours)] == [mine]
    assert orphans.find(aws, dataclasses.replace(theirs, identities=frozenset({"f" * 16}))) == []
