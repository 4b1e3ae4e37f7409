"""Where moto 5.2.5 answers otherwise than AWS in what the region needs: put right in-process, each with its reason.

All that is about addresses is in `moto_addresses.py`.
"""
# ruff: noqa: ANN401 (these functions take the place of moto's own and keep their signatures)

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from moto.core.responses import ActionResult
from moto.core.types import Base64EncodedString
from moto.core.utils import utcnow
from moto.ec2.exceptions import DependencyViolationError
from moto.ec2.models import EC2Backend
from moto.ec2.models.amis import Ami, AmiBackend
from moto.ec2.models.elastic_network_interfaces import NetworkInterface
from moto.ec2.models.instances import Instance, InstanceBackend, MetadataOptions
from moto.ec2.models.security_groups import SecurityGroup, SecurityGroupBackend
from moto.ec2.models.subnets import Subnet, SubnetBackend
from moto.ec2.models.vpcs import VPC, VPCBackend
from moto.ec2.responses.general import General
from moto.ec2.responses.instances import InstanceResponse
from moto.elbv2.models import FakeHealthStatus, FakeTargetGroup, elbv2_backends
from moto.ssm.models import Parameter, SimpleSystemManagerBackend

from region.cloud import moto_addresses

IMAGE_ID = "ami-0debian13trixie64"
IMAGE_PARAMETER = "/aws/service/debian/release/13/latest/amd64"
IMAGE_OWNER = "136693071363"
"""Debian's account on AWS."""


@dataclass(kw_only=True)
class Hooks:
    """What the API asks the region: the state of a target (None: not known yet) and an instance's console."""

    target_state: Callable[[str, str], str | None]
    console: Callable[[str], str]


hooks = Hooks(target_state=lambda _group, _target: None, console=lambda _instance: "")

ORIGINAL_HEALTH = FakeTargetGroup.health_for
ORIGINAL_ASSOCIATION: Callable[[NetworkInterface], Mapping[str, Any]] = vars(NetworkInterface)["association"].fget
ORIGINAL_RUN_INSTANCES = InstanceResponse.run_instances
ORIGINAL_DELETE_SUBNET = SubnetBackend.delete_subnet
ORIGINAL_DELETE_VPC = VPCBackend.delete_vpc
ORIGINAL_DELETE_GROUP = SecurityGroupBackend._delete_security_group
ORIGINAL_SSM_INIT = SimpleSystemManagerBackend.__init__


def install() -> None:
    """Put everything in place; once more changes nothing. Must come before the first backend is made."""
    moto_addresses.install()
    patches: list[tuple[type, str, Any]] = [
        (NetworkInterface, "association", property(association)),
        (AmiBackend, "_load_amis", load_images),
        (SimpleSystemManagerBackend, "__init__", seed_parameters),
        (FakeTargetGroup, "health_for", health_for),
        (General, "get_console_output", get_console_output),
        (InstanceResponse, "run_instances", run_instances),
        (InstanceResponse, "describe_instance_credit_specifications", describe_credits),
        (InstanceResponse, "modify_instance_credit_specification", modify_credits),
        (InstanceBackend, "modify_instance_metadata_options", modify_metadata_options),
        (SubnetBackend, "delete_subnet", delete_subnet),
        (VPCBackend, "delete_vpc", delete_vpc),
        (SecurityGroupBackend, "_delete_security_group", delete_security_group),
    ]
    for owner, name, replacement in patches:
        setattr(owner, name, replacement)


def association(self: NetworkInterface) -> Mapping[str, Any] | None:
    """moto gives an empty element for a private interface, which clients read as "has a public address"."""
    return ORIGINAL_ASSOCIATION(self) or None


def load_images(self: Any) -> None:
    """The one image that there is: Debian 13 as AWS has it. moto's own presets hold no Debian."""
    self.amis[IMAGE_ID] = Ami(
        self,
        IMAGE_ID,
        name="debian-13-amd64-20261101-2287",
        description="Debian 13 (20261101-2287)",
        owner_id=IMAGE_OWNER,
        owner_alias="amazon",
        public=True,
        architecture="x86_64",
        virtualization_type="hvm",
        hypervisor="xen",
        image_location="amazon/debian-13-amd64-20261101-2287",
        root_device_type="ebs",
        root_device_name="/dev/xvda",
        creation_date=datetime(2026, 11, 1, tzinfo=UTC).replace(tzinfo=None),
        region_name=self.region_name,
    )


def seed_parameters(self: SimpleSystemManagerBackend, region_name: str, account_id: str) -> None:
    """Debian publishes its newest image under a public parameter; moto refuses to let anyone put one under /aws."""
    ORIGINAL_SSM_INIT(self, region_name, account_id)
    parameters: list[Any] = self._parameters[IMAGE_PARAMETER]
    parameters.append(
        Parameter(
            account_id=account_id,
            name=IMAGE_PARAMETER,
            value=IMAGE_ID,
            parameter_type="String",
            description=None,
            allowed_pattern=None,
            keyid=None,
            last_modified_date=datetime(2026, 11, 1, tzinfo=UTC),
            version=1,
            data_type="aws:ec2:image",
        )
    )


