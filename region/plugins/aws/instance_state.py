"""An instance's properties as the API shows them, and the arguments it is launched with."""

import base64

from region.plugins.aws.calls import unless_missing
from region.plugins.aws.properties import arguments, tags_of
from region.plugins.aws.session import Session
from region.plugins.base import Properties

LAUNCH = {"ami": "ImageId", "instanceType": "InstanceType", "keyName": "KeyName", "ebsOptimized": "EbsOptimized"} | {
    "disableApiTermination": "DisableApiTermination",
    "disableApiStop": "DisableApiStop",
    "instanceInitiatedShutdownBehavior": "InstanceInitiatedShutdownBehavior",
}
METADATA = {
    "httpEndpoint": "HttpEndpoint",
    "httpProtocolIpv6": "HttpProtocolIpv6",
    "httpPutResponseHopLimit": "HttpPutResponseHopLimit",
    "httpTokens": "HttpTokens",
    "instanceMetadataTags": "InstanceMetadataTags",
}


def launch(inputs: Properties) -> Properties:
    """Arguments of RunInstances, without block devices and tags."""
    given = arguments(inputs, LAUNCH)
    place = arguments(inputs, {"subnetId": "SubnetId", "privateIp": "PrivateIpAddress"})
    groups = inputs.get("vpcSecurityGroupIds")
    if "associatePublicIpAddress" in inputs:
        interface = place | {"DeviceIndex": 0, "AssociatePublicIpAddress": inputs["associatePublicIpAddress"]}
        given["NetworkInterfaces"] = [interface | ({"Groups": groups} if groups else {})]
    else:
        given |= place | ({"SecurityGroupIds": groups} if groups else {})
    if "userData" in inputs or "userDataBase64" in inputs:
        given["UserData"] = user_data(inputs).decode()
    placement = arguments(inputs, {"availabilityZone": "AvailabilityZone", "tenancy": "Tenancy"})
    blocks = {
        "Placement": placement,
        "Monitoring": {"Enabled": True} if inputs.get("monitoring") else None,
        "MetadataOptions": arguments(inputs.get("metadataOptions") or {}, METADATA),
        "InstanceMarketOptions": arguments(inputs.get("instanceMarketOptions") or {}, {"marketType": "MarketType"}),
        "CreditSpecification": arguments(inputs.get("creditSpecification") or {}, {"cpuCredits": "CpuCredits"}),
    }
    return given | {name: block for name, block in blocks.items() if block}


def user_data(inputs: Properties) -> bytes:
    """As given, before the encoding that boto3 does itself."""
    if inputs.get("userDataBase64"):
        return base64.b64decode(inputs["userDataBase64"])
    return (inputs.get("userData") or "").encode()


def find(session: Session, id: str) -> Properties | None:
    answer = unless_missing(lambda: session.ec2.describe_instances(InstanceIds=[id]))
    found = [instance for of in (answer or {}).get("Reservations", ()) for instance in of["Instances"]]
    return found[0] if found else None


def root_volume(instance: Properties) -> str:
    """The id of the volume at the root device's name, "" when there is none."""
    for mapping in instance.get("BlockDeviceMappings") or ():
        if mapping["DeviceName"] == instance.get("RootDeviceName"):
            return mapping["Ebs"]["VolumeId"]
    return ""


def volumes_of(instance: Properties) -> list[str]:
    return [mapping["Ebs"]["VolumeId"] for mapping in instance.get("BlockDeviceMappings") or ()]


