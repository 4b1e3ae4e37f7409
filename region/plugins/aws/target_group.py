"""Target groups and the targets in them."""

import secrets

from region.plugins.aws.calls import retrying, unless_missing
from region.plugins.aws.load_balancer import Balancing
from region.plugins.aws.properties import arguments, attribute_list, known, names, tag_list, text, typed
from region.plugins.aws.resource import AwsResource
from region.plugins.base import UNKNOWN, Call, Properties

ATTRIBUTES = {
    "deregistrationDelay": "deregistration_delay.timeout_seconds",
    "connectionTermination": "deregistration_delay.connection_termination.enabled",
    "preserveClientIp": "preserve_client_ip.enabled",
    "proxyProtocolV2": "proxy_protocol_v2.enabled",
    "loadBalancingCrossZoneEnabled": "load_balancing.cross_zone.enabled",
    "slowStart": "slow_start.duration_seconds",
}
UNHEALTHY = {
    "enableUnhealthyConnectionTermination": "target_health_state.unhealthy.connection_termination.enabled",
    "unhealthyDrainingInterval": "target_health_state.unhealthy.draining_interval_seconds",
}
TEXTS = frozenset({"preserveClientIp", "loadBalancingCrossZoneEnabled"})
"""Strings in the provider's schema, though they say true and false."""
NETWORK = frozenset({"TCP", "UDP", "TCP_UDP", "TLS", "QUIC", "TCP_QUIC"})
ONLY_NETWORK = frozenset({"connectionTermination", "preserveClientIp", "proxyProtocolV2"})
HEALTH_CHECK = {
    "enabled": "HealthCheckEnabled",
    "healthyThreshold": "HealthyThresholdCount",
    "interval": "HealthCheckIntervalSeconds",
    "path": "HealthCheckPath",
    "port": "HealthCheckPort",
    "protocol": "HealthCheckProtocol",
    "timeout": "HealthCheckTimeoutSeconds",
    "unhealthyThreshold": "UnhealthyThresholdCount",
}
HEALTH_CHECK_DEFAULTS = {
    "enabled": True,
    "healthyThreshold": 3,
    "interval": 30,
    "port": "traffic-port",
    "protocol": "HTTP",
    "unhealthyThreshold": 3,
}