REASONS = {
    "initial": ("Elb.RegistrationInProgress", "Target registration is in progress"),
    "unhealthy": ("Target.FailedHealthChecks", "Health checks failed"),
}


def health_for(self: FakeTargetGroup, target: dict[str, Any], ec2_backend: EC2Backend) -> FakeHealthStatus:
    """moto's targets are always healthy; the balancer's own checks know better."""
    health = ORIGINAL_HEALTH(self, target, ec2_backend)
    if health.status == "healthy":
        if not self.load_balancer_arns:
            health.status, health.reason, health.description = "unused", "Target.NotInUse", "Target group is not in use"
            return health
        health.status = hooks.target_state(self.arn, target["Id"]) or "initial"
        health.reason, health.description = REASONS.get(health.status, (None, None))
    return health


def get_console_output(self: General) -> ActionResult:
    """moto answers with a sample; the host has a console of its own."""
    instance = self.ec2_backend.get_instance(self._get_param("InstanceId"))
    output = Base64EncodedString.from_raw_string(hooks.console(instance.id))
    return ActionResult({"InstanceId": instance.id, "Timestamp": utcnow(), "Output": output})


def run_instances(self: InstanceResponse) -> ActionResult:
    """moto drops the credit specification, and the protection from being terminated."""
    answer = ORIGINAL_RUN_INSTANCES(self)
    credits = self._get_param("CreditSpecification.CpuCredits")
    for instance in getattr(answer.result, "instances", []):
        instance.cpu_credits = credits or _default_credits(instance)
        instance.disable_api_termination = bool(self._get_param("DisableApiTermination"))
    return answer


def describe_credits(self: InstanceResponse) -> ActionResult:
    """moto always answers `standard`."""
    instances = self.ec2_backend.describe_instance_credit_specifications(self._get_param("InstanceIds", []))
    return ActionResult(
        {
            "InstanceCreditSpecifications": [
                {"InstanceId": i.id, "CpuCredits": getattr(i, "cpu_credits", _default_credits(i))} for i in instances
            ]
        }
    )


def modify_credits(self: InstanceResponse) -> ActionResult:
    """moto does not have it."""
    changed = []
    for item in self._get_param("InstanceCreditSpecifications", []):
        instance = self.ec2_backend.get_instance(item["InstanceId"])
        vars(instance)["cpu_credits"] = item["CpuCredits"]
        changed.append({"InstanceId": instance.id})
    return ActionResult(
        {"SuccessfulInstanceCreditSpecifications": changed, "UnsuccessfulInstanceCreditSpecifications": []}
    )


def _default_credits(instance: Instance) -> str:
    return "standard" if instance.instance_type.startswith("t2.") else "unlimited"


def modify_metadata_options(
    self: InstanceBackend,
    instance_id: str,
    http_tokens: str | None = None,
    hop_limit: int | None = None,
    http_endpoint: str | None = None,
    dry_run: bool | None = False,
    http_protocol: str | None = None,
    metadata_tags: str | None = None,
) -> MetadataOptions:
    """moto sets what the request leaves out back to its default."""
    options = self.get_instance(instance_id).metadata_options
    options.http_tokens = http_tokens or options.http_tokens
    options.http_put_response_hop_limit = hop_limit or options.http_put_response_hop_limit
    options.http_endpoint = http_endpoint or options.http_endpoint
    options.http_protocol_ipv6 = http_protocol or options.http_protocol_ipv6
    options.instance_metadata_tags = metadata_tags or options.instance_metadata_tags
    return options


def delete_subnet(self: Any, subnet_id: str) -> Subnet:
    """moto deletes a subnet that is in use, so that a wrong order of deletion would go unnoticed."""
    if any(eni.subnet.id == subnet_id for eni in self.enis.values()):
        raise DependencyViolationError(f"The subnet '{subnet_id}' has dependencies and cannot be deleted.")
    return ORIGINAL_DELETE_SUBNET(self, subnet_id)


def delete_vpc(self: Any, vpc_id: str) -> VPC:
    """moto leaves the network ACL that a VPC is made with."""
    vpc = ORIGINAL_DELETE_VPC(self, vpc_id)
    for identity in [acl.id for acl in self.network_acls.values() if acl.vpc_id == vpc_id]:
        del self.network_acls[identity]
    return vpc


def delete_security_group(self: Any, vpc_id: str | None, group_id: str) -> Any:
    """moto deletes a group that interfaces, balancers or other groups' rules still name."""
    balancers = elbv2_backends[self.account_id][self.region_name].load_balancers.values()
    groups: list[SecurityGroup] = [group for of_vpc in self.groups.values() for group in of_vpc.values()]
    in_use = (
        any(group_id in {group.id for group in eni.group_set} for eni in self.enis.values())
        or any(group_id in (balancer.security_groups or []) for balancer in balancers)
        or any(
            rule.source_group.get("GroupId") == group_id
            for group in groups
            if group.id != group_id
            for rule in (*group.ingress_rules, *group.egress_rules)
        )
    )
    if in_use:
        raise DependencyViolationError(f"resource {group_id} has a dependent object")
    return ORIGINAL_DELETE_GROUP(self, vpc_id, group_id)
