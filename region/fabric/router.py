"""A VPC's router: a namespace between the VPC's hosts and the internet, holding gateways, resolver and balancers."""

import json

from region.cloud.world import Vpc
from region.fabric import firewall, namespaces
from region.fabric.namespaces import GATEWAY_ADDRESS, INTERNET, NamespaceError

OUTER_ADDRESS = "169.254.255.1"
"""The router's own end of the link out; every VPC has the same, since it means something on that link only."""


def namespace(vpc_id: str) -> str:
    return f"{namespaces.PREFIX}{vpc_id}"


def vpc_ids() -> set[str]:
    """The VPCs that have a router now."""
    return {name.removeprefix(namespaces.PREFIX) for name in namespaces.names() if name.startswith(namespace("vpc-"))}


def create(vpc_id: str) -> None:
    """Make the namespace and its link to the internet, closed to everything until rules are loaded. Idempotent."""
    router, outer = namespace(vpc_id), _outer_link(vpc_id)
    namespaces.create(router)
    if not _has_link(INTERNET, outer):
        namespaces.run_in(router, ["nft", "-f", "-"], CLOSED)
        _batch(INTERNET, [f"link add {outer} type veth peer name {firewall.OUTSIDE} netns {router}"])
    namespaces.set_sysctls(
        router,
        {
            "net.ipv4.ip_forward": "1",
            "net.ipv4.conf.all.rp_filter": "0",
            "net.ipv4.conf.default.rp_filter": "0",
            "net.ipv4.conf.all.send_redirects": "0",
            "net.ipv4.conf.default.send_redirects": "0",
        },
    )
    _batch(
        router,
        [
            f"link set {firewall.OUTSIDE} up",
            f"address replace {OUTER_ADDRESS}/32 dev {firewall.OUTSIDE}",
            f"route replace default via {GATEWAY_ADDRESS} dev {firewall.OUTSIDE} onlink",
        ],
    )
    _batch(INTERNET, [f"link set {outer} up"])


def update(vpc: Vpc) -> None:
    """Give the router the addresses that are its own, and the internet the routes to the VPC's public addresses."""
    wanted = {vpc.resolver, *(subnet.gateway for subnet in vpc.subnets)}
    wanted |= {address.address for balancer in vpc.balancers for address in balancer.addresses}
    router, outer = namespace(vpc.vpc_id), _outer_link(vpc.vpc_id)
    _batch(router, _difference("address", "dev lo", _own_addresses(router), wanted))
    public = {*vpc.public_addresses(), *vpc.nat_addresses()}
    _batch(INTERNET, _difference("route", f"via {OUTER_ADDRESS} dev {outer} onlink", _routes(outer), public))


def load(vpc_id: str, rules: str) -> None:
    """Replace the router's packet rules in one transaction. Raises NamespaceError with what nft said."""
    namespaces.run_in(namespace(vpc_id), ["nft", "-f", "-"], rules)


def delete(vpc_id: str) -> None:
    if _has_link(INTERNET, _outer_link(vpc_id)):
        _batch(INTERNET, [f"link delete {_outer_link(vpc_id)}"])
    namespaces.delete(namespace(vpc_id))


CLOSED = f"""table ip {firewall.TABLE} {{
  chain forwarded {{
    type filter hook forward priority 0; policy drop;
  }}
}}
"""


def _outer_link(vpc_id: str) -> str:
    return f"v{vpc_id[-13:]}"


def _has_link(name: str, link: str) -> bool:
    try:
        namespaces.run_in(name, ["ip", "link", "show", "dev", link])
    except NamespaceError:
        return False
    return True


def _own_addresses(router: str) -> set[str]:
    (lo,) = json.loads(namespaces.run_in(router, ["ip", "-j", "-4", "address", "show", "dev", "lo"]))
    return {info["local"] for info in lo["addr_info"] if info["prefixlen"] == 32}


def _routes(outer: str) -> set[str]:
    routes = json.loads(namespaces.run_in(INTERNET, ["ip", "-j", "-4", "route", "show", "dev", outer]))
    return {route["dst"].removesuffix("/32") for route in routes}


def _difference(what: str, where: str, present: set[str], wanted: set[str]) -> list[str]:
    add = [f"{what} replace {address}/32 {where}" for address in sorted(wanted - present)]
    return add + [f"{what} delete {address}/32 {where.removesuffix(' onlink')}" for address in sorted(present - wanted)]


def _batch(name: str, commands: list[str]) -> None:
    if commands:
        namespaces.run_in(name, ["ip", "-batch", "-"], "\n".join(commands) + "\n")
