"""The plugin: every type and function that the region has of `aws`."""

from region.plugins.aws.addresses import Eip, EipAssociation, NatGateway
from region.plugins.aws.instance import Instance
from region.plugins.aws.load_balancer import Listener, LoadBalancer
from region.plugins.aws.lookups import functions
from region.plugins.aws.power import InstanceState
from region.plugins.aws.resource import AwsResource
from region.plugins.aws.route53 import Record, Zone
from region.plugins.aws.routes import Route, RouteTable, RouteTableAssociation
from region.plugins.aws.security_group import SecurityGroup
from region.plugins.aws.security_group_rule import SecurityGroupEgressRule, SecurityGroupIngressRule
from region.plugins.aws.session import Session
from region.plugins.aws.target_group import TargetGroup, TargetGroupAttachment
from region.plugins.aws.vpc import InternetGateway, Subnet, SubnetCidrReservation, Vpc
from region.plugins.base import Plugin, Properties

VERSION = "7.51.1"
"""What the SDK asks for, exactly."""

TYPES: tuple[type[AwsResource], ...] = (
    Eip,
    EipAssociation,
    Instance,
    InstanceState,
    InternetGateway,
    Listener,
    LoadBalancer,
    NatGateway,
    Record,
    Route,
    RouteTable,
    RouteTableAssociation,
    SecurityGroup,
    SecurityGroupEgressRule,
    SecurityGroupIngressRule,
    Subnet,
    SubnetCidrReservation,
    TargetGroup,
    TargetGroupAttachment,
    Vpc,
    Zone,
)


class AwsPlugin(Plugin):
    def __init__(self) -> None:
        self._session = Session()
        resources = {type.token: type(self._session) for type in TYPES}
        super().__init__("aws", VERSION, resources, functions(self._session))

    def configure(self, config: Properties) -> None:
        self._session.configure(config)


def plugin() -> Plugin:
    return AwsPlugin()
