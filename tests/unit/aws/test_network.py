"""The VPC's layout, and the ways out of it."""

from dataclasses import replace
from ipaddress import IPv4Network
from itertools import combinations

import pulumi_aws as aws
import pytest
from conftest import Engine
from steps_scene import SETTINGS

from components.aws.network import Network, NetworkArgs, network_plan

ZONES = SETTINGS.network.zones


def declare(engine: Engine, **given) -> None:
    engine.run(lambda: Network("demo", arguments(**given)))


def arguments(**given) -> NetworkArgs:
    return NetworkArgs(settings=replace(SETTINGS.network, **given), protect=False, tags={"cluster": "demo"})


def test_the_plan_of_the_default_vpc():
    plan = network_plan("10.0.0.0/16", ZONES)
    assert [str(zone.public) for zone in plan.values()] == ["10.0.0.0/24", "10.0.1.0/24", "10.0.2.0/24"]
    assert [str(zone.private) for zone in plan.values()] == ["10.0.16.0/20", "10.0.32.0/20", "10.0.48.0/20"]
    assert [str(zone.reserved) for zone in plan.values()] == ["10.0.16.16/28", "10.0.32.16/28", "10.0.48.16/28"]


def test_a_master_has_one_address_for_all_its_successors():
    plan = network_plan("10.0.0.0/16", ZONES)
    addresses = [str(plan[zone].reserved[ordinal]) for ordinal, zone in enumerate(ZONES)]
    assert addresses == ["10.0.16.16", "10.0.32.17", "10.0.48.18"]


def test_a_zone_keeps_its_subnets_when_others_come_or_go():
    whole = network_plan("10.0.0.0/16", ZONES)
    assert network_plan("10.0.0.0/16", ["us-east-1c", "us-east-1f"])["us-east-1c"] == whole["us-east-1c"]


@pytest.mark.parametrize("vpc", ["10.0.0.0/16", "172.16.0.0/17", "192.168.0.0/18", "10.9.32.0/19"])
def test_subnets_lie_apart_inside_the_vpc_and_are_large_enough_for_a_balancer(vpc):
    plan = network_plan(vpc, [f"us-east-1{letter}" for letter in "abcdefghijklmno"])
    subnets = [subnet for zone in plan.values() for subnet in (zone.public, zone.private)]
    assert not any(one.overlaps(other) for one, other in combinations(subnets, 2))
    assert all(subnet.subnet_of(IPv4Network(vpc)) and subnet.prefixlen <= 27 for subnet in subnets)
    # AWS keeps a subnet's first four addresses to itself.
    assert all(zone.reserved[0] > zone.private[3] and zone.reserved.subnet_of(zone.private) for zone in plan.values())


def test_the_vpc_resolves_names_and_each_zone_has_two_subnets(engine):
    declare(engine)
    vpc = engine.declared("aws:ec2/vpc:Vpc")["demo"].inputs
    assert vpc["enableDnsSupport"]
    assert vpc["enableDnsHostnames"]
    subnets = engine.declared("aws:ec2/subnet:Subnet")
    assert set(subnets) == {f"demo-{kind}-{zone}" for kind in ("public", "private") for zone in ZONES}


def test_one_gateway_serves_every_zone_through_tables_of_their_own(engine):
    declare(engine)
    assert set(engine.declared("aws:ec2/natGateway:NatGateway")) == {"demo-nat-us-east-1a"}
    routes = engine.declared("aws:ec2/route:Route")
    for zone in ZONES:
        assert routes[f"demo-private-{zone}"].inputs["natGatewayId"] == "demo-nat-us-east-1a-id"
    tables = {route.inputs["routeTableId"] for route in routes.values()}
    assert len(tables) == 4


def test_a_gateway_for_each_zone_outlives_the_others(engine):
    declare(engine, nat_gateways="per-zone")
    routes = engine.declared("aws:ec2/route:Route")
    for zone in ZONES:
        assert routes[f"demo-private-{zone}"].inputs["natGatewayId"] == f"demo-nat-{zone}-id"
    assert len(engine.declared("aws:ec2/eip:Eip")) == 3


def test_only_public_subnets_lead_straight_to_the_internet(engine):
    declare(engine)
    routes = engine.declared("aws:ec2/route:Route")
    assert [name for name, route in routes.items() if "gatewayId" in route.inputs] == ["demo-public"]
    associations = engine.declared("aws:ec2/routeTableAssociation:RouteTableAssociation")
    public = [name for name, made in associations.items() if made.inputs["routeTableId"] == "demo-public-id"]
    assert sorted(public) == [f"demo-public-{zone}" for zone in ZONES]


# Deleting goes the other way: an internet gateway stays as long as anything behind it has a public address.
def test_nothing_is_put_in_a_public_subnet_before_the_vpc_has_its_internet_gateway(engine):
    def program() -> None:
        network = Network("demo", arguments())
        ids = network.public_subnet_ids["us-east-1a"]
        aws.ec2.NetworkInterface("public", subnet_id=ids)

    engine.run(program)
    (public,) = engine.declared("aws:ec2/networkInterface:NetworkInterface").values()
    assert {"demo-public-us-east-1a", "demo"} <= public.dependencies
