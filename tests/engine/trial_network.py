"""The region's network for real: routers, packet rules, balancers and names, from what the API is told.

Run by test_region_network.py in a view of the machine of its own, inside `ka-internet`, where the API listens too.
"""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from bare_hosts import BareHosts
from bare_server import Server, Who, ask

from region.cloud import moto_patches
from region.cloud.api import Api
from region.cloud.controller import Controller
from region.fabric import balancers, names, namespaces, router
from region.fabric.namespaces import API_ADDRESS, API_PORT
from region.fabric.processes import running_names
from tests.unit import aws_scene
from tests.unit.aws_scene import Scene

BALANCER = "10.0.16.4"


class Region:
    """The API and the controller in this process, over hosts without machines."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.hosts = BareHosts()
        self.start()
        self.scene = aws_scene.clients(f"http://{API_ADDRESS}:{API_PORT}")

    def start(self) -> None:
        self.api = Api(self.state, changed=lambda: None)
        self.controller = Controller(self.api.world, self.hosts, Path("/nowhere"))
        moto_patches.hooks.target_state = self.controller.target_state
        self.api.start(API_ADDRESS, API_PORT)

    def settle(self) -> None:
        """Passes until nothing moves any more."""
        for _ in range(50):
            self.controller.reconcile(self.api.world())
            if not any(not move.done() for move in self.controller._moving.values()):
                return
            time.sleep(0.05)
        raise AssertionError("hosts go on moving")

    def states(self) -> dict[str, str]:
        answer = self.scene.elb.describe_target_health(TargetGroupArn=self.scene.ids["target_group"])
        return {t["Target"]["Id"]: t["TargetHealth"]["State"] for t in answer["TargetHealthDescriptions"]}


def eventually(look: Callable[[], bool], seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while not look():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def from_outside(address: str, port: int) -> bool:
    """Whether the operator, in whose namespace this runs, gets an answer."""
    try:
        ask(address, port)
    except OSError:
        return False
    return True


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    region = Region(tmp_path_factory.mktemp("state") / "api.pickle")
    aws_scene.build(region.scene)
    region.settle()
    for role in ("bastion", "master", "worker"):
        region.hosts.serve(region.scene.ids[role], "tcp", 22)
    region.hosts.serve(region.scene.ids["master"], "https", 6443)
    yield region
    for host in list(region.hosts.servers):
        region.hosts.stop(host)
    for name in running_names():
        if name.startswith(balancers.PREFIX):
            balancers.remove(name.removeprefix(balancers.PREFIX))
        if name.startswith(names.PREFIX):
            names.remove(name.removeprefix(names.PREFIX))


@pytest.fixture
def scene(region: Region) -> Scene:
    return region.scene


def test_a_group_lets_a_host_in(region: Region, scene: Scene) -> None:
    assert region.hosts.connect(scene.ids["bastion"], "10.0.16.16", 22) == "10.0.0.5\n"


def test_without_a_rule_a_host_is_kept_out(region: Region, scene: Scene) -> None:
    assert region.hosts.connect(scene.ids["worker"], "10.0.16.16", 22) is None
    assert region.hosts.connect(scene.ids["worker"], "10.0.16.16", 6443) is None
    assert region.hosts.connect(scene.ids["bastion"], "10.0.32.4", 22) is None


def test_the_bastion_is_reached_by_its_public_address_only() -> None:
    assert from_outside("203.0.113.11", 22)
    assert not from_outside("10.0.0.5", 22)


def test_there_is_no_way_into_a_private_subnet(scene: Scene) -> None:
    assert not from_outside("10.0.16.16", 22)
    namespaces.run_in(
        "ka-internet", ["ip", "route", "add", "10.0.0.0/16", "via", router.OUTER_ADDRESS, "dev", outer(scene), "onlink"]
    )
    assert not from_outside("10.0.16.16", 22)
    assert not from_outside("10.0.0.5", 22)
    namespaces.run_in("ka-internet", ["ip", "route", "delete", "10.0.0.0/16"])


def outer(scene: Scene) -> str:
    return f"v{scene.ids['vpc'][-13:]}"


def test_private_hosts_get_out_through_the_nat_gateway_only(region: Region, scene: Scene) -> None:
    server = Server(("198.51.100.20", 80), Who)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    assert region.hosts.connect(scene.ids["worker"], "198.51.100.20", 80) == "203.0.113.10\n"
    assert region.hosts.connect(scene.ids["bastion"], "198.51.100.20", 80) is None, "its group has no such rule"
    assert region.hosts.run(scene.ids["worker"], "ping", "-c1", "-W1", "192.0.2.1") is None
    server.shutdown()


def test_a_target_is_healthy_when_its_check_passes_and_gets_connections_from_the_balancer(
    region: Region, scene: Scene
) -> None:
    assert eventually(lambda: region.states() == {"10.0.16.16": "healthy"}, 25)
    assert region.hosts.connect(scene.ids["worker"], BALANCER, 6443) == f"{BALANCER}\n"
    assert region.hosts.connect(scene.ids["worker"], "10.0.32.5", 6443) == "10.0.32.5\n"
    assert region.hosts.connect(scene.ids["bastion"], BALANCER, 6443) is None, "its group has no such rule"


def test_a_new_target_gets_nothing_until_its_check_has_passed(region: Region, scene: Scene) -> None:
    scene.elb.register_targets(TargetGroupArn=scene.ids["target_group"], Targets=[{"Id": "10.0.16.17", "Port": 6443}])
    region.settle()
    assert region.states() == {"10.0.16.16": "healthy", "10.0.16.17": "initial"}
    for _ in range(6):
        assert region.hosts.connect(scene.ids["worker"], BALANCER, 6443) == f"{BALANCER}\n"
    assert eventually(lambda: region.states()["10.0.16.17"] == "unhealthy", 25)
    scene.elb.deregister_targets(TargetGroupArn=scene.ids["target_group"], Targets=[{"Id": "10.0.16.17"}])
    region.settle()
    assert region.states() == {"10.0.16.16": "healthy"}, "a reload forgets no health"


def test_it_fails_open_when_no_target_is_healthy(region: Region, scene: Scene) -> None:
    scene.elb.modify_target_group(
        TargetGroupArn=scene.ids["target_group"], HealthCheckPath="/nothing", HealthCheckIntervalSeconds=5
    )
    region.settle()
    assert eventually(lambda: region.states() == {"10.0.16.16": "unhealthy"}, 25)
    assert region.hosts.connect(scene.ids["worker"], BALANCER, 6443) == f"{BALANCER}\n"


def test_an_internet_facing_balancer_is_reached_from_outside(region: Region, scene: Scene) -> None:
    ids = scene.ids
    balancer = scene.elb.create_load_balancer(
        Name="x-open", Type="network", Scheme="internet-facing", Subnets=[ids["public"]]
    )["LoadBalancers"][0]["LoadBalancerArn"]
    group = scene.elb.create_target_group(
        Name="x-open", Protocol="TCP", Port=22, VpcId=ids["vpc"], TargetType="instance"
    )["TargetGroups"][0]["TargetGroupArn"]
    scene.elb.register_targets(TargetGroupArn=group, Targets=[{"Id": ids["master"]}])
    forward = [{"Type": "forward", "TargetGroupArn": group}]
    scene.elb.create_listener(LoadBalancerArn=balancer, Protocol="TCP", Port=2222, DefaultActions=forward)
    rule = [{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "10.0.0.0/24"}]}]
    region.settle()
    assert not from_outside("203.0.113.12", 2222), "the target's group does not let the balancer in"
    scene.ec2.authorize_security_group_ingress(GroupId=ids["sg_master"], IpPermissions=rule)
    region.settle()
    assert from_outside("203.0.113.12", 2222)
    scene.elb.delete_load_balancer(LoadBalancerArn=balancer)
    region.settle()
    assert not from_outside("203.0.113.12", 2222)
    scene.ec2.revoke_security_group_ingress(GroupId=ids["sg_master"], IpPermissions=rule)


def lookup(region: Region, host: str, name: str) -> str | None:
    code = (
        "import socket,struct,sys\n"
        "s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM);s.settimeout(2)\n"
        "q=struct.pack('>6H',7,256,1,0,0,0)+b''.join(bytes([len(p)])+p.encode() for p in sys.argv[1].split('.'))"
        "+b'\\0'+struct.pack('>2H',1,1)\n"
        "s.sendto(q,('10.0.0.2',53));r=s.recv(4096)\n"
        "n=struct.unpack('>H',r[6:8])[0];a=r[len(q):]\n"
        "print(r[3]&15,*sorted('.'.join(map(str,a[i*16+12:i*16+16])) for i in range(n)))"
    )
    return region.hosts.run(host, sys.executable, "-c", code, name)


def test_names_resolve_on_the_resolvers_address(region: Region, scene: Scene) -> None:
    worker = scene.ids["worker"]
    assert lookup(region, worker, "api.x.internal") == "0 10.0.16.4 10.0.32.5\n"
    assert lookup(region, worker, "x-api-1.us-east-1.elb.amazonaws.com") == "0 10.0.16.4 10.0.32.5\n"
    assert lookup(region, worker, "ip-10-0-16-16.ec2.internal") == "0 10.0.16.16\n"
    assert lookup(region, worker, "nowhere.example") == "3\n"


def test_a_changed_rule_is_in_force_after_a_pass(region: Region, scene: Scene) -> None:
    rule = [
        {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "UserIdGroupPairs": [{"GroupId": scene.ids["sg_worker"]}]}
    ]
    scene.ec2.authorize_security_group_ingress(GroupId=scene.ids["sg_master"], IpPermissions=rule)
    region.settle()
    assert region.hosts.connect(scene.ids["worker"], "10.0.16.16", 22) == "10.0.32.4\n"
    scene.ec2.revoke_security_group_ingress(GroupId=scene.ids["sg_master"], IpPermissions=rule)
    region.settle()
    assert region.hosts.connect(scene.ids["worker"], "10.0.16.16", 22) is None


def test_a_new_daemon_adopts_what_runs(region: Region, scene: Scene) -> None:
    before = {name: balancers.process(name.removeprefix(balancers.PREFIX)).cgroup.pids() for name in running_names()}
    region.api.stop()
    region.start()
    region.settle()
    assert {
        name: balancers.process(name.removeprefix(balancers.PREFIX)).cgroup.pids() for name in running_names()
    } == before
    assert region.hosts.connect(scene.ids["bastion"], "10.0.16.16", 22) == "10.0.0.5\n"
    assert region.states() == {"10.0.16.16": "unhealthy"}


def test_what_the_api_deletes_is_gone(region: Region, scene: Scene) -> None:
    ids = scene.ids
    scene.elb.delete_load_balancer(LoadBalancerArn=ids["balancer"])
    scene.ec2.terminate_instances(InstanceIds=[ids["bastion"], ids["master"], ids["worker"]])
    region.settle()
    assert region.hosts.running() == set()
    assert {name for name in running_names() if name.startswith(balancers.PREFIX)} == set()
    scene.ec2.delete_nat_gateway(NatGatewayId=ids["nat"])
    for name in ("public", "private", "private_b"):
        scene.ec2.delete_subnet(SubnetId=ids[name])
    for address in ("bastion_address", "nat_address"):
        scene.ec2.release_address(AllocationId=ids[address])
    region.settle()
    assert namespaces.run_in("ka-internet", ["ip", "route", "show", "dev", outer(scene)]) == ""
