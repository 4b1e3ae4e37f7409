"""The command `etcd-health` on a host, and the members that it asks about."""

from collections.abc import Sequence

import pulumi

from components.host.node import Node, by_name
from components.host.script import read_script
from components.host.step import NodeFile

CLIENT_PORT = 2379


def client_url(node: Node) -> pulumi.Output[str]:
    """Where clients reach the member on this machine."""
    return pulumi.Output.format("https://{0}:{1}", node.address, CLIENT_PORT)


def health_files(members: Sequence[Node]) -> list[NodeFile]:
    """What makes `sudo etcd-health` answer on a host, be it a member or one that only has a client's certificate."""
    settings = pulumi.Output.format('MEMBERS="{0}"\n', by_name(members, client_url))
    return [
        NodeFile(path="/usr/local/sbin/etcd-health", content=read_script("etcd/etcd-health"), mode="0755"),
        NodeFile(path="/etc/default/etcd-health", content=settings),
    ]
