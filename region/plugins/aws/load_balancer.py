"""Load balancers and their listeners."""

from region.plugins.aws.calls import unless_missing, wait_until
from region.plugins.aws.properties import arguments, attribute_list, names, tag_list, tags_of, text, typed
from region.plugins.aws.resource import AwsResource
from region.plugins.base import Call, Properties

ATTRIBUTES = {
    "enableCrossZoneLoadBalancing": "load_balancing.cross_zone.enabled",
    "enableDeletionProtection": "deletion_protection.enabled",
    "dnsRecordClientRoutingPolicy": "dns_record.client_routing_policy",
    "idleTimeout": "idle_timeout.timeout_seconds",
}
ONLY_NETWORK = frozenset({"dnsRecordClientRoutingPolicy"})
ONLY_APPLICATION = frozenset({"idleTimeout"})


class Balancing(AwsResource):
    """Things of the load balancing service: an ARN is the id."""

    def retag(self, id: str, removed: list[str], tags: dict[str, str]) -> None:
        if removed:
            self.session.elb.remove_tags(ResourceArns=[id], TagKeys=removed)
        if tags:
            self.session.elb.add_tags(ResourceArns=[id], Tags=tag_list(tags))

    def tags(self, id: str) -> dict[str, str]:
        return tags_of(self.session.elb.describe_tags(ResourceArns=[id])["TagDescriptions"][0]["Tags"])


