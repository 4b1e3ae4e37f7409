"""Names: a DNS zone that only the VPC sees, and the API server's name in it."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.aws.load_balancer import LoadBalancer


@dataclass(frozen=True, kw_only=True)
class NamesArgs:
    """`api_name` is a name right below the zone, which has the rest of it as its name."""

    api_name: str
    vpc_id: pulumi.Input[str]
    api_balancer: LoadBalancer
    tags: Mapping[str, pulumi.Input[str]]


class Names(pulumi.ComponentResource):
    """`ready` is the record that joins wait for."""

    ready: list[pulumi.Resource]

    def __init__(self, name: str, args: NamesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kubeadm:index:Names", name, None, opts)
        _, _, zone_name = args.api_name.partition(".")
        zone = aws.route53.Zone(
            name,
            name=zone_name,
            comment="names that only the cluster's VPC sees",
            vpcs=[aws.route53.ZoneVpcArgs(vpc_id=args.vpc_id)],
            tags={**args.tags, "Name": name},
            opts=pulumi.ResourceOptions(parent=self),
        )
        record = aws.route53.Record(
            f"{name}-api",
            zone_id=zone.zone_id,
            name=args.api_name,
            type="A",
            aliases=[
                aws.route53.RecordAliasArgs(
                    name=args.api_balancer.dns_name, zone_id=args.api_balancer.zone_id, evaluate_target_health=False
                )
            ],
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.ready = [record]
        self.register_outputs({})
