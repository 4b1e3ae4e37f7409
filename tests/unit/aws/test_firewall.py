"""The table of who may talk to whom, and the rules made of it."""

from dataclasses import replace

import pytest
from conftest import Engine
from steps_scene import SETTINGS

from components.aws.firewall import ROLES, Block, Firewall, FirewallArgs, Row, table

INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"


def arguments(*, dedicated_etcd: bool = False, **given) -> FirewallArgs:
    return FirewallArgs(
        vpc_id="vpc-1",
        settings=replace(SETTINGS.network, **given),
        dedicated_etcd=dedicated_etcd,
        nat_addresses={"us-east-1a": "203.0.113.9"},
        tags={"cluster": "demo"},
    )


def rules_of(args: FirewallArgs) -> Engine:
    engine = Engine()
    engine.run(lambda: Firewall("demo", args))
    return engine


def rows_of(args: FirewallArgs) -> list[Row]:
    made: list[Row] = []
    Engine().run(lambda: made.extend(table(args)))
    return made


@pytest.fixture(scope="module")
def rules() -> Engine:
    return rules_of(arguments())


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return rows_of(arguments())


@pytest.fixture(scope="module")
def dedicated_rules() -> Engine:
    return rules_of(arguments(dedicated_etcd=True))


@pytest.fixture(scope="module")
def dedicated_rows() -> list[Row]:
    return rows_of(arguments(dedicated_etcd=True))


def ends(row: Row) -> list[str]:
    return [end.name if isinstance(end, Block) else end for end in (row.source, row.destination)]


def allowed(rows: list[Row], source: str, destination: str, port: int, protocol: str = "tcp") -> bool:
    def matches(row: Row) -> bool:
        return (
            ends(row) == [source, destination]
            and row.protocol == protocol
            and bool(row.ports)
            and row.ports[0] <= port <= row.ports[1]
        )

    return any(matches(row) for row in rows)


@pytest.mark.parametrize(
    ("source", "destination", "port"),
    [
        ("administrator-198.51.100.0-24", "bastion", 22),
        ("bastion", "master", 22),
        ("bastion", "worker", 22),
        ("bastion", "api-balancer", 6443),
        ("master", "api-balancer", 6443),
        ("worker", "api-balancer", 6443),
        ("api-balancer", "master", 6443),
        ("worker", "master", 6443),
        ("master", "master", 6443),
        ("master", "master", 2379),
        ("master", "master", 2380),
        ("master", "worker", 10250),
        ("master", "master", 10250),
        ("vpc", "ingress-balancer", 80),
        ("nat-us-east-1a", "ingress-balancer", 80),
        ("ingress-balancer", "worker", 30080),
        ("ingress-balancer", "worker", 10256),
    ],
)
def test_what_the_cluster_needs_is_allowed(rows, source, destination, port):
    assert allowed(rows, source, destination, port)


@pytest.mark.parametrize("source", ["master", "worker"])
@pytest.mark.parametrize("destination", ["master", "worker"])
def test_pods_reach_each_other_on_every_node(rows, source, destination):
    assert allowed(rows, source, destination, 8472, "udp")


@pytest.mark.parametrize(
    ("source", "destination", "port"),
    [
        ("worker", "master", 2379),
        ("bastion", "master", 2379),
        ("api-balancer", "master", 2379),
        ("worker", "worker", 22),
        ("master", "bastion", 22),
        ("vpc", "ingress-balancer", 443),
        ("worker", "worker", 30080),
        ("ingress-balancer", "master", 30080),
        ("worker", "master", 10259),
    ],
)
def test_what_nobody_needs_is_not(rows, source, destination, port):
    assert not allowed(rows, source, destination, port)


def test_members_of_their_own_are_reached_by_masters_and_by_each_other_only(dedicated_rows):
    to_etcd = {(row.source, row.protocol, row.ports) for row in dedicated_rows if row.destination == "etcd"}
    assert to_etcd == {
        ("bastion", "tcp", (22, 22)),
        ("master", "tcp", (2379, 2379)),
        ("etcd", "tcp", (2379, 2379)),
        ("etcd", "tcp", (2380, 2380)),
        ("master", "icmp", (3, 4)),
        ("etcd", "icmp", (3, 4)),
    }


