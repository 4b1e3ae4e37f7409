"""Hosted zones and their records."""

import secrets
from collections.abc import Iterator, Sequence

from region.plugins.aws.calls import unless_missing, wait_until
from region.plugins.aws.properties import tag_list, tags_of
from region.plugins.aws.resource import AwsResource
from region.plugins.base import Call, Properties


class Zone(AwsResource):
    token = "aws:route53/zone:Zone"
    replace_on = frozenset({"name", "delegationSetId"})
    changeable = frozenset({"comment", "forceDestroy", "vpcs"})
    defaults = {"comment": "Managed by Pulumi", "forceDestroy": False}  # noqa: RUF012
    outputs = frozenset({"arn", "name", "nameServers", "primaryNameServer", "tagsAll", "zoneId"})
    auto_name = ("name", 255)
    is_regional = False

    def make(self, call: Call, inputs: Properties) -> str:
        vpcs = inputs.get("vpcs") or []
        first = {"VPC": _vpc(self, vpcs[0])} if vpcs else {}
        delegation = {"DelegationSetId": inputs["delegationSetId"]} if inputs.get("delegationSetId") else {}
        answer = self.session.route53.create_hosted_zone(
            Name=inputs["name"],
            CallerReference=secrets.token_hex(16),
            HostedZoneConfig={"Comment": inputs["comment"], "PrivateZone": bool(vpcs)},
            **first,
            **delegation,
        )
        return answer["HostedZone"]["Id"].rsplit("/", 1)[-1]

    def settle(self, call: Call, id: str, inputs: Properties) -> None:
        for vpc in (inputs.get("vpcs") or [])[1:]:
            self.session.route53.associate_vpc_with_hosted_zone(HostedZoneId=id, VPC=_vpc(self, vpc))
        self.retag(id, [], inputs.get("tags") or {})

    def look(self, id: str, before: Properties) -> Properties | None:
        answer = unless_missing(lambda: self.session.route53.get_hosted_zone(Id=id))
        if answer is None:
            return None
        zone = answer["HostedZone"]
        servers = sorted((answer.get("DelegationSet") or {}).get("NameServers") or [])
        tags = self.session.route53.list_tags_for_resource(ResourceType="hostedzone", ResourceId=id)
        return {
            "arn": f"arn:aws:route53:::hostedzone/{id}",
            "zoneId": id,
            "name": zone["Name"].rstrip("."),
            "comment": (zone.get("Config") or {}).get("Comment", ""),
            "forceDestroy": before.get("forceDestroy", False),
            "vpcs": [{"vpcId": vpc["VPCId"], "vpcRegion": vpc["VPCRegion"]} for vpc in answer.get("VPCs") or []],
            "nameServers": servers,
            "primaryNameServer": servers[0] if servers else "",
            "tags": tags_of(tags["ResourceTagSet"].get("Tags")),
        }

    def change(self, call: Call, id: str, old: Properties, new: Properties, changed: set[str]) -> None:
        route53 = self.session.route53
        if "comment" in changed:
            route53.update_hosted_zone_comment(Id=id, Comment=new["comment"])
        if "vpcs" in changed:
            before, after = ({vpc["vpcId"]: vpc for vpc in of.get("vpcs") or []} for of in (old, new))
            for vpc in sorted(after.keys() - before.keys()):
                route53.associate_vpc_with_hosted_zone(HostedZoneId=id, VPC=_vpc(self, after[vpc]))
            for vpc in sorted(before.keys() - after.keys()):
                route53.disassociate_vpc_from_hosted_zone(HostedZoneId=id, VPC=_vpc(self, before[vpc]))

    def retag(self, id: str, removed: list[str], tags: dict[str, str]) -> None:
        changes = {"AddTags": tag_list(tags)} if tags else {}
        changes |= {"RemoveTagKeys": removed} if removed else {}
        if changes:
            self.session.route53.change_tags_for_resource(ResourceType="hostedzone", ResourceId=id, **changes)

    def end(self, call: Call, id: str, state: Properties) -> None:
        if state.get("forceDestroy"):
            for record in list(records_of(self, id)):
                if record["Type"] not in ("NS", "SOA"):
                    apply(self, id, [("DELETE", record)])
        self.session.route53.delete_hosted_zone(Id=id)


