"""Whether the others can do without a machine, asked before what it is made of changes."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from components.host.chain import Chain
from components.host.node import Node
from components.host.step import remote_step


@dataclass(frozen=True, kw_only=True)
class Peers:
    """A machine's etcd member and the others' (client URLs), with certificates in `pki`; the other masters' servers."""

    pki: str = ""
    member: pulumi.Input[str] = ""
    other_members: pulumi.Input[str] = ""
    other_api_servers: pulumi.Input[str] = ""


def ask_peers(
    name: str, node: Node, peers: Peers, chain: Chain, *, founded: bool, after: pulumi.Resource, parent: pulumi.Resource
) -> None:
    """A step on `node` that fails when the others cannot do without it; `chain` lets it change when that is done.

    It knows nothing of the machine's identity, since it comes before that may change; what the machine is made of, it
    finds noted there. While the cluster is born, and where the machine is gone, it comes `after` all is well.
    """
    is_first = founded and not chain.is_gone(node.name)
    waits: pulumi.Input[Sequence[pulumi.Resource]] = chain.turn_of_peers(node.name) if is_first else [after]
    step = remote_step(
        name,
        node,
        "host/spare-machine.sh",
        settings={
            "NODE_NAME": node.name,
            "WANTED": node.wanted,
            "ETCD_PKI": peers.pki,
            "MEMBER": peers.member,
            "OTHER_MEMBERS": peers.other_members,
            "OTHER_API_SERVERS": peers.other_api_servers,
        },
        libraries=["lib/etcd-client.sh"],
        triggers=(),
        opts=pulumi.ResourceOptions(parent=parent, depends_on=waits),
    )
    chain.may_change(node.name, step)
