"""Single rules of security groups, each with an id of its own."""

from region.plugins.aws.calls import unless_missing
from region.plugins.aws.properties import arguments, tag_specifications, tags_of
from region.plugins.aws.resource import AwsResource
from region.plugins.base import Call, PluginError, Properties

PEERS = {
    "cidrIpv4": "CidrIpv4",
    "cidrIpv6": "CidrIpv6",
    "prefixListId": "PrefixListId",
    "referencedSecurityGroupId": "ReferencedGroupId",
}
RULE = {"ipProtocol": "IpProtocol", "fromPort": "FromPort", "toPort": "ToPort", "description": "Description"}


class SecurityGroupIngressRule(AwsResource):
    token = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
    direction = "ingress"
    required = ("securityGroupId", "ipProtocol")
    replace_on = frozenset({"securityGroupId"})
    changeable = frozenset({*PEERS, *RULE})
    outputs = frozenset({"arn", "region", "securityGroupRuleId", "tagsAll"})

    def faults(self, inputs: Properties) -> list[str]:
        given = [name for name in PEERS if name in inputs]
        if len(given) != 1:
            return [f"Invalid Attribute Combination: exactly one of these must be specified: {', '.join(PEERS)}"]
        if inputs.get("ipProtocol") == "-1" and {"fromPort", "toPort"} & inputs.keys():
            return ["Invalid Attribute Combination: from_port and to_port cannot be given with ip_protocol -1"]
        return []

    def replacing(self, old: Properties, new: Properties) -> frozenset[str]:
        """AWS changes a rule's peer, but not its kind."""
        kinds = {name for name in PEERS if name in old} ^ {name for name in PEERS if name in new}
        return self.replace_on | kinds

    def make(self, call: Call, inputs: Properties) -> str:
        authorize = getattr(self.session.ec2, f"authorize_security_group_{self.direction}")
        answer = authorize(
            GroupId=inputs["securityGroupId"],
            IpPermissions=[_permission(inputs)],
            **tag_specifications("security-group-rule", inputs),
        )
        rules = answer["SecurityGroupRules"]
        if not rules:
            raise PluginError(f"{self.token} resource '{call.name}': the API names no rule")
        return rules[0]["SecurityGroupRuleId"]

    def look(self, id: str, before: Properties) -> Properties | None:
        ec2 = self.session.ec2
        found = unless_missing(lambda: ec2.describe_security_group_rules(SecurityGroupRuleIds=[id]))
        for rule in (found or {}).get("SecurityGroupRules", ()):
            if rule["SecurityGroupRuleId"] == id:
                return self._state(rule)
        return None

    def change(self, call: Call, id: str, old: Properties, new: Properties, changed: set[str]) -> None:
        rule = {"FromPort": -1, "ToPort": -1} | arguments(new, RULE | PEERS)
        if changed:
            self.session.ec2.modify_security_group_rules(
                GroupId=new["securityGroupId"],
                SecurityGroupRules=[{"SecurityGroupRuleId": id, "SecurityGroupRule": rule}],
            )

    def end(self, call: Call, id: str, state: Properties) -> None:
        revoke = getattr(self.session.ec2, f"revoke_security_group_{self.direction}")
        revoke(GroupId=state["securityGroupId"], SecurityGroupRuleIds=[id])

    def _state(self, rule: Properties) -> Properties:
        id = rule["SecurityGroupRuleId"]
        all_ports = rule["IpProtocol"] == "-1"
        return {
            "arn": rule.get("SecurityGroupRuleArn") or self.session.arn("ec2", f"security-group-rule/{id}"),
            "securityGroupRuleId": id,
            "securityGroupId": rule["GroupId"],
            "ipProtocol": rule["IpProtocol"],
            "fromPort": None if all_ports else rule.get("FromPort"),
            "toPort": None if all_ports else rule.get("ToPort"),
            "description": rule.get("Description") or None,
            "cidrIpv4": rule.get("CidrIpv4") or None,
            "cidrIpv6": rule.get("CidrIpv6") or None,
            "prefixListId": rule.get("PrefixListId") or None,
            "referencedSecurityGroupId": (rule.get("ReferencedGroupInfo") or {}).get("GroupId") or None,
            "tags": tags_of(rule.get("Tags")),
        }


class SecurityGroupEgressRule(SecurityGroupIngressRule):
    token = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
    direction = "egress"


def _permission(inputs: Properties) -> Properties:
    described = {"Description": inputs["description"]} if inputs.get("description") else {}
    peers = {
        "cidrIpv4": ("IpRanges", "CidrIp"),
        "cidrIpv6": ("Ipv6Ranges", "CidrIpv6"),
        "prefixListId": ("PrefixListIds", "PrefixListId"),
        "referencedSecurityGroupId": ("UserIdGroupPairs", "GroupId"),
    }
    given = {list_: [{key: inputs[name], **described}] for name, (list_, key) in peers.items() if inputs.get(name)}
    ports = {"ipProtocol": "IpProtocol", "fromPort": "FromPort", "toPort": "ToPort"}
    return arguments(inputs, ports) | given
