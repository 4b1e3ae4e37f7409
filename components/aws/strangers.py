"""Strangers: another stack's cluster of this name in the same account and region, whose things would pass for ours."""

import pulumi
import pulumi_aws as aws

from settings.birth import Past
from settings.tags import CLUSTER_TAG
from settings.values import Settings


class StrangerError(pulumi.RunError):
    """There is a cluster of this name that is not this stack's; the message says where, and which ways are left."""


def check_strangers(settings: Settings, past: Past) -> None:
    """Raises StrangerError when a stack that has no network yet finds one with its cluster's name."""
    if past.networks:
        return
    name, stack = settings.kubernetes.cluster_name, pulumi.get_stack()
    strangers = sorted(aws.ec2.get_vpcs(tags={CLUSTER_TAG: name}).ids)
    if strangers:
        raise StrangerError(
            f"there is a cluster {name} in this account and in {settings.region} already that stack {stack} does not "
            f"know (VPC {', '.join(strangers)}); nothing was made. If it is another stack's, give this one another "
            f"clusterName. If an update of this stack was killed: 'python -m operate sweep --stack {stack}'"
        )
