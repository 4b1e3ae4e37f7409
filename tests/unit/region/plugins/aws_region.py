"""A region's API in this process, and what most resources need: made once, through the plugin itself."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
from driver import Driver

from region.cloud.api import Api
from region.cloud.moto_patches import IMAGE_ID
from region.plugins.aws.plugin import plugin
from region.plugins.base import Properties

CREDENTIALS = {"region": "us-east-1", "accessKey": "test", "secretKey": "test"}


class Region:
    def __init__(self, state: Path) -> None:
        self.api = Api(state, lambda: None)
        self.api.start("127.0.0.1", 0)
        self.endpoint = f"http://127.0.0.1:{self.api.port}"
        self.plugin = self.configured()
        self.made: dict[str, Any] = {}

    def configured(self, **config: Any) -> Any:
        made = plugin()
        made.configure(
            {
                **CREDENTIALS,
                "endpoints": [dict.fromkeys(("ec2", "elb", "route53", "ssm", "sts"), self.endpoint)],
                **config,
            }
        )
        return made

    def driver(self, token: str, name: str = "it") -> Driver:
        return Driver(self.plugin, token, name)

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def make(self, token: str, inputs: Properties, name: str = "it") -> tuple[str, Properties]:
        driver = self.driver(token, name)
        checked, failures = driver.check(inputs)
        assert not failures
        return driver.create(checked)

    def __getattr__(self, name: str) -> Any:
        """The id of something that others need, made when first asked for."""
        if name not in MAKERS:
            raise AttributeError(name)
        if name not in self.made:
            token, inputs = MAKERS[name](self)
            self.made[name] = self.make(token, inputs, f"shared-{name.replace('_', '-')}")[0]
        return self.made[name]


MAKERS: dict[str, Callable[[Region], tuple[str, Properties]]] = {
    "vpc": lambda r: ("aws:ec2/vpc:Vpc", {"cidrBlock": "10.0.0.0/16"}),
    "other_vpc": lambda r: ("aws:ec2/vpc:Vpc", {"cidrBlock": "10.1.0.0/16"}),
    "subnet": lambda r: (
        "aws:ec2/subnet:Subnet",
        {"vpcId": r.vpc, "cidrBlock": "10.0.0.0/24", "availabilityZone": "us-east-1a"},
    ),
    "other_subnet": lambda r: (
        "aws:ec2/subnet:Subnet",
        {"vpcId": r.vpc, "cidrBlock": "10.0.1.0/24", "availabilityZone": "us-east-1b"},
    ),
    "gateway": lambda r: ("aws:ec2/internetGateway:InternetGateway", {"vpcId": r.vpc}),
    "address": lambda r: ("aws:ec2/eip:Eip", {"domain": "vpc"}),
    "other_address": lambda r: ("aws:ec2/eip:Eip", {"domain": "vpc"}),
    "nat": lambda r: ("aws:ec2/natGateway:NatGateway", {"subnetId": r.subnet, "allocationId": r.address}),
    "table": lambda r: ("aws:ec2/routeTable:RouteTable", {"vpcId": r.vpc}),
    "other_table": lambda r: ("aws:ec2/routeTable:RouteTable", {"vpcId": r.vpc}),
    "group": lambda r: ("aws:ec2/securityGroup:SecurityGroup", {"vpcId": r.vpc}),
    "other_group": lambda r: ("aws:ec2/securityGroup:SecurityGroup", {"vpcId": r.vpc}),
    "instance": lambda r: (
        "aws:ec2/instance:Instance",
        {"ami": IMAGE_ID, "instanceType": "t3.nano", "subnetId": r.subnet, "vpcSecurityGroupIds": [r.group]},
    ),
    "balancer": lambda r: (
        "aws:lb/loadBalancer:LoadBalancer",
        {"loadBalancerType": "network", "internal": True, "subnets": [r.subnet, r.other_subnet]},
    ),
    "targets": lambda r: (
        "aws:lb/targetGroup:TargetGroup",
        {"port": 80, "protocol": "TCP", "vpcId": r.vpc, "targetType": "ip"},
    ),
    "other_targets": lambda r: (
        "aws:lb/targetGroup:TargetGroup",
        {"port": 81, "protocol": "TCP", "vpcId": r.vpc, "targetType": "ip"},
    ),
    "zone": lambda r: ("aws:route53/zone:Zone", {"name": "try.internal", "vpcs": [{"vpcId": r.vpc}]}),
}
