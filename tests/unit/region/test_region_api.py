"""The API as a client meets it: what moto would answer otherwise, the World read from it, and what a crash leaves."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import aws_scene
import boto3
import pytest
from aws_scene import Scene
from botocore.exceptions import ClientError
from moto.core.base_backend import BackendDict

from region.cloud import moto_patches
from region.cloud.api import Api
from region.cloud.world import Host

# Of this process only: on 127.0.0.1 any connection on the machine may be given the port while the API is down.
ADDRESS = f"127.1.{os.getpid() >> 8 & 255}.{os.getpid() & 255}"


class Place:
    """The API on a state file, to be killed and opened again at the same address."""

    def __init__(self, state: Path, port: int = 0) -> None:
        self.state = state
        self.port = port
        self.changes = 0
        self.open()

    def open(self) -> None:
        BackendDict.reset()
        self.api = Api(self.state, changed=self.count)
        self.api.start(ADDRESS, self.port)

    def count(self) -> None:
        self.changes += 1

    def kill(self) -> None:
        """What a process that dies leaves: only the file."""
        self.api.stop()
        BackendDict.reset()


@dataclass(kw_only=True)
class Built:
    state: bytes
    port: int
    scene: Scene


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The scene as a state file, made once; every test begins with a copy."""
    state = tmp_path_factory.mktemp("scene") / "state.pickle"
    place = Place(state)
    scene = aws_scene.clients(f"http://{ADDRESS}:{place.api.port}")
    aws_scene.build(scene)
    built = Built(state=state.read_bytes(), port=place.api.port, scene=scene)
    place.kill()
    return built


@pytest.fixture
def place(tmp_path: Path, built: Built) -> Iterator[Place]:
    state = tmp_path / "state.pickle"
    state.write_bytes(built.state)
    place = Place(state, built.port)
    yield place
    place.kill()


@pytest.fixture
def scene(place: Place, built: Built) -> Scene:
    return built.scene


def hosts(place: Place) -> dict[str, Host]:
    (vpc,) = place.api.world().vpcs
    return {host.instance_id: host for host in vpc.hosts}


def test_the_world_has_what_was_made(place: Place, scene: Scene) -> None:
    (vpc,) = place.api.world().vpcs
    assert (vpc.vpc_id, vpc.resolver) == (scene.ids["vpc"], "10.0.0.2")
    assert {(s.cidr, s.gateway, s.way_out, s.nat_address) for s in vpc.subnets} == {
        ("10.0.0.0/24", "10.0.0.1", "internet-gateway", None),
        ("10.0.16.0/20", "10.0.16.1", "nat-gateway", "203.0.113.10"),
        ("10.0.32.0/20", "10.0.32.1", "nat-gateway", "203.0.113.10"),
    }
    bastion = hosts(place)[scene.ids["bastion"]]
    assert (bastion.address, bastion.public_address) == ("10.0.0.5", "203.0.113.11")
    assert bastion.user_data == "#cloud-config\nhostname: bastion\n"
    (balancer,) = vpc.balancers
    assert [a.address for a in balancer.addresses] == ["10.0.16.4", "10.0.32.5"]
    assert balancer.cross_zone
    (zone,) = vpc.zones
    assert [(r.name, r.type, r.values) for r in zone.records] == [
        ("api.x.internal", "A", ("10.0.16.4", "10.0.32.5")),
        ("note.x.internal", "TXT", ('"hello"',)),
    ]


def test_nothing_leads_out_through_a_deleted_nat_gateway(place: Place, scene: Scene) -> None:
    scene.ec2.delete_nat_gateway(NatGatewayId=scene.ids["nat"])
    (vpc,) = place.api.world().vpcs
    assert {s.cidr: s.way_out for s in vpc.subnets}["10.0.16.0/20"] is None


def test_all_of_it_survives_a_crash(place: Place, scene: Scene) -> None:
    before = place.api.world()
    place.kill()
    place.open()
    assert place.api.world() == before
    new = aws_scene.run(scene, scene.ids["private"], "worker")
    assert hosts(place)[new].address == "10.0.16.5", "no address is given twice"


def test_only_changes_wake_the_controller(place: Place, scene: Scene) -> None:
    before = place.changes
    scene.ec2.describe_instances()
    scene.elb.describe_target_health(TargetGroupArn=scene.ids["target_group"])
    scene.route53.list_hosted_zones()
    assert place.changes == before
    scene.ec2.create_tags(Resources=[scene.ids["vpc"]], Tags=[{"Key": "a", "Value": "b"}])
    assert place.changes == before + 1


def test_a_replaced_machine_has_the_address_of_the_one_before(place: Place, scene: Scene) -> None:
    with pytest.raises(ClientError, match=re.escape("InvalidIPAddress.InUse")):
        aws_scene.run(scene, scene.ids["private"], "master", PrivateIpAddress="10.0.16.16")
    scene.ec2.terminate_instances(InstanceIds=[scene.ids["master"]])
    new = aws_scene.run(scene, scene.ids["private"], "master", PrivateIpAddress="10.0.16.16")
    scene.ec2.terminate_instances(InstanceIds=[scene.ids["master"]])
    assert hosts(place)[new].address == "10.0.16.16"
    with pytest.raises(ClientError, match=re.escape("InvalidIPAddress.InUse")):
        aws_scene.run(scene, scene.ids["private"], "master", PrivateIpAddress="10.0.16.16")


def test_a_terminated_machine_gives_back_its_public_address(scene: Scene) -> None:
    scene.ec2.terminate_instances(InstanceIds=[scene.ids["bastion"]])
    (address,) = scene.ec2.describe_addresses(AllocationIds=[scene.ids["bastion_address"]])["Addresses"]
    assert "AssociationId" not in address
    assert address["PublicIp"] == "203.0.113.11"