class TargetGroup(Balancing):
    token = "aws:lb/targetGroup:TargetGroup"
    replace_on = frozenset({"name", "namePrefix", "port", "protocol", "vpcId", "targetType", "ipAddressType"})
    changeable = frozenset({*ATTRIBUTES, "healthCheck", "targetHealthStates"})
    defaults = {"targetType": "instance", "deregistrationDelay": 300, "proxyProtocolV2": False}  # noqa: RUF012
    outputs = names(
        "arn arnSuffix connectionTermination healthCheck ipAddressType loadBalancerArns loadBalancingCrossZoneEnabled "
        "name namePrefix preserveClientIp region tagsAll targetHealthStates"
    )
    auto_name = ("name", 32)

    def filled(self, inputs: Properties) -> Properties:
        texts = {name: text(inputs[name]) for name in TEXTS & inputs.keys() if inputs[name] != UNKNOWN}
        check = inputs.get("healthCheck")
        if not isinstance(check, dict):
            return {**self.defaults, **inputs, **texts}
        check = HEALTH_CHECK_DEFAULTS | {key: value for key, value in check.items() if value is not None}
        return {**self.defaults, **inputs, **texts, "healthCheck": {**check, "port": str(check["port"])}}

    def faults(self, inputs: Properties) -> list[str]:
        if inputs.get("targetType") == "lambda":
            return ["target_type lambda is not there"]
        names = ("port", "protocol", "vpcId")
        missing = [f'Attribute "{name}" must be specified' for name in names if name not in inputs]
        check = inputs.get("healthCheck") or {}
        if isinstance(check, dict) and check.get("protocol") == "TCP":
            wrong = [name for name in ("path", "matcher") if known(check.get(name))]
            missing += [f'Attribute "health_check.{name}" cannot be specified when protocol is "TCP"' for name in wrong]
        return missing

    def make(self, call: Call, inputs: Properties) -> str:
        names = {
            "port": "Port",
            "protocol": "Protocol",
            "vpcId": "VpcId",
            "targetType": "TargetType",
            "ipAddressType": "IpAddressType",
        }
        tags = {"Tags": tag_list(inputs["tags"])} if inputs.get("tags") else {}
        name = inputs.get("name") or f"{inputs['namePrefix']}{call.name}"[:32]
        answer = self.session.elb.create_target_group(
            Name=name, **arguments(inputs, names), **_health_check(inputs), **tags
        )
        return answer["TargetGroups"][0]["TargetGroupArn"]

    def settle(self, call: Call, id: str, inputs: Properties) -> None:
        self._set(id, inputs, {*ATTRIBUTES, "targetHealthStates"})

    def look(self, id: str, before: Properties) -> Properties | None:
        elb = self.session.elb
        found = unless_missing(lambda: elb.describe_target_groups(TargetGroupArns=[id])["TargetGroups"])
        if not found:
            return None
        group = found[0]
        listed = elb.describe_target_group_attributes(TargetGroupArn=id)["Attributes"]
        values = {attribute["Key"]: attribute["Value"] for attribute in listed}
        check = {name: group.get(key) for name, key in HEALTH_CHECK.items() if group.get(key) is not None}
        matcher = (group.get("Matcher") or {}).get("HttpCode")
        return {
            "arn": id,
            "arnSuffix": id.rsplit(":", 1)[-1],
            "name": group["TargetGroupName"],
            "namePrefix": before.get("namePrefix") or "",
            "port": group.get("Port"),
            "protocol": group.get("Protocol"),
            "vpcId": group.get("VpcId"),
            "targetType": group.get("TargetType", "instance"),
            "ipAddressType": group.get("IpAddressType", "ipv4"),
            "loadBalancerArns": sorted(group.get("LoadBalancerArns") or []),
            "healthCheck": {**check, **({"matcher": matcher} if matcher else {})},
            **{
                name: values[key] if name in TEXTS else typed(values[key])
                for name, key in ATTRIBUTES.items()
                if key in values
            },
            "targetHealthStates": [{name: typed(values[key]) for name, key in UNHEALTHY.items() if key in values}],
            "tags": self.tags(id),
        }

    def change(self, call: Call, id: str, old: Properties, new: Properties, changed: set[str]) -> None:
        if "healthCheck" in changed:
            self.session.elb.modify_target_group(TargetGroupArn=id, **_health_check(new))
        self._set(id, new, changed)

    def end(self, call: Call, id: str, state: Properties) -> None:
        self.session.elb.delete_target_group(TargetGroupArn=id)

    def _set(self, id: str, inputs: Properties, names: set[str]) -> None:
        others = frozenset({"slowStart"}) if inputs["protocol"] in NETWORK else ONLY_NETWORK
        attributes = attribute_list(inputs, {name: ATTRIBUTES[name] for name in names & ATTRIBUTES.keys() - others})
        if "targetHealthStates" in names and inputs["protocol"] in NETWORK:
            for state in inputs.get("targetHealthStates") or ():
                attributes += attribute_list(state, UNHEALTHY)
        if attributes:
            self.session.elb.modify_target_group_attributes(TargetGroupArn=id, Attributes=attributes)


class TargetGroupAttachment(AwsResource):
    token = "aws:lb/targetGroupAttachment:TargetGroupAttachment"
    required = ("targetGroupArn", "targetId")
    replace_on = frozenset({"targetGroupArn", "targetId", "port", "availabilityZone"})
    outputs = frozenset({"region"})
    tagged = False

    def make(self, call: Call, inputs: Properties) -> str:
        group, target = inputs["targetGroupArn"], _target(inputs)
        retrying(
            lambda: self.session.elb.register_targets(TargetGroupArn=group, Targets=[target]), ["InvalidTarget"], 60
        )
        return f"{group}-{secrets.token_hex(13)}"

    def look(self, id: str, before: Properties) -> Properties | None:
        group = before["targetGroupArn"]
        answer = unless_missing(
            lambda: self.session.elb.describe_target_health(TargetGroupArn=group, Targets=[_target(before)])
        )
        for described in (answer or {}).get("TargetHealthDescriptions", ()):
            reason = described["TargetHealth"].get("Reason", "")
            is_there = reason not in ("Target.NotRegistered", "Target.DeregistrationInProgress")
            if described["Target"]["Id"] == before["targetId"] and is_there:
                names = ("targetGroupArn", "targetId", "port", "availabilityZone")
                return {name: before[name] for name in names if name in before}
        return None

    def end(self, call: Call, id: str, state: Properties) -> None:
        self.session.elb.deregister_targets(TargetGroupArn=state["targetGroupArn"], Targets=[_target(state)])


def _health_check(inputs: Properties) -> Properties:
    check = inputs.get("healthCheck") or {}
    matcher = {"Matcher": {"HttpCode": check["matcher"]}} if check.get("matcher") else {}
    return arguments(check, HEALTH_CHECK) | matcher


def _target(inputs: Properties) -> Properties:
    return arguments(inputs, {"targetId": "Id", "port": "Port", "availabilityZone": "AvailabilityZone"})