class Record(AwsResource):
    token = "aws:route53/record:Record"
    required = ("name", "type", "zoneId")
    replace_on = frozenset({"name", "zoneId"})
    changeable = frozenset({"aliases", "allowOverwrite", "healthCheckId", "records", "ttl", "type"})
    outputs = frozenset({"allowOverwrite", "fqdn"})
    tagged = False
    is_regional = False

    def faults(self, inputs: Properties) -> list[str]:
        if "aliases" in inputs:
            wrong = [name for name in ("records", "ttl") if name in inputs]
            return [f'"alias": conflicts with {name}' for name in wrong]
        return [] if "records" in inputs else ['one of "alias,records" must be specified']

    def make(self, call: Call, inputs: Properties) -> str:
        zone = self._zone(inputs)
        action = "UPSERT" if inputs.get("allowOverwrite") else "CREATE"
        apply(self, inputs["zoneId"], [(action, _record_set(inputs, zone))])
        return f"{inputs['zoneId']}_{inputs['name'].lower()}_{inputs['type']}"

    def look(self, id: str, before: Properties) -> Properties | None:
        answer = unless_missing(lambda: self.session.route53.get_hosted_zone(Id=before["zoneId"]))
        if answer is None:
            return None
        name = _full_name(before["name"], answer["HostedZone"]["Name"])
        for record in records_of(self, before["zoneId"], name, before["type"]):
            if (_plain(record["Name"]), record["Type"]) == (name, before["type"]):
                return _state(record, before)
        return None

    def change(self, call: Call, id: str, old: Properties, new: Properties, changed: set[str]) -> None:
        zone = self._zone(new)
        changes = [("UPSERT", _record_set(new, zone))]
        if "type" in changed:
            changes.insert(0, ("DELETE", _record_set(old, zone)))
        if changed - {"allowOverwrite"}:
            apply(self, new["zoneId"], changes)

    def end(self, call: Call, id: str, state: Properties) -> None:
        zone = self._zone(state)
        name = _full_name(state["name"], zone)
        for record in list(records_of(self, state["zoneId"], name, state["type"])):
            if (_plain(record["Name"]), record["Type"]) == (name, state["type"]):
                apply(self, state["zoneId"], [("DELETE", record)])

    def _zone(self, inputs: Properties) -> str:
        return self.session.route53.get_hosted_zone(Id=inputs["zoneId"])["HostedZone"]["Name"]


def records_of(
    resource: AwsResource, zone: str, name: str | None = None, type: str | None = None
) -> Iterator[Properties]:
    """The zone's records, from the given one on."""
    start = {"StartRecordName": name, "StartRecordType": type} if name else {}
    for page in resource.session.route53.get_paginator("list_resource_record_sets").paginate(
        HostedZoneId=zone, **start
    ):
        yield from page["ResourceRecordSets"]


def apply(resource: AwsResource, zone: str, changes: Sequence[tuple[str, Properties]]) -> None:
    """Make the changes at once and wait until all name servers have them."""
    route53 = resource.session.route53
    batch = {"Changes": [{"Action": action, "ResourceRecordSet": record} for action, record in changes]}
    change = route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=batch)["ChangeInfo"]["Id"]
    wait_until(f"change {change}", lambda: route53.get_change(Id=change)["ChangeInfo"]["Status"], ["INSYNC"], 300)


def _vpc(resource: AwsResource, vpc: Properties) -> dict[str, str]:
    return {"VPCId": vpc["vpcId"], "VPCRegion": vpc.get("vpcRegion") or resource.session.region}


def _full_name(name: str, zone: str) -> str:
    """A name is taken to be in the zone whether it says so or not."""
    name, zone = _plain(name), _plain(zone)
    if not name or name == zone or name.endswith(f".{zone}"):
        return name or zone
    return f"{name}.{zone}"


def _plain(name: str) -> str:
    return name.lower().rstrip(".").replace("\\052", "*")


def _record_set(inputs: Properties, zone: str) -> Properties:
    record: Properties = {"Name": _full_name(inputs["name"], zone), "Type": inputs["type"]}
    if inputs.get("aliases"):
        alias = inputs["aliases"][0]
        record["AliasTarget"] = {
            "DNSName": alias["name"],
            "HostedZoneId": alias["zoneId"],
            "EvaluateTargetHealth": alias["evaluateTargetHealth"],
        }
    else:
        record |= {"TTL": inputs.get("ttl", 300)}
        record["ResourceRecords"] = [{"Value": _value(inputs["type"], value)} for value in inputs["records"]]
    if inputs.get("healthCheckId"):
        record["HealthCheckId"] = inputs["healthCheckId"]
    return record


def _value(type: str, value: str) -> str:
    return f'"{value}"' if type in ("TXT", "SPF") and not value.startswith('"') else value


def _state(record: Properties, before: Properties) -> Properties:
    target = record.get("AliasTarget")
    aliases = []
    if target:
        given = (before.get("aliases") or [{}])[0].get("name", "")
        same = _plain(given) == _plain(target["DNSName"])
        aliases.append(
            {
                "name": given if same else _plain(target["DNSName"]),
                "zoneId": target["HostedZoneId"],
                "evaluateTargetHealth": target["EvaluateTargetHealth"],
            }
        )
    values = [row["Value"] for row in record.get("ResourceRecords") or ()]
    if record["Type"] in ("TXT", "SPF"):
        values = [value.strip('"') for value in values]
    return {
        "name": before["name"],
        "type": record["Type"],
        "zoneId": before["zoneId"],
        "fqdn": _plain(record["Name"]),
        "aliases": aliases,
        "records": values,
        "ttl": record.get("TTL"),
        "healthCheckId": record.get("HealthCheckId") or "",
        "allowOverwrite": before.get("allowOverwrite", False),
    }
