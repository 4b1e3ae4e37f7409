"""LoadBalancer: a network load balancer, its listeners, and the target groups with their health checks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pulumi
import pulumi_aws as aws

from settings.health_checks import CHECK_SECONDS, UNHEALTHY_CHECKS
from settings.ports import API_PORT
from settings.values import Scheme

HEALTH_CHECK_PORT = 10256  # where kube-proxy says whether its node takes connections
# For connections that are there when their target leaves or is unhealthy.
DRAINING_SECONDS = 30


def _get(protocol: Literal["HTTP", "HTTPS"], path: str, port: int | None = None) -> aws.lb.TargetGroupHealthCheckArgs:
    """A target proves that it works when it answers a GET of `path` with 200. No `port`: the target's own."""
    return aws.lb.TargetGroupHealthCheckArgs(
        enabled=True,
        protocol=protocol,
        path=path,
        port=str(port) if port else "traffic-port",
        interval=CHECK_SECONDS,
        timeout=CHECK_SECONDS - 1,
        healthy_threshold=2,
        unhealthy_threshold=UNHEALTHY_CHECKS,
    )


@dataclass(frozen=True, kw_only=True)
class Forward:
    """Connections to the balancer's `port` go to the targets' `target_port`; `name` is part of the target group's.

    `lets_finish`: an unhealthy target is one that leaves, and answers those who are connected to it meanwhile.
    """

    name: str
    port: int
    target_port: int
    health_check: aws.lb.TargetGroupHealthCheckArgs
    lets_finish: bool = False


# The check of the API server needs no credentials: system:public-info-viewer lets everybody read /readyz.
API = Forward(name="api", port=API_PORT, target_port=API_PORT, health_check=_get("HTTPS", "/readyz"))


def node_port_forwards(node_ports: Mapping[int, int]) -> list[Forward]:
    """Forwards to NodePorts. kube-proxy answers for the node, since not every NodePort has a server at all times."""
    check = _get("HTTP", "/healthz", HEALTH_CHECK_PORT)
    return [
        Forward(name=str(node_port), port=port, target_port=node_port, health_check=check, lets_finish=True)
        for port, node_port in node_ports.items()
    ]


@dataclass(frozen=True, kw_only=True)
class LoadBalancerArgs:
    """`targets` are addresses, by a name that stays when the machine behind it is replaced.

    `group_prefix` and a forward's name make a target group's name: at most 32 characters, as the component's own name.
    """

    scheme: Scheme
    vpc_id: pulumi.Input[str]
    subnet_ids: Mapping[str, pulumi.Input[str]]
    security_group_id: pulumi.Input[str]
    forwards: Sequence[Forward]
    targets: Mapping[str, pulumi.Input[str]]
    group_prefix: str
    tags: Mapping[str, pulumi.Input[str]]


class LoadBalancer(pulumi.ComponentResource):
    """`dns_name` is in lower case, as Kubernetes wants names; `ready` are listeners and all that is `attached`."""

    dns_name: pulumi.Output[str]
    zone_id: pulumi.Output[str]
    ready: list[pulumi.Resource]
    attached: dict[str, list[pulumi.Resource]]

    def __init__(self, name: str, args: LoadBalancerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kubeadm:index:LoadBalancer", name, None, opts)
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)
        balancer = aws.lb.LoadBalancer(
            name,
            name=name,
            load_balancer_type="network",
            internal=args.scheme == "internal",
            subnets=list(args.subnet_ids.values()),
            # AWS lets a network balancer have groups only if it was made with one.
            security_groups=[args.security_group_id],
            # Otherwise the address in a zone whose only master is dead leads nowhere.
            enable_cross_zone_load_balancing=True,
            tags={**args.tags, "Name": name},
            # AWS has no two of a name, and nobody can give a target group to two.
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )
        self.dns_name = balancer.dns_name.apply(str.lower)
        self.zone_id = balancer.zone_id
        self.attached = {target: [] for target in args.targets}
        listeners = [self._forward(name, balancer, forward) for forward in args.forwards]
        self.ready = [*listeners, *(one for them in self.attached.values() for one in them)]
        self.register_outputs({"dns_name": self.dns_name})

    def _forward(self, name: str, balancer: aws.lb.LoadBalancer, forward: Forward) -> pulumi.Resource:
        group_name = f"{self._args.group_prefix}-{forward.name}"
        group = aws.lb.TargetGroup(
            f"{name}-{forward.name}",
            name=group_name,
            vpc_id=self._args.vpc_id,
            target_type="ip",
            protocol="TCP",
            port=forward.target_port,
            # With the client's address kept, a target could not connect to itself through the balancer.
            preserve_client_ip="false",
            deregistration_delay=DRAINING_SECONDS,
            connection_termination=True,
            target_health_states=[
                aws.lb.TargetGroupTargetHealthStateArgs(
                    enable_unhealthy_connection_termination=not forward.lets_finish,
                    unhealthy_draining_interval=DRAINING_SECONDS if forward.lets_finish else 0,
                )
            ],
            health_check=forward.health_check,
            tags={**self._args.tags, "Name": group_name},
            opts=self._child,
        )
        listener_name = f"{name}-{forward.port}"
        listener = aws.lb.Listener(
            listener_name,
            load_balancer_arn=balancer.arn,
            protocol="TCP",
            port=forward.port,
            default_actions=[aws.lb.ListenerDefaultActionArgs(type="forward", target_group_arn=group.arn)],
            tags={**self._args.tags, "Name": listener_name},
            opts=self._child,
        )
        for target, address in self._args.targets.items():
            attachment = aws.lb.TargetGroupAttachment(
                f"{name}-{forward.name}-{target}",
                target_group_arn=group.arn,
                target_id=address,
                port=forward.target_port,
                opts=self._child,
            )
            self.attached[target].append(attachment)
        return listener
