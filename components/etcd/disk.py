"""Whether a disk is fast enough for an etcd member: measured before the member starts, and told to the operator."""

import pulumi

from components.host.node import Node
from components.host.step import remote_step
from settings.values import EtcdSettings


def measure_disk(
    etcd: str, node: Node, settings: EtcdSettings, after: pulumi.Resource, parent: pulumi.Resource
) -> pulumi.Resource:
    """Measure, for a second at most, how long the data directory's disk takes to make a write safe.

    Slow is a warning and no failure: etcd works on it, with elections whenever the disk takes longer than its patience.
    """
    return remote_step(
        f"{etcd}-disk-{node.name}",
        node,
        "etcd/measure-disk.sh",
        settings={
            "HEARTBEAT_MILLISECONDS": str(settings.heartbeat_milliseconds),
            "ELECTION_MILLISECONDS": str(settings.election_milliseconds),
        },
        opts=pulumi.ResourceOptions(parent=parent, depends_on=[after]),
    )
