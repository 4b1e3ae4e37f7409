"""What the routers, the balancers and the name servers are told, as text; checked by the programs that read it."""

import dataclasses
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from golden_file import matches_golden
from worlds import BALANCER, VPC

from region.fabric import balancers, firewall, names


def test_packet_rules() -> None:
    assert matches_golden(firewall.render(VPC), "region/firewall.nft")


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("nft"), reason="needs root and nft")
def test_packet_rules_load_twice(tmp_path: Path) -> None:
    rules = tmp_path / "rules.nft"
    rules.write_text(firewall.render(VPC))
    done = subprocess.run(
        ["unshare", "--net", "sh", "-ec", 'nft -f "$1"; nft -f "$1"; nft list ruleset', "sh", str(rules)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("hook forward") == 1


def test_an_empty_vpc_lets_nothing_through() -> None:
    rules = firewall.render(dataclasses.replace(VPC, groups=(), hosts=(), balancers=(), subnets=()))
    assert "vmap" not in rules
    assert "nat to" not in rules


def test_a_public_address_needs_a_route_to_the_internet_gateway() -> None:
    assert VPC.public_addresses() == {"203.0.113.11": "10.0.0.5"}


def test_a_balancer_without_groups_takes_everything() -> None:
    rules = firewall.render(dataclasses.replace(VPC, balancers=(dataclasses.replace(BALANCER, group_ids=()),)))
    assert "chain to_10_0_16_4 {\n    accept\n" in rules
    assert "chain from_10_0_16_4 {\n    goto arrive\n" in rules


def test_balancer() -> None:
    assert matches_golden(balancers.render(BALANCER), "region/balancer.cfg")


@pytest.mark.skipif(not shutil.which("haproxy"), reason="needs haproxy")
def test_haproxy_accepts_it(tmp_path: Path) -> None:
    config = tmp_path / "balancer.cfg"
    config.write_text(balancers.render(BALANCER))
    done = subprocess.run(["haproxy", "-c", "-q", "-f", str(config)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_without_cross_zone_an_address_knows_the_targets_of_its_zone_only() -> None:
    text = balancers.render(dataclasses.replace(BALANCER, cross_zone=False))
    in_zone_a = text.partition("\nbackend 6443-10.0.16.4\n")[2].partition("\nbackend")[0]
    assert "server 10.0.16.16 " in in_zone_a
    assert "server i-worker " not in in_zone_a


def test_a_check_may_have_a_port_and_a_protocol_of_its_own() -> None:
    (listener,) = BALANCER.listeners
    check = dataclasses.replace(listener.target_group.health_check, protocol="TCP", port=10256)
    group = dataclasses.replace(listener.target_group, health_check=check)
    listener = dataclasses.replace(listener, target_group=group)
    text = balancers.render(dataclasses.replace(BALANCER, listeners=(listener,)))
    assert "httpchk" not in text
    assert "server 10.0.16.16 10.0.16.16:6443 port 10256\n" in text


def test_names() -> None:
    assert matches_golden(names.render_settings(VPC), "region/names.conf")
    assert matches_golden(names.render_addresses(VPC), "region/names.hosts")


@pytest.mark.skipif(not shutil.which("dnsmasq"), reason="needs dnsmasq")
def test_dnsmasq_accepts_it(tmp_path: Path) -> None:
    config = tmp_path / "names.conf"
    config.write_text(names.render_settings(VPC))
    done = subprocess.run(["dnsmasq", "--test", f"--conf-file={config}"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