def test_an_automatic_address_keeps_clear_of_a_reserved_range(place: Place, scene: Scene) -> None:
    machines = [aws_scene.run(scene, scene.ids["private"], "worker") for _ in range(13)]
    addresses = [hosts(place)[machine].address for machine in machines]
    assert addresses[:11] == [f"10.0.16.{number}" for number in range(5, 16)]
    assert addresses[11:] == ["10.0.16.32", "10.0.16.33"]


def test_a_private_machine_has_no_association(scene: Scene) -> None:
    answer = scene.ec2.describe_instances(InstanceIds=[scene.ids["master"]])
    (interface,) = answer["Reservations"][0]["Instances"][0]["NetworkInterfaces"]
    assert "Association" not in interface


def test_debians_image_is_found_as_on_aws(place: Place, scene: Scene) -> None:
    ssm = boto3.client(
        "ssm",
        endpoint_url=f"http://{ADDRESS}:{place.api.port}",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    image = ssm.get_parameter(Name="/aws/service/debian/release/13/latest/amd64")["Parameter"]["Value"]
    (found,) = scene.ec2.describe_images(ImageIds=[image])["Images"]
    assert (found["RootDeviceName"], found["RootDeviceType"], found["State"]) == ("/dev/xvda", "ebs", "available")


def test_credits_are_what_was_asked_for(scene: Scene) -> None:
    worker = scene.ids["worker"]

    def credits() -> str:
        answer = scene.ec2.describe_instance_credit_specifications(InstanceIds=[worker])
        return answer["InstanceCreditSpecifications"][0]["CpuCredits"]

    assert credits() == "unlimited"
    scene.ec2.modify_instance_credit_specification(
        InstanceCreditSpecifications=[{"InstanceId": worker, "CpuCredits": "standard"}]
    )
    assert credits() == "standard"


def test_metadata_options_left_out_stay(scene: Scene) -> None:
    worker = scene.ids["worker"]
    scene.ec2.modify_instance_metadata_options(InstanceId=worker, HttpTokens="required", HttpPutResponseHopLimit=2)
    scene.ec2.modify_instance_metadata_options(InstanceId=worker, HttpEndpoint="enabled")
    options = scene.ec2.describe_instances(InstanceIds=[worker])["Reservations"][0]["Instances"][0]["MetadataOptions"]
    assert (options["HttpTokens"], options["HttpPutResponseHopLimit"]) == ("required", 2)


def test_a_targets_health_is_the_balancers_word(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def health() -> dict[str, str]:
        answer = scene.elb.describe_target_health(TargetGroupArn=scene.ids["target_group"])
        return answer["TargetHealthDescriptions"][0]["TargetHealth"]

    assert health()["State"] == "initial"
    monkeypatch.setattr(moto_patches.hooks, "target_state", lambda _group, _target: "unhealthy")
    assert health() == {
        "State": "unhealthy",
        "Reason": "Target.FailedHealthChecks",
        "Description": "Health checks failed",
    }
    scene.elb.delete_load_balancer(LoadBalancerArn=scene.ids["balancer"])
    assert health()["State"] == "unused"


def test_there_are_no_two_balancers_of_a_name(scene: Scene) -> None:
    with pytest.raises(ClientError, match="DuplicateLoadBalancerName"):
        scene.elb.create_load_balancer(Name="x-api", Type="network", Subnets=[scene.ids["public"]])


def test_the_console_is_the_hosts(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moto_patches.hooks, "console", lambda instance: f"console of {instance}")
    answer = scene.ec2.get_console_output(InstanceId=scene.ids["worker"])
    assert answer["Output"] == f"console of {scene.ids['worker']}"


def test_what_is_in_use_is_not_deleted(scene: Scene) -> None:
    with pytest.raises(ClientError, match="DependencyViolation"):
        scene.ec2.delete_subnet(SubnetId=scene.ids["private"])
    with pytest.raises(ClientError, match="DependencyViolation"):
        scene.ec2.delete_security_group(GroupId=scene.ids["sg_balancer"])


def test_a_vpc_ends_with_the_network_acl_that_it_was_made_with(scene: Scene) -> None:
    before = scene.ec2.describe_network_acls()["NetworkAcls"]
    vpc = scene.ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    assert len(scene.ec2.describe_network_acls()["NetworkAcls"]) == len(before) + 1
    scene.ec2.delete_vpc(VpcId=vpc)
    assert scene.ec2.describe_network_acls()["NetworkAcls"] == before


def test_a_deleted_balancer_gives_back_its_addresses(place: Place, scene: Scene) -> None:
    scene.elb.delete_load_balancer(LoadBalancerArn=scene.ids["balancer"])
    new = aws_scene.run(scene, scene.ids["private"], "worker")
    assert hosts(place)[new].address == "10.0.16.4"


def test_an_address_outside_the_subnet_is_refused_at_once(scene: Scene) -> None:
    with pytest.raises(ClientError, match="InvalidParameterValue"):
        aws_scene.run(scene, scene.ids["private"], "worker", PrivateIpAddress="10.0.99.1")


def test_an_internet_facing_balancer_has_public_addresses(place: Place, scene: Scene) -> None:
    scene.elb.create_load_balancer(
        Name="x-ingress", Type="network", Scheme="internet-facing", Subnets=[scene.ids["public"]]
    )
    (vpc,) = place.api.world().vpcs
    assert vpc.public_addresses() == {"203.0.113.11": "10.0.0.5", "203.0.113.12": "10.0.0.6"}
