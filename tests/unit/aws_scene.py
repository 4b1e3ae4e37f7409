"""A VPC as the program makes one, through boto3: two zones, bastion, master, worker, a balancer, a private zone."""

from dataclasses import dataclass
from typing import Any

import boto3

from region.cloud.moto_patches import IMAGE_ID


@dataclass(kw_only=True)
class Scene:
    """Clients and the ids of what `build` made, by a short name."""

    ec2: Any
    elb: Any
    route53: Any
    ids: dict[str, str]


def clients(endpoint: str) -> Scene:
    settings = {
        "endpoint_url": endpoint,
        "region_name": "us-east-1",
        "aws_access_key_id": "test",
        "aws_secret_access_key": "test",
    }
    return Scene(
        ec2=boto3.client("ec2", **settings),
        elb=boto3.client("elbv2", **settings),
        route53=boto3.client("route53", **settings),
        ids={},
    )


def build(scene: Scene) -> None:
    ec2, ids = scene.ec2, scene.ids
    vpc = ids["vpc"] = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    igw = ids["igw"] = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=igw, VpcId=vpc)
    public = ids["public"] = _subnet(scene, "10.0.0.0/24", "us-east-1a")
    private = ids["private"] = _subnet(scene, "10.0.16.0/20", "us-east-1a")
    private_b = ids["private_b"] = _subnet(scene, "10.0.32.0/20", "us-east-1b")
    ec2.create_subnet_cidr_reservation(SubnetId=private, Cidr="10.0.16.16/28", ReservationType="explicit")
    ids["nat_address"] = ec2.allocate_address(Domain="vpc")["AllocationId"]
    nat = ids["nat"] = ec2.create_nat_gateway(SubnetId=public, AllocationId=ids["nat_address"])["NatGateway"][
        "NatGatewayId"
    ]
    _route(scene, [public], GatewayId=igw)
    _route(scene, [private, private_b], NatGatewayId=nat)
    for name in ("bastion", "master", "worker", "balancer"):
        ids[f"sg_{name}"] = _group(scene, name)
    _allow(scene, "ingress", "bastion", 22, cidr="198.51.100.0/24")
    _allow(scene, "egress", "bastion", 22, group="master")
    _allow(scene, "ingress", "master", 22, group="bastion")
    _allow(scene, "ingress", "master", 6443, group="balancer")
    _allow(scene, "egress", "master", 0, 65535, cidr="0.0.0.0/0")
    _allow(scene, "egress", "worker", 0, 65535, cidr="0.0.0.0/0")
    _allow(scene, "ingress", "balancer", 6443, group="worker")
    _allow(scene, "egress", "balancer", 6443, group="master")
    ids["bastion"] = run(scene, public, "bastion")
    ids["master"] = run(scene, private, "master", PrivateIpAddress="10.0.16.16")
    ids["worker"] = run(scene, private_b, "worker")
    ids["bastion_address"] = ec2.allocate_address(Domain="vpc")["AllocationId"]
    ec2.associate_address(AllocationId=ids["bastion_address"], InstanceId=ids["bastion"])
    _balance(scene)


def run(scene: Scene, subnet: str, role: str, **more: Any) -> str:
    answer = scene.ec2.run_instances(
        ImageId=IMAGE_ID,
        MinCount=1,
        MaxCount=1,
        InstanceType="t2.small",
        SubnetId=subnet,
        SecurityGroupIds=[scene.ids[f"sg_{role}"]],
        UserData=f"#cloud-config\nhostname: {role}\n",
        CreditSpecification={"CpuCredits": "unlimited"},
        BlockDeviceMappings=[{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 20, "VolumeType": "gp3"}}],
        **more,
    )
    return answer["Instances"][0]["InstanceId"]


def _subnet(scene: Scene, cidr: str, zone: str) -> str:
    answer = scene.ec2.create_subnet(VpcId=scene.ids["vpc"], CidrBlock=cidr, AvailabilityZone=zone)
    return answer["Subnet"]["SubnetId"]


def _route(scene: Scene, subnets: list[str], **target: str) -> None:
    table = scene.ec2.create_route_table(VpcId=scene.ids["vpc"])["RouteTable"]["RouteTableId"]
    scene.ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", **target)
    for subnet in subnets:
        scene.ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)


def _group(scene: Scene, name: str) -> str:
    group = scene.ec2.create_security_group(GroupName=name, Description=name, VpcId=scene.ids["vpc"])["GroupId"]
    everything = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    scene.ec2.revoke_security_group_egress(GroupId=group, IpPermissions=everything)
    return group


def _allow(
    scene: Scene,
    direction: str,
    role: str,
    port: int,
    to_port: int | None = None,
    *,
    cidr: str | None = None,
    group: str | None = None,
) -> None:
    peer = {"IpRanges": [{"CidrIp": cidr}]} if cidr else {"UserIdGroupPairs": [{"GroupId": scene.ids[f"sg_{group}"]}]}
    permission = {"IpProtocol": "tcp", "FromPort": port, "ToPort": to_port or port, **peer}
    authorize = getattr(scene.ec2, f"authorize_security_group_{direction}")
    authorize(GroupId=scene.ids[f"sg_{role}"], IpPermissions=[permission])


def _balance(scene: Scene) -> None:
    ids = scene.ids
    balancer = scene.elb.create_load_balancer(
        Name="x-api",
        Type="network",
        Scheme="internal",
        Subnets=[ids["private"], ids["private_b"]],
        SecurityGroups=[ids["sg_balancer"]],
    )["LoadBalancers"][0]
    ids["balancer"] = balancer["LoadBalancerArn"]
    scene.elb.modify_load_balancer_attributes(
        LoadBalancerArn=ids["balancer"],
        Attributes=[{"Key": "load_balancing.cross_zone.enabled", "Value": "true"}],
    )
    ids["target_group"] = scene.elb.create_target_group(
        Name="x-api",
        Protocol="TCP",
        Port=6443,
        VpcId=ids["vpc"],
        TargetType="ip",
        HealthCheckProtocol="HTTPS",
        HealthCheckPath="/readyz",
        HealthCheckIntervalSeconds=10,
        HealthCheckTimeoutSeconds=5,
        HealthyThresholdCount=2,
        UnhealthyThresholdCount=2,
    )["TargetGroups"][0]["TargetGroupArn"]
    ids["listener"] = scene.elb.create_listener(
        LoadBalancerArn=ids["balancer"],
        Protocol="TCP",
        Port=6443,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": ids["target_group"]}],
    )["Listeners"][0]["ListenerArn"]
    scene.elb.register_targets(TargetGroupArn=ids["target_group"], Targets=[{"Id": "10.0.16.16", "Port": 6443}])
    zone = scene.route53.create_hosted_zone(
        Name="internal",
        CallerReference="1",
        VPC={"VPCRegion": "us-east-1", "VPCId": ids["vpc"]},
        HostedZoneConfig={"PrivateZone": True},
    )["HostedZone"]["Id"]
    ids["zone"] = zone
    alias = {
        "HostedZoneId": balancer["CanonicalHostedZoneId"],
        "DNSName": balancer["DNSName"],
        "EvaluateTargetHealth": False,
    }
    records = [
        {"Name": "api.x.internal", "Type": "A", "AliasTarget": alias},
        {"Name": "note.x.internal", "Type": "TXT", "TTL": 60, "ResourceRecords": [{"Value": '"hello"'}]},
    ]
    scene.route53.change_resource_record_sets(
        HostedZoneId=zone,
        ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": record} for record in records]},
    )