def test_masters_without_members_take_no_connection_to_etcd_and_nothing_else_changes(rows, dedicated_rows):
    etcd = ("etcd-client", "etcd-peer")
    assert [ends(row) for row in rows if row.what in etcd] == [["master", "master"]] * 2
    assert [(ends(row), row.what) for row in rows if row.what not in etcd] == [
        (ends(row), row.what) for row in dedicated_rows if "etcd" not in ends(row)
    ]


def test_etcd_machines_answer_masters_and_fetch_packages(dedicated_rows):
    from_etcd = {(ends(row)[1], row.what) for row in dedicated_rows if row.source == "etcd"}
    assert from_etcd == {
        ("etcd", "etcd-client"),
        ("etcd", "etcd-peer"),
        ("etcd", "path-mtu"),
        ("master", "path-mtu"),
        ("anywhere", "all"),
    }


def test_each_rule_names_its_ends_and_says_why(dedicated_rules):
    for kind in (INGRESS, EGRESS):
        for name, rule in dedicated_rules.declared(kind).items():
            assert "-to-" in name
            assert rule.inputs["description"], name
            assert ("cidrIpv4" in rule.inputs) != ("referencedSecurityGroupId" in rule.inputs), name


def test_a_row_between_two_roles_is_enforced_at_both_ends(rules):
    ingress = rules.declared(INGRESS)["demo-bastion-to-master-ssh"].inputs
    egress = rules.declared(EGRESS)["demo-bastion-to-master-ssh"].inputs
    assert (ingress["securityGroupId"], ingress["referencedSecurityGroupId"]) == ("demo-master-id", "demo-bastion-id")
    assert (egress["securityGroupId"], egress["referencedSecurityGroupId"]) == ("demo-bastion-id", "demo-master-id")
    assert (ingress["fromPort"], ingress["toPort"], ingress["ipProtocol"]) == (22, 22, "tcp")


def test_machines_that_may_go_anywhere_need_no_other_way_out(dedicated_rules):
    egress = dedicated_rules.declared(EGRESS)
    for role in ("master", "worker", "etcd"):
        ways = [rule.inputs for rule in egress.values() if rule.inputs["securityGroupId"] == f"demo-{role}-id"]
        assert [(way["ipProtocol"], way["cidrIpv4"], "fromPort" in way) for way in ways] == [("-1", "0.0.0.0/0", False)]


def test_balancers_reach_their_targets_only(rules):
    egress = rules.declared(EGRESS)
    for role, target in (("api-balancer", "master"), ("ingress-balancer", "worker")):
        ways = [rule.inputs for rule in egress.values() if rule.inputs["securityGroupId"] == f"demo-{role}-id"]
        assert {way["referencedSecurityGroupId"] for way in ways} == {f"demo-{target}-id"}


def test_every_role_that_there_is_has_a_group_of_its_own(rules, dedicated_rules):
    group = "aws:ec2/securityGroup:SecurityGroup"
    assert set(rules.declared(group)) == {f"demo-{role}" for role in ROLES}
    assert set(dedicated_rules.declared(group)) == {"demo-etcd", *(f"demo-{role}" for role in ROLES)}


def test_descriptions_are_of_letters_that_aws_takes(dedicated_rules):
    letters = set(" ._-:/()#,@[]+=&;{}!$*")
    for kind in (INGRESS, EGRESS, "aws:ec2/securityGroup:SecurityGroup"):
        for rule in dedicated_rules.declared(kind).values():
            text = rule.inputs["description"]
            assert len(text) < 256
            assert all((letter.isascii() and letter.isalnum()) or letter in letters for letter in text), text


def test_the_vpc_among_the_clients_is_no_rule_twice():
    rows = rows_of(arguments(ingress_cidrs=("10.0.0.0/16", "192.0.2.0/24")))
    clients = [
        row.source.name for row in rows if row.destination == "ingress-balancer" and isinstance(row.source, Block)
    ]
    assert clients == ["vpc", "nat-us-east-1a", "client-192.0.2.0-24"]
