"""The pinned host keys of a cluster as OpenSSH's known_hosts."""

from collections.abc import Sequence

import pulumi

from components.host.node import Node


def known_hosts(bastion: Node, bastion_address: pulumi.Input[str], nodes: Sequence[Node]) -> pulumi.Output[str]:
    """A line for each machine, by its name and by the address that it is reached at."""
    machines = [(bastion, bastion_address), *((node, node.address) for node in nodes)]
    lines = [pulumi.Output.format("{0},{1} {2}\n", node.name, address, node.host_key) for node, address in machines]
    return pulumi.Output.concat(*lines)
