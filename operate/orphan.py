"""An orphan: something that AWS has of a cluster and the stack's state does not know."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What can be an orphan, in the order in which it can be deleted."""

    LISTENER = "listener"
    LOAD_BALANCER = "load balancer"
    TARGET_GROUP = "target group"
    INSTANCE = "instance"
    NAT_GATEWAY = "NAT gateway"
    ADDRESS = "elastic address"
    SECURITY_GROUP_RULE = "security group rule"
    SECURITY_GROUP = "security group"
    ROUTE = "route"
    ROUTE_TABLE_ASSOCIATION = "route table association"
    ROUTE_TABLE = "route table"
    RESERVATION = "subnet reservation"
    SUBNET = "subnet"
    INTERNET_GATEWAY = "internet gateway"
    RECORD = "record"
    HOSTED_ZONE = "hosted zone"
    VPC = "VPC"


TAGGED = "it carries the cluster's tag and is in no state"
INTERRUPTED = "its creation was interrupted"


@dataclass(frozen=True, kw_only=True)
class Orphan:
    """`parent` is what it is part of, for a kind whose id does not say it."""

    kind: Kind
    identity: str
    name: str
    why: str
    parent: str = ""


def in_order(orphans: Iterable[Orphan]) -> list[Orphan]:
    """As they can be deleted one after the other."""
    kinds = list(Kind)
    return sorted(orphans, key=lambda orphan: (kinds.index(orphan.kind), orphan.name, orphan.identity))