class LoadBalancer(Balancing):
    token = "aws:lb/loadBalancer:LoadBalancer"
    replace_on = frozenset({"name", "namePrefix", "internal", "loadBalancerType"})
    changeable = frozenset({*ATTRIBUTES, "ipAddressType", "securityGroups", "subnetMappings", "subnets"})
    defaults = {  # noqa: RUF012
        "loadBalancerType": "application",
        "enableDeletionProtection": False,
        "idleTimeout": 60,
        "dnsRecordClientRoutingPolicy": "any_availability_zone",
    }
    outputs = names(
        "arn arnSuffix dnsName internal ipAddressType name namePrefix region securityGroups subnetMappings subnets "
        "tagsAll vpcId zoneId"
    )
    auto_name = ("name", 32)

    def faults(self, inputs: Properties) -> list[str]:
        given = [name for name in ("subnets", "subnetMappings") if name in inputs]
        return [] if len(given) == 1 else ["exactly one of `subnet_mapping,subnets` must be specified"]

    def replacing(self, old: Properties, new: Properties) -> frozenset[str]:
        """A network balancer has security groups from birth or never, and gives no subnet back."""
        if new.get("loadBalancerType") != "network":
            return self.replace_on
        lost = {
            name: set(map(str, old.get(name) or ())) - set(map(str, new.get(name) or ()))
            for name in ("subnets", "subnetMappings")
        }
        replacing = {name for name, gone in lost.items() if gone}
        if bool(old.get("securityGroups")) != bool(new.get("securityGroups")):
            replacing.add("securityGroups")
        return self.replace_on | replacing

    def make(self, call: Call, inputs: Properties) -> str:
        names = {
            "loadBalancerType": "Type",
            "ipAddressType": "IpAddressType",
            "securityGroups": "SecurityGroups",
            "subnets": "Subnets",
        }
        mappings = [_mapping(mapping) for mapping in inputs.get("subnetMappings") or ()]
        balancer = self.session.elb.create_load_balancer(
            Name=inputs.get("name") or f"{inputs['namePrefix']}{call.name}"[:32],
            Scheme="internal" if inputs.get("internal") else "internet-facing",
            **arguments(inputs, names),
            **({"SubnetMappings": mappings} if mappings else {}),
            **({"Tags": tag_list(inputs["tags"])} if inputs.get("tags") else {}),
        )
        return balancer["LoadBalancers"][0]["LoadBalancerArn"]

    def settle(self, call: Call, id: str, inputs: Properties) -> None:
        self._set(id, inputs, set(ATTRIBUTES))
        wait_until(f"load balancer {id}", lambda: self._state(id), ["active"], call.timeout_seconds or 600)

    def look(self, id: str, before: Properties) -> Properties | None:
        balancer = self._balancer(id)
        if balancer is None:
            return None
        zones = balancer["AvailabilityZones"]
        listed = self.session.elb.describe_load_balancer_attributes(LoadBalancerArn=id)["Attributes"]
        values = {attribute["Key"]: attribute["Value"] for attribute in listed}
        return {
            "arn": id,
            "arnSuffix": id.split(":loadbalancer/", 1)[-1],
            "name": balancer["LoadBalancerName"],
            "namePrefix": before.get("namePrefix") or "",
            "internal": balancer["Scheme"] == "internal",
            "loadBalancerType": balancer["Type"],
            "ipAddressType": balancer.get("IpAddressType", "ipv4"),
            "dnsName": balancer["DNSName"],
            "zoneId": balancer["CanonicalHostedZoneId"],
            "vpcId": balancer["VpcId"],
            "securityGroups": sorted(balancer.get("SecurityGroups") or []),
            "subnets": sorted(zone["SubnetId"] for zone in zones),
            "subnetMappings": sorted((_zone(zone) for zone in zones), key=lambda mapping: mapping["subnetId"]),
            **{name: typed(values[key]) for name, key in ATTRIBUTES.items() if key in values},
            "tags": self.tags(id),
        }

    def change(self, call: Call, id: str, old: Properties, new: Properties, changed: set[str]) -> None:
        elb = self.session.elb
        if changed & {"subnets", "subnetMappings"}:
            mappings = [_mapping(mapping) for mapping in new.get("subnetMappings") or ()]
            places = {"SubnetMappings": mappings} if "subnetMappings" in changed else {"Subnets": new["subnets"]}
            elb.set_subnets(LoadBalancerArn=id, **places)
        if "securityGroups" in changed:
            elb.set_security_groups(LoadBalancerArn=id, SecurityGroups=new["securityGroups"])
        if "ipAddressType" in changed:
            elb.set_ip_address_type(LoadBalancerArn=id, IpAddressType=new["ipAddressType"])
        self._set(id, new, changed)
        wait_until(f"load balancer {id}", lambda: self._state(id), ["active"], call.timeout_seconds or 600)

    def end(self, call: Call, id: str, state: Properties) -> None:
        self.session.elb.delete_load_balancer(LoadBalancerArn=id)
        wait_until(f"load balancer {id}", lambda: self._state(id), [""], call.timeout_seconds or 600)

    def _set(self, id: str, inputs: Properties, names: set[str]) -> None:
        others = ONLY_APPLICATION if inputs["loadBalancerType"] == "network" else ONLY_NETWORK
        attributes = attribute_list(inputs, {name: ATTRIBUTES[name] for name in names & ATTRIBUTES.keys() - others})
        if attributes:
            self.session.elb.modify_load_balancer_attributes(LoadBalancerArn=id, Attributes=attributes)

    def _balancer(self, id: str) -> Properties | None:
        elb = self.session.elb
        found = unless_missing(lambda: elb.describe_load_balancers(LoadBalancerArns=[id])["LoadBalancers"])
        return found[0] if found else None

    def _state(self, id: str) -> str:
        balancer = self._balancer(id)
        return balancer["State"]["Code"] if balancer else ""


