"""Security groups with their inline rules, and a VPC's default group, which is taken over rather than made."""

from collections.abc import Sequence

from region.plugins.aws.calls import unless_missing
from region.plugins.aws.properties import known, tag_specifications, tags_of
from region.plugins.aws.resource import AwsResource
from region.plugins.base import Call, Properties

DIRECTIONS = ("ingress", "egress")
Permission = tuple[str, int, int, str, str, str]
"""Protocol, from, to, kind of peer, peer, description: an inline rule has one for each of its peers."""
PEERS = {"cidrBlocks": "cidr", "ipv6CidrBlocks": "cidr6", "prefixListIds": "list", "securityGroups": "group"}


class SecurityGroup(AwsResource):
    token = "aws:ec2/securityGroup:SecurityGroup"
    replace_on = frozenset({"name", "namePrefix", "description", "vpcId"})
    changeable = frozenset({*DIRECTIONS, "revokeRulesOnDelete"})
    defaults = {"description": "Managed by Pulumi", "revokeRulesOnDelete": False}  # noqa: RUF012
    outputs = frozenset({"arn", "egress", "ingress", "name", "namePrefix", "ownerId", "region", "tagsAll", "vpcId"})
    auto_name = ("name", 255)

    def make(self, call: Call, inputs: Properties) -> str:
        vpc = {"VpcId": inputs["vpcId"]} if inputs.get("vpcId") else {}
        name = inputs.get("name") or f"{inputs['namePrefix']}{call.name}"
        answer = self.session.ec2.create_security_group(
            GroupName=name, Description=inputs["description"], **vpc, **tag_specifications("security-group", inputs)
        )
        return answer["GroupId"]

    def settle(self, call: Call, id: str, inputs: Properties) -> None:
        """AWS lets everything out of a new group; the provider takes that away."""
        for direction in DIRECTIONS:
            self._grant(id, direction, inputs.get(direction) or [])

    def look(self, id: str, before: Properties) -> Properties | None:
        found = unless_missing(lambda: self.session.ec2.describe_security_groups(GroupIds=[id])["SecurityGroups"])
        if not found:
            return None
        group = found[0]
        return {
            "arn": self.session.arn("ec2", f"security-group/{id}"),
            "name": group["GroupName"],
            "namePrefix": before.get("namePrefix") or "",
            "description": group["Description"],
            "vpcId": group.get("VpcId") or "",
            "ownerId": group.get("OwnerId", self.session.account),
            "revokeRulesOnDelete": before.get("revokeRulesOnDelete", False),
            **{direction: self._rules(group, direction, before.get(direction) or []) for direction in DIRECTIONS},
            "tags": tags_of(group.get("Tags")),
        }

    def change(self, call: Call, id: str, old: Properties, new: Properties, changed: set[str]) -> None:
        for direction in DIRECTIONS:
            if direction in changed:
                self._grant(id, direction, new[direction])

    def end(self, call: Call, id: str, state: Properties) -> None:
        if state.get("revokeRulesOnDelete"):
            for direction in DIRECTIONS:
                self._grant(id, direction, [])
        self.session.ec2.delete_security_group(GroupId=id)

    def _grant(self, id: str, direction: str, rules: Sequence[Properties]) -> None:
        """Make exactly these rules the group's."""
        ec2 = self.session.ec2
        group = ec2.describe_security_groups(GroupIds=[id])["SecurityGroups"][0]
        wanted = {permission for rule in rules for permission in _permissions(rule, id)}
        actual = {permission for row in _rows(group, direction) for permission in _permissions(row, id)}
        for permission in sorted(actual - wanted):
            getattr(ec2, f"revoke_security_group_{direction}")(GroupId=id, IpPermissions=[_argument(permission)])
        for permission in sorted(wanted - actual):
            getattr(ec2, f"authorize_security_group_{direction}")(GroupId=id, IpPermissions=[_argument(permission)])

    def _rules(self, group: Properties, direction: str, given: Sequence[Properties]) -> list[Properties]:
        """In the form in which they were given, when they are the same rules."""
        rows, id = _rows(group, direction), group["GroupId"]
        actual = {permission for row in rows for permission in _permissions(row, id)}
        if {permission for rule in given for permission in _permissions(rule, id)} == actual:
            return list(given)
        return [{**row, "securityGroups": [g for g in row["securityGroups"] if g != id]} for row in rows]


def _rows(group: Properties, direction: str) -> list[Properties]:
    """The API's rules as inline ones, a rule for each protocol, port range and description."""
    rows: dict[tuple, Properties] = {}
    keys = {"IpRanges": "cidrBlocks", "Ipv6Ranges": "ipv6CidrBlocks", "PrefixListIds": "prefixListIds"}
    names = {"IpRanges": "CidrIp", "Ipv6Ranges": "CidrIpv6", "PrefixListIds": "PrefixListId"}
    keys |= {"UserIdGroupPairs": "securityGroups"}
    names |= {"UserIdGroupPairs": "GroupId"}
    for permission in group["IpPermissions" if direction == "ingress" else "IpPermissionsEgress"]:
        protocol = permission["IpProtocol"]
        ports = (0, 0) if protocol == "-1" else (permission.get("FromPort", 0), permission.get("ToPort", 0))
        for kind, key in keys.items():
            for peer in permission.get(kind, ()):
                description = peer.get("Description") or ""
                empty = {"protocol": protocol, "fromPort": ports[0], "toPort": ports[1], "description": description}
                row = rows.setdefault((protocol, *ports, description), empty | {name: [] for name in PEERS})
                if peer[names[kind]] == group["GroupId"]:
                    row["self"] = True
                row[key].append(peer[names[kind]])
    return [{"self": False, **rows[key]} for key in sorted(rows)]


def _permissions(rule: Properties, group: str) -> list[Permission]:
    protocol = {"all": "-1"}.get(str(rule["protocol"]).lower(), str(rule["protocol"]).lower())
    start, end = (0, 0) if protocol == "-1" else (rule["fromPort"], rule["toPort"])
    peers = [(kind, peer) for name, kind in PEERS.items() for peer in rule.get(name) or ()]
    if rule.get("self"):
        peers.append(("group", group))
    return [(protocol, start, end, kind, peer, rule.get("description") or "") for kind, peer in peers if known(peer)]


def _argument(permission: Permission) -> Properties:
    protocol, start, end, kind, peer, description = permission
    key, name = {
        "cidr": ("IpRanges", "CidrIp"),
        "cidr6": ("Ipv6Ranges", "CidrIpv6"),
        "list": ("PrefixListIds", "PrefixListId"),
        "group": ("UserIdGroupPairs", "GroupId"),
    }[kind]
    ports = {} if protocol == "-1" else {"FromPort": start, "ToPort": end}
    return {
        "IpProtocol": protocol,
        **ports,
        key: [{name: peer, **({"Description": description} if description else {})}],
    }
