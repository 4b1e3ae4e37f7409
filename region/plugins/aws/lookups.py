"""What a program asks the API without making anything."""

from collections.abc import Callable, Mapping

from region.plugins.aws import calls
from region.plugins.aws.session import Session
from region.plugins.base import PluginError, Properties

Function = Callable[[Properties], Properties]


def functions(session: Session) -> Mapping[str, Function]:
    """By token, with errors told as the provider does."""

    def reported(token: str, look: Callable[[Session, Properties], Properties]) -> Function:
        def call(inputs: Properties) -> Properties:
            with calls.reported(f"invocation of {token} returned an error"):
                return look(session, {key: value for key, value in inputs.items() if value is not None})

        return call

    looks = {
        "aws:ssm/getParameter:getParameter": parameter,
        "aws:ec2/getVpcs:getVpcs": networks,
        "aws:ec2/getInstances:getInstances": instances,
        "aws:ec2/getInstanceTypes:getInstanceTypes": instance_types,
        "aws:ec2/getAmi:getAmi": image,
    }
    return {token: reported(token, look) for token, look in looks.items()}


def instances(session: Session, inputs: Properties) -> Properties:
    """Those with all the tags; without other words only running ones."""
    states = inputs.get("instanceStateNames") or ["running"]
    filters = [{"Name": f"tag:{key}", "Values": [value]} for key, value in inputs.get("instanceTags", {}).items()]
    pages = session.ec2.get_paginator("describe_instances").paginate(
        Filters=[*filters, {"Name": "instance-state-name", "Values": states}]
    )
    found = [instance for page in pages for group in page["Reservations"] for instance in group["Instances"]]
    return {
        "id": session.region,
        "ids": [instance["InstanceId"] for instance in found],
        "instanceStateNames": states,
        "instanceTags": inputs.get("instanceTags", {}),
        "ipv6Addresses": [],
        "privateIps": [instance.get("PrivateIpAddress", "") for instance in found],
        "publicIps": [instance["PublicIpAddress"] for instance in found if instance.get("PublicIpAddress")],
        "region": session.region,
    }


def networks(session: Session, inputs: Properties) -> Properties:
    """Those with all the tags."""
    filters = [{"Name": f"tag:{key}", "Values": [value]} for key, value in (inputs.get("tags") or {}).items()]
    pages = session.ec2.get_paginator("describe_vpcs").paginate(Filters=[*filters, *_filters(inputs)])
    found = [one["VpcId"] for page in pages for one in page["Vpcs"]]
    return {"id": session.region, "ids": found, "tags": inputs.get("tags", {}), "region": session.region}


def instance_types(session: Session, inputs: Properties) -> Properties:
    pages = session.ec2.get_paginator("describe_instance_types").paginate(Filters=_filters(inputs))
    found = [one["InstanceType"] for page in pages for one in page["InstanceTypes"]]
    return {"id": session.region, "instanceTypes": found, "filters": inputs.get("filters"), "region": session.region}


def image(session: Session, inputs: Properties) -> Properties:
    """The only image that there is."""
    found = session.ec2.describe_images(Filters=_filters(inputs))["Images"]
    if len(found) != 1:
        raise PluginError(f"Your query returned {len(found) or 'no'} results. Please change your search criteria")
    return {
        "id": found[0]["ImageId"],
        "imageId": found[0]["ImageId"],
        "architecture": found[0]["Architecture"],
        "filters": inputs.get("filters"),
        "region": session.region,
    }


def _filters(inputs: Properties) -> list[Properties]:
    return [{"Name": one["name"], "Values": one["values"]} for one in inputs.get("filters") or ()]


def parameter(session: Session, inputs: Properties) -> Properties:
    decrypt = inputs.get("withDecryption", True)
    found = session.client("ssm").get_parameter(Name=inputs["name"], WithDecryption=decrypt)["Parameter"]
    is_secret = found["Type"] == "SecureString"
    return {
        "arn": found["ARN"],
        "id": found["Name"],
        "name": found["Name"],
        "type": found["Type"],
        "value": found["Value"],
        "insecureValue": "" if is_secret else found["Value"],
        "version": found["Version"],
        "withDecryption": decrypt,
        "region": session.region,
    }
