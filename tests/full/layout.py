"""The machines of the full tier's clusters: three masters, one worker, and three for etcd where they are dedicated."""

from collections.abc import Mapping

from tests.e2e.cluster import Cluster

MASTERS = ("master-0", "master-1", "master-2")
WORKER = "worker-0"
ETCD_MACHINES = ("etcd-0", "etcd-1", "etcd-2")

STACKS = ("local", "local-dedicated-systemd", "local-dedicated-static-pods", "local-stacked")
DEDICATED = STACKS[1:3]
STATIC_PODS = STACKS[2:3]
STACKED = STACKS[3]
UPLOADED = STACKS[2:4]
"""In their second lives masters get what they share by an upload: one external etcd, and one that is not."""


END_BASTION = """
import boto3, sys
named = [{"Name": "tag:Name", "Values": sys.argv[1:]}, {"Name": "instance-state-name", "Values": ["running"]}]
[found] = boto3.client("ec2").describe_instances(Filters=named)["Reservations"]
boto3.client("ec2").terminate_instances(InstanceIds=[one["InstanceId"] for one in found["Instances"]])
"""


def members(cluster: Cluster) -> tuple[str, ...]:
    """The machines that etcd runs on."""
    return ETCD_MACHINES if cluster.stack in DEDICATED else MASTERS


def machines(cluster: Cluster) -> tuple[str, ...]:
    """All of them but the bastion."""
    return (*MASTERS, WORKER, *(ETCD_MACHINES if cluster.stack in DEDICATED else ()))


def addresses(cluster: Cluster) -> Mapping[str, str]:
    return {node["name"]: node["address"] for node in cluster.outputs()["nodes"]}


def instances(cluster: Cluster) -> Mapping[str, str]:
    """The machines' instance ids, by their names."""
    return {node["name"]: node["machine"] for node in cluster.outputs()["nodes"]}


def change_instances(cluster: Cluster, how: str, *names: str) -> None:
    """Terminate or stop these machines behind the program's back."""
    known = instances(cluster)
    cluster.change_instances(how, *(known[name] for name in names))


def end_bastion(cluster: Cluster) -> None:
    """Terminate the bastion behind the program's back."""
    cluster.place("python", "-c", END_BASTION, f"{cluster.name}-bastion")
