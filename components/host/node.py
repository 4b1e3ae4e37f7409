"""The plain value that stands for one machine, whatever it is made of."""

from dataclasses import dataclass

import pulumi
from pulumi_command.remote import ConnectionArgs


@dataclass(frozen=True, kw_only=True)
class Node:
    """A machine that steps can be run on.

    `name` is its host name and the name of its Kubernetes Node, `address` its private address, `identity` changes
    exactly when the machine becomes another one, `connection` is complete (user, keys, proxy).
    """

    name: str
    address: pulumi.Input[str]
    zone: str
    connection: pulumi.Input[ConnectionArgs]
    identity: pulumi.Output[str]
    machine: pulumi.Resource
    host_key: pulumi.Output[str]