def properties(session: Session, instance: Properties, before: Properties) -> Properties:
    id = instance["InstanceId"]
    interface = next((nic for nic in instance.get("NetworkInterfaces") or ()), {})
    groups = interface.get("Groups") or instance.get("SecurityGroups") or []
    options = instance.get("MetadataOptions") or {}
    public = instance.get("PublicIpAddress") or ""
    return {
        "arn": session.arn("ec2", f"instance/{id}"),
        "ami": instance["ImageId"],
        "instanceType": instance["InstanceType"],
        "instanceState": instance["State"]["Name"],
        "availabilityZone": instance["Placement"]["AvailabilityZone"],
        "tenancy": instance["Placement"].get("Tenancy", "default"),
        "placementGroup": instance["Placement"].get("GroupName") or "",
        "subnetId": instance.get("SubnetId") or "",
        "keyName": instance.get("KeyName") or "",
        "primaryNetworkInterfaceId": interface.get("NetworkInterfaceId") or "",
        "privateIp": instance.get("PrivateIpAddress") or "",
        "privateDns": instance.get("PrivateDnsName") or "",
        "publicIp": public,
        "publicDns": (instance.get("PublicDnsName") or "") if public else "",
        "associatePublicIpAddress": bool(interface.get("Association")),  # an elastic one counts, as for the real one
        "secondaryPrivateIps": [],
        "securityGroups": [],
        "vpcSecurityGroupIds": sorted({group["GroupId"] for group in groups}),
        "sourceDestCheck": instance.get("SourceDestCheck", True),
        "ebsOptimized": instance.get("EbsOptimized", False),
        "monitoring": instance.get("Monitoring", {}).get("State") in ("enabled", "pending"),
        "iamInstanceProfile": (instance.get("IamInstanceProfile") or {}).get("Arn", "").rsplit("/", 1)[-1],
        "outpostArn": "",
        "metadataOptions": {name: options[key] for name, key in METADATA.items() if key in options},
        "creditSpecification": _credits(session, instance),
        "rootBlockDevice": _root_device(session, instance),
        **({"volumeTags": _volume_tags(session, instance)} if before.get("volumeTags") else {}),
        **_attributes(session, id, before),
        "tags": tags_of(instance.get("Tags")),
    }


def _credits(session: Session, instance: Properties) -> Properties | None:
    if not instance["InstanceType"].startswith("t"):
        return None
    answer = session.ec2.describe_instance_credit_specifications(InstanceIds=[instance["InstanceId"]])
    return {"cpuCredits": answer["InstanceCreditSpecifications"][0]["CpuCredits"]}


def _root_device(session: Session, instance: Properties) -> Properties | None:
    id = root_volume(instance)
    if not id:
        return None
    volume = session.ec2.describe_volumes(VolumeIds=[id])["Volumes"][0]
    mapping = next(m for m in instance["BlockDeviceMappings"] if m["Ebs"]["VolumeId"] == id)
    return {
        "deviceName": instance["RootDeviceName"],
        "volumeId": id,
        "volumeSize": volume["Size"],
        "volumeType": volume["VolumeType"],
        "encrypted": volume["Encrypted"],
        "kmsKeyId": volume.get("KmsKeyId") or "",
        "deleteOnTermination": mapping["Ebs"].get("DeleteOnTermination", True),
        **{name: volume[key] for name, key in {"iops": "Iops", "throughput": "Throughput"}.items() if volume.get(key)},
        "tags": tags_of(volume.get("Tags")),
    }


def _volume_tags(session: Session, instance: Properties) -> dict[str, str]:
    volumes = session.ec2.describe_volumes(VolumeIds=volumes_of(instance))["Volumes"]
    return {key: value for volume in volumes for key, value in tags_of(volume.get("Tags")).items()}


def _attributes(session: Session, id: str, before: Properties) -> Properties:
    def ask(name: str) -> Properties:
        answer = session.ec2.describe_instance_attribute(InstanceId=id, Attribute=name)
        return answer.get(name[0].upper() + name[1:]) or {}

    encoded = ask("userData").get("Value") or ""
    as_text = {"userDataBase64": encoded} if "userDataBase64" in before else {"userData": _decoded(encoded)}
    return as_text | {
        "disableApiTermination": ask("disableApiTermination").get("Value", False),
        "disableApiStop": ask("disableApiStop").get("Value", False),
        "instanceInitiatedShutdownBehavior": ask("instanceInitiatedShutdownBehavior").get("Value", "stop"),
        **{name: before.get(name, False) for name in ("userDataReplaceOnChange", "getPasswordData", "forceDestroy")},
    }


def _decoded(encoded: str) -> str:
    return base64.b64decode(encoded).decode("utf-8", errors="replace")
