"""The plain value that stands for one machine, whatever it is made of."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_command.remote import ConnectionArgs

from settings.values import WorkerPool


@dataclass(frozen=True, kw_only=True)
class Node:
    """A machine that steps can be run on.

    `name` is its host name and the name of its Kubernetes Node, `address` its private address, `identity` changes
    exactly when the machine becomes another one, `connection` is complete (user, keys, proxy). `made_of` changes when
    the machine was stopped: with its type, and when it had to be started. `running` is when it is. `wanted` is
    what a change of which stops or replaces the machine, known before that is done. `pool` is that of a worker.
    """

    name: str
    address: pulumi.Input[str]
    zone: str
    connection: pulumi.Input[ConnectionArgs]
    identity: pulumi.Output[str]
    made_of: str
    wanted: str
    machine: pulumi.Resource
    running: pulumi.Resource
    host_key: pulumi.Output[str]
    pool: WorkerPool | None = None


def by_name(nodes: Sequence[Node], value: Callable[[Node], pulumi.Input[str]], by: str = " ") -> pulumi.Output[str]:
    """`name=value` of each node, `by` between them, as scripts take them."""
    return pulumi.Output.all(*(pulumi.Output.concat(node.name, "=", value(node)) for node in nodes)).apply(by.join)
