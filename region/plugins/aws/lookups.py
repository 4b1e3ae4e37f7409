"""Functions: what a program asks the API without making anything."""

import re
from collections.abc import Callable, Mapping

from region.plugins.aws import calls
from region.plugins.aws.properties import arguments, tags_of
from region.plugins.aws.session import Session
from region.plugins.base import PluginError, Properties

Function = Callable[[Properties], Properties]


def functions(session: Session) -> Mapping[str, Function]:
    """By token, each with its errors told as the provider does."""
    known: dict[str, Callable[[Session, Properties], Properties]] = {
        "aws:ssm/getParameter:getParameter": parameter,
        "aws:ec2/getAmi:getAmi": image,
        "aws:index/getAvailabilityZones:getAvailabilityZones": availability_zones,
        "aws:index/getCallerIdentity:getCallerIdentity": caller_identity,
        "aws:index/getRegion:getRegion": region,
    }

    def bound(token: str, function: Callable[[Session, Properties], Properties]) -> Function:
        def call(inputs: Properties) -> Properties:
            with calls.reported(f"invocation of {token} returned an error"):
                return function(session, {key: value for key, value in inputs.items() if value is not None})

        return call

    return {token: bound(token, function) for token, function in known.items()}


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


def image(session: Session, inputs: Properties) -> Properties:
    names = {"owners": "Owners", "executableUsers": "ExecutableUsers", "includeDeprecated": "IncludeDeprecated"}
    filters = [{"Name": one["name"], "Values": one["values"]} for one in inputs.get("filters") or ()]
    answer = session.ec2.describe_images(**arguments(inputs, names), **({"Filters": filters} if filters else {}))
    images = [one for one in answer["Images"] if re.search(inputs.get("nameRegex") or "", one.get("Name", ""))]
    if not images:
        raise PluginError("Your query returned no results. Please change your search criteria and try again.")
    if len(images) > 1 and not inputs.get("mostRecent"):
        raise PluginError(
            "Your query returned more than one result. Please try a more specific search criteria, "
            "or set `most_recent` attribute to true."
        )
    newest = max(images, key=lambda one: one["CreationDate"])
    names = {
        "architecture": "Architecture",
        "creationDate": "CreationDate",
        "description": "Description",
        "hypervisor": "Hypervisor",
        "imageId": "ImageId",
        "imageLocation": "ImageLocation",
        "imageOwnerAlias": "ImageOwnerAlias",
        "imageType": "ImageType",
        "name": "Name",
        "ownerId": "OwnerId",
        "platformDetails": "PlatformDetails",
        "public": "Public",
        "rootDeviceName": "RootDeviceName",
        "rootDeviceType": "RootDeviceType",
        "state": "State",
        "virtualizationType": "VirtualizationType",
    }
    return {
        **inputs,
        **{name: newest.get(key, "") for name, key in names.items()},
        "arn": f"arn:aws:ec2:{session.region}::image/{newest['ImageId']}",
        "id": newest["ImageId"],
        "tags": tags_of(newest.get("Tags")),
        "blockDeviceMappings": [],
        "productCodes": [],
        "region": session.region,
    }


def availability_zones(session: Session, inputs: Properties) -> Properties:
    filters = [{"Name": one["name"], "Values": one["values"]} for one in inputs.get("filters") or ()]
    if inputs.get("state"):
        filters.append({"Name": "state", "Values": [inputs["state"]]})
    zones = session.ec2.describe_availability_zones(**({"Filters": filters} if filters else {}))["AvailabilityZones"]
    excluded = {*(inputs.get("excludeNames") or ()), *(inputs.get("excludeZoneIds") or ())}
    kept = sorted(
        (zone for zone in zones if not {zone["ZoneName"], zone["ZoneId"]} & excluded), key=lambda zone: zone["ZoneName"]
    )
    return {
        **inputs,
        "id": session.region,
        "names": [zone["ZoneName"] for zone in kept],
        "zoneIds": [zone["ZoneId"] for zone in kept],
        "groupNames": sorted({zone.get("GroupName", session.region) for zone in kept}),
        "region": session.region,
    }


def caller_identity(session: Session, inputs: Properties) -> Properties:
    found = session.client("sts").get_caller_identity()
    return {"accountId": found["Account"], "arn": found["Arn"], "id": found["Account"], "userId": found["UserId"]}


def region(session: Session, inputs: Properties) -> Properties:
    name = session.region
    endpoint = f"ec2.{name}.amazonaws.com"
    described = {"us-east-1": "US East (N. Virginia)"}.get(name, name)
    return {"id": name, "name": name, "region": name, "endpoint": endpoint, "description": described}
