"""One VPC's packet rules as nftables text: security groups, public addresses, NAT gateways. Pure.

Every packet between hosts, and between hosts and the outside, crosses the router's `forward` hook. The balancers'
addresses are the router's own, so their traffic crosses `input` and `output`. In each of them a new connection must
first pass the egress rules of what it comes from, then the ingress rules of what it goes to; what neither knows is
dropped. Answers pass by connection tracking. As on AWS, groups named by a rule match private addresses only, and a
balancer without groups takes everything.
"""

from collections.abc import Container, Iterable, Iterator, Mapping

from region.cloud.world import Rule, SecurityGroup, Vpc

TABLE = "region"
OUTSIDE = "internet"
"""The router's link out of the VPC."""
ANYWHERE = "0.0.0.0/0"


def render(vpc: Vpc) -> str:
    """The whole table; loading it replaces the one before in one transaction."""
    known = {group.group_id for group in vpc.groups}
    members = _members(vpc)
    lines = [
        f"table ip {TABLE}",
        f"delete table ip {TABLE}",
        f"table ip {TABLE} {{",
        *_group_sets(vpc.groups, members),
        *(line for group in vpc.groups for line in _group_chains(group, known)),
        *(line for address, groups in sorted(members.items()) for line in _member_chains(address, groups)),
        *_directions(vpc, members),
        *_hooks(vpc),
        *_translation(vpc),
        "}",
    ]
    return "\n".join(lines) + "\n"


def _members(vpc: Vpc) -> Mapping[str, tuple[str, ...]]:
    """The security groups of every private address that is somebody's."""
    hosts = {host.address: host.group_ids for host in vpc.hosts}
    balancers = {a.address: balancer.group_ids for balancer in vpc.balancers for a in balancer.addresses}
    return {**hosts, **balancers}


def _group_sets(groups: Iterable[SecurityGroup], members: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    for group in groups:
        addresses = sorted(address for address, of in members.items() if group.group_id in of)
        elements = f" elements = {{ {', '.join(addresses)} }};" if addresses else ""
        yield f"  set {_name(group.group_id)} {{ type ipv4_addr;{elements} }}"


def _group_chains(group: SecurityGroup, known: Container[str]) -> Iterator[str]:
    """A rule that names a group of another VPC matches nobody."""
    egress, ingress = (
        [rule for rule in rules if not rule.group_id or rule.group_id in known]
        for rules in (group.egress, group.ingress)
    )
    yield from _chain(f"from_{_name(group.group_id)}", [f"{_match(rule, 'daddr')}goto arrive" for rule in egress])
    yield from _chain(f"to_{_name(group.group_id)}", [f"{_match(rule, 'saddr')}accept" for rule in ingress])


def _member_chains(address: str, groups: tuple[str, ...]) -> Iterator[str]:
    """A host's or balancer address's own two chains: all its groups in turn, then nothing."""
    name = address.replace(".", "_")
    leave = [f"jump from_{_name(group)}" for group in groups] or ["goto arrive"]
    arrive = [f"jump to_{_name(group)}" for group in groups] or ["accept"]
    yield from _chain(f"from_{name}", [*leave, "drop"])
    yield from _chain(f"to_{name}", [*arrive, "drop"])


def _directions(vpc: Vpc, members: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """`leave` finds the sender's chain, `arrive` the receiver's; outside is reached only by what has a way there."""
    for direction, key in (("from", "saddr"), ("to", "daddr")):
        elements = [f"{address} : goto {direction}_{address.replace('.', '_')}" for address in sorted(members)]
        dispatch = [f"ip {key} vmap {{ {', '.join(elements)} }}"] if elements else []
        if direction == "to":
            ways = sorted({*vpc.public_addresses().values(), *(s.cidr for s in vpc.subnets if s.nat_address)})
            out = [f'oifname "{OUTSIDE}" ip saddr {{ {", ".join(ways)} }} accept'] if ways else []
            yield from _chain("arrive", [*dispatch, f"ip daddr {vpc.cidr} drop", *out, "drop"])
        else:
            yield from _chain("leave", [*dispatch, "drop"])


def _hooks(vpc: Vpc) -> Iterator[str]:
    tracked = ["ct state established,related accept", "ct state invalid drop"]
    from_outside = [f'iifname "{OUTSIDE}" ct status dnat goto arrive', f'iifname "{OUTSIDE}" drop']
    resolver = [
        f"ip saddr {vpc.cidr} ip daddr {vpc.resolver} {protocol} dport 53 accept" for protocol in ("udp", "tcp")
    ]
    yield from _base_chain("forwarded", "filter hook forward priority 0", [*tracked, *from_outside, "goto leave"])
    yield from _base_chain(
        "received", "filter hook input priority 0", ["iif lo accept", *tracked, *from_outside, *resolver, "goto leave"]
    )
    yield from _base_chain("sent", "filter hook output priority 0", ["oif lo accept", *tracked, "goto leave"])


def _translation(vpc: Vpc) -> Iterator[str]:
    """Public addresses both ways, one to one; a NAT gateway's address for all that leaves a subnet through it."""
    public = sorted(vpc.public_addresses().items())
    inward = [f'iifname "{OUTSIDE}" dnat to ip daddr map {{ {_pairs(public)} }}'] if public else []
    outward = (
        [f'oifname "{OUTSIDE}" snat to ip saddr map {{ {_pairs((own, out) for out, own in public)} }}']
        if public
        else []
    )
    gateways = [
        f'oifname "{OUTSIDE}" ip saddr {subnet.cidr} snat to {subnet.nat_address}'
        for subnet in vpc.subnets
        if subnet.nat_address
    ]
    yield from _base_chain("inward", "nat hook prerouting priority dstnat", inward, policy="accept")
    yield from _base_chain("outward", "nat hook postrouting priority srcnat", [*outward, *gateways], policy="accept")


def _pairs(pairs: Iterable[tuple[str, str]]) -> str:
    return ", ".join(f"{key} : {value}" for key, value in pairs)


def _match(rule: Rule, peer: str) -> str:
    parts = []
    if rule.group_id:
        parts.append(f"ip {peer} @{_name(rule.group_id)}")
    elif rule.cidr != ANYWHERE:
        parts.append(f"ip {peer} {rule.cidr}")
    parts.append(_protocol(rule))
    return "".join(f"{part} " for part in parts if part)


def _protocol(rule: Rule) -> str:
    if rule.protocol == "-1":
        return ""
    low, high = rule.from_port, rule.to_port
    if rule.protocol in ("tcp", "udp") and low is not None and low >= 0:
        return f"{rule.protocol} dport {low}" if low == high else f"{rule.protocol} dport {low}-{high}"
    if rule.protocol == "icmp" and low is not None and low >= 0:
        return f"icmp type {low}" + (f" icmp code {high}" if high is not None and high >= 0 else "")
    return f"ip protocol {rule.protocol}"


def _name(group_id: str) -> str:
    return group_id.replace("-", "_")


def _chain(name: str, rules: Iterable[str]) -> Iterator[str]:
    yield f"  chain {name} {{"
    yield from (f"    {rule}" for rule in rules)
    yield "  }"


def _base_chain(name: str, hook: str, rules: Iterable[str], policy: str = "drop") -> Iterator[str]:
    yield from _chain(name, [f"type {hook}; policy {policy};", *rules])