class Listener(Balancing):
    token = "aws:lb/listener:Listener"
    required = ("defaultActions", "loadBalancerArn")
    replace_on = frozenset({"loadBalancerArn"})
    changeable = frozenset(
        {"alpnPolicy", "certificateArn", "defaultActions", "port", "protocol", "sslPolicy", "tcpIdleTimeoutSeconds"}
    )
    outputs = frozenset({"arn", "protocol", "region", "sslPolicy", "tagsAll", "tcpIdleTimeoutSeconds"})

    def make(self, call: Call, inputs: Properties) -> str:
        tags = {"Tags": tag_list(inputs["tags"])} if inputs.get("tags") else {}
        answer = self.session.elb.create_listener(
            LoadBalancerArn=inputs["loadBalancerArn"], **_listener_arguments(inputs), **tags
        )
        return answer["Listeners"][0]["ListenerArn"]

    def settle(self, call: Call, id: str, inputs: Properties) -> None:
        if inputs.get("tcpIdleTimeoutSeconds"):
            seconds = {"Key": "tcp.idle_timeout.seconds", "Value": text(inputs["tcpIdleTimeoutSeconds"])}
            self.session.elb.modify_listener_attributes(ListenerArn=id, Attributes=[seconds])

    def look(self, id: str, before: Properties) -> Properties | None:
        elb = self.session.elb
        found = unless_missing(lambda: elb.describe_listeners(ListenerArns=[id])["Listeners"])
        if not found:
            return None
        listener = found[0]
        listed = elb.describe_listener_attributes(ListenerArn=id)["Attributes"]
        seconds = {attribute["Key"]: attribute["Value"] for attribute in listed}.get("tcp.idle_timeout.seconds")
        is_tcp = listener.get("Protocol") == "TCP"
        return {
            "arn": id,
            "loadBalancerArn": listener["LoadBalancerArn"],
            "port": listener.get("Port"),
            "protocol": listener.get("Protocol"),
            "sslPolicy": listener.get("SslPolicy") or "",
            "alpnPolicy": (listener.get("AlpnPolicy") or [None])[0],
            "certificateArn": next((c["CertificateArn"] for c in listener.get("Certificates") or ()), None),
            "defaultActions": [_action(action) for action in listener["DefaultActions"]],
            "tcpIdleTimeoutSeconds": int(seconds or 350) if is_tcp else None,
            "tags": self.tags(id),
        }

    def change(self, call: Call, id: str, old: Properties, new: Properties, changed: set[str]) -> None:
        if changed - {"tcpIdleTimeoutSeconds"}:
            self.session.elb.modify_listener(ListenerArn=id, **_listener_arguments(new))
        if "tcpIdleTimeoutSeconds" in changed:
            self.settle(call, id, new)

    def end(self, call: Call, id: str, state: Properties) -> None:
        self.session.elb.delete_listener(ListenerArn=id)


def _listener_arguments(inputs: Properties) -> Properties:
    names = {"port": "Port", "protocol": "Protocol", "sslPolicy": "SslPolicy"}
    actions = [
        {"Type": action["type"], **arguments(action, {"targetGroupArn": "TargetGroupArn", "order": "Order"})}
        for action in inputs["defaultActions"]
    ]
    lists = {"AlpnPolicy": [inputs["alpnPolicy"]]} if inputs.get("alpnPolicy") else {}
    lists |= {"Certificates": [{"CertificateArn": inputs["certificateArn"]}]} if inputs.get("certificateArn") else {}
    return arguments(inputs, names) | {"DefaultActions": actions} | lists


def _action(action: Properties) -> Properties:
    groups = (action.get("ForwardConfig") or {}).get("TargetGroups") or [{}]
    arn = action.get("TargetGroupArn") or groups[0].get("TargetGroupArn") or ""
    return {"type": action["Type"], "order": action.get("Order", 1), "targetGroupArn": arn}


def _mapping(mapping: Properties) -> Properties:
    names = {"subnetId": "SubnetId", "allocationId": "AllocationId", "privateIpv4Address": "PrivateIPv4Address"}
    return arguments(mapping, names)


def _zone(zone: Properties) -> Properties:
    address = (zone.get("LoadBalancerAddresses") or [{}])[0]
    return {
        "subnetId": zone["SubnetId"],
        "allocationId": address.get("AllocationId"),
        "privateIpv4Address": address.get("PrivateIPv4Address"),
    }
