"""EC2 instances."""

import base64
from collections.abc import Callable

from region.plugins.aws import instance_state
from region.plugins.aws.calls import wait_until
from region.plugins.aws.properties import arguments, names, tag_list, tag_specifications
from region.plugins.aws.resource import AwsResource
from region.plugins.base import Call, Properties

SECONDS = 600
STOPPED = ("instanceType", "userData", "userDataBase64")
"""What AWS changes only while the instance is stopped."""
ATTRIBUTES = {
    "sourceDestCheck": ("SourceDestCheck", True),
    "disableApiTermination": ("DisableApiTermination", True),
    "disableApiStop": ("DisableApiStop", True),
    "instanceInitiatedShutdownBehavior": ("InstanceInitiatedShutdownBehavior", True),
    "vpcSecurityGroupIds": ("Groups", False),
    "instanceType": ("InstanceType", True),
}
"""Input: the argument of ModifyInstanceAttribute, and whether the value is wrapped."""


class Instance(AwsResource):
    token = "aws:ec2/instance:Instance"
    replace_on = names(
        "ami associatePublicIpAddress availabilityZone ebsOptimized keyName privateIp rootBlockDevice.encrypted "
        "rootBlockDevice.kmsKeyId subnetId tenancy instanceMarketOptions"
    )
    changeable = names(
        "creditSpecification metadataOptions monitoring rootBlockDevice userDataReplaceOnChange "
        "volumeTags getPasswordData forceDestroy"
    ) | frozenset({*ATTRIBUTES, "userData", "userDataBase64"})
    defaults = {  # noqa: RUF012
        "sourceDestCheck": True,
        "userDataReplaceOnChange": False,
        "getPasswordData": False,
        "forceDestroy": False,
    }
    outputs = names(
        "ami arn associatePublicIpAddress availabilityZone disableApiStop disableApiTermination ebsOptimized "
        "iamInstanceProfile instanceInitiatedShutdownBehavior instanceState instanceType keyName metadataOptions "
        "monitoring outpostArn placementGroup primaryNetworkInterfaceId privateDns privateIp publicDns publicIp "
        "region rootBlockDevice secondaryPrivateIps securityGroups subnetId tagsAll tenancy userData userDataBase64 "
        "vpcSecurityGroupIds"
    )

    def filled(self, inputs: Properties) -> Properties:
        device = inputs.get("rootBlockDevice")
        device = {"rootBlockDevice": {"deleteOnTermination": True} | device} if isinstance(device, dict) else {}
        return {**self.defaults, **inputs, **device}

    def replacing(self, old: Properties, new: Properties) -> frozenset[str]:
        data = {"userData", "userDataBase64"} if new.get("userDataReplaceOnChange") else set()
        return self.replace_on | data

    def faults(self, inputs: Properties) -> list[str]:
        missing = [name for name in ("ami", "instanceType") if name not in inputs]
        both = "userData" in inputs and "userDataBase64" in inputs
        faults = [f'one of "{name}" or "launch_template" must be specified' for name in missing]
        return [*faults, *(['"user_data": conflicts with user_data_base64'] if both else [])]

    def make(self, call: Call, inputs: Properties) -> str:
        given = instance_state.launch(inputs)
        tags = [*tag_specifications("instance", inputs).get("TagSpecifications", [])]
        device = inputs.get("rootBlockDevice") or {}
        volume_tags = inputs.get("volumeTags") or device.get("tags")
        if volume_tags:
            tags.append({"ResourceType": "volume", "Tags": tag_list(volume_tags)})
        if device:
            given["BlockDeviceMappings"] = [self._root(inputs["ami"], device)]
        answer = self.session.ec2.run_instances(
            MinCount=1, MaxCount=1, **given, **({"TagSpecifications": tags} if tags else {})
        )
        return answer["Instances"][0]["InstanceId"]

    def settle(self, call: Call, id: str, inputs: Properties) -> None:
        wait_until(f"instance {id}", self._state(id), ["running"], call.timeout_seconds or SECONDS)
        if inputs.get("sourceDestCheck") is False:
            self._set(id, "sourceDestCheck", False)

    def look(self, id: str, before: Properties) -> Properties | None:
        found = instance_state.find(self.session, id)
        if found is None or found["State"]["Name"] == "terminated":
            return None
        return instance_state.properties(self.session, found, before)

    def change(self, call: Call, id: str, old: Properties, new: Properties, changed: set[str]) -> None:
        ec2 = self.session.ec2
        for name in sorted(changed & ATTRIBUTES.keys() - set(STOPPED)):
            self._set(id, name, new[name])
        if "monitoring" in changed:
            (ec2.monitor_instances if new.get("monitoring") else ec2.unmonitor_instances)(InstanceIds=[id])
        if "metadataOptions" in changed:
            ec2.modify_instance_metadata_options(
                InstanceId=id, **arguments(new["metadataOptions"], instance_state.METADATA)
            )
        if "creditSpecification" in changed:
            credits = (new.get("creditSpecification") or {}).get("cpuCredits", "standard")
            ec2.modify_instance_credit_specification(
                InstanceCreditSpecifications=[{"InstanceId": id, "CpuCredits": credits}]
            )
        if changed & {"rootBlockDevice", "volumeTags"}:
            self._change_volumes(id, old, new)
        if changed & set(STOPPED):
            self._change_stopped(call, id, new, changed)

    def end(self, call: Call, id: str, state: Properties) -> None:
        ec2 = self.session.ec2
        if state.get("forceDestroy"):
            for name in ("disableApiTermination", "disableApiStop"):
                self._set(id, name, False)
        ec2.terminate_instances(InstanceIds=[id])
        wait_until(f"instance {id}", self._state(id), ["terminated", ""], call.timeout_seconds or SECONDS)

    def _change_stopped(self, call: Call, id: str, new: Properties, changed: set[str]) -> None:
        """Stop, change, start: public addresses that are not elastic change with it."""
        seconds = call.timeout_seconds or SECONDS
        ec2 = self.session.ec2
        ec2.stop_instances(InstanceIds=[id])
        wait_until(f"instance {id}", self._state(id), ["stopped"], seconds)
        for name in sorted(changed & ATTRIBUTES.keys() & set(STOPPED)):
            self._set(id, name, new[name])
        if changed & {"userData", "userDataBase64"}:
            encoded = base64.b64encode(instance_state.user_data(new)).decode()
            ec2.modify_instance_attribute(InstanceId=id, Attribute="userData", Value=encoded)
        ec2.start_instances(InstanceIds=[id])
        wait_until(f"instance {id}", self._state(id), ["running"], seconds)

    def _change_volumes(self, id: str, old: Properties, new: Properties) -> None:
        ec2 = self.session.ec2
        found = instance_state.find(self.session, id) or {}
        root = instance_state.root_volume(found)
        before, after = (of.get("rootBlockDevice") or {} for of in (old, new))
        names = {"volumeSize": "Size", "volumeType": "VolumeType", "iops": "Iops", "throughput": "Throughput"}
        given = {name: value for name, value in after.items() if name in names and before.get(name) != value}
        if given:
            ec2.modify_volume(VolumeId=root, **arguments(given, names))
        if "tags" in after:
            self._tag([root], before.get("tags") or {}, after["tags"] or {})
        else:
            self._tag(instance_state.volumes_of(found), old.get("volumeTags") or {}, new.get("volumeTags") or {})
        if after.get("deleteOnTermination") != before.get("deleteOnTermination"):
            ebs = {"DeviceName": found["RootDeviceName"], "Ebs": {"DeleteOnTermination": after["deleteOnTermination"]}}
            ec2.modify_instance_attribute(InstanceId=id, BlockDeviceMappings=[ebs])

    def _tag(self, volumes: list[str], old: Properties, new: Properties) -> None:
        for volume in volumes if old != new else ():
            self.retag(volume, sorted(old.keys() - new.keys()), new)

    def _root(self, image: str, device: Properties) -> Properties:
        names = {
            "volumeSize": "VolumeSize",
            "volumeType": "VolumeType",
            "encrypted": "Encrypted",
            "kmsKeyId": "KmsKeyId",
            "iops": "Iops",
            "throughput": "Throughput",
            "deleteOnTermination": "DeleteOnTermination",
        }
        found = self.session.ec2.describe_images(ImageIds=[image])["Images"]
        return {"DeviceName": found[0]["RootDeviceName"], "Ebs": arguments(device, names)}

    def _set(self, id: str, name: str, value: object) -> None:
        argument, is_wrapped = ATTRIBUTES[name]
        given = {argument: {"Value": value} if is_wrapped else value}
        self.session.ec2.modify_instance_attribute(InstanceId=id, **given)
        if name == "vpcSecurityGroupIds":  # to AWS the same; moto keeps an instance's groups and its interface's apart
            nic = (instance_state.find(self.session, id) or {})["NetworkInterfaces"][0]["NetworkInterfaceId"]
            self.session.ec2.modify_network_interface_attribute(NetworkInterfaceId=nic, **given)

    def _state(self, id: str) -> Callable[[], str]:
        def look() -> str:
            found = instance_state.find(self.session, id)
            return found["State"]["Name"] if found else ""

        return look
