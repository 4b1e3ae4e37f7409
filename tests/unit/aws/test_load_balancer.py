"""The balancers before the API servers and the NodePorts."""

import pulumi
import pytest
from conftest import Engine

from components.aws.dns import Names, NamesArgs
from components.aws.load_balancer import API, LoadBalancer, LoadBalancerArgs, node_port_forwards
from settings.values import Scheme


def declare(forwards, scheme: Scheme = "internal") -> LoadBalancer:
    args = LoadBalancerArgs(
        scheme=scheme,
        vpc_id="vpc-1",
        subnet_ids={"us-east-1a": "subnet-a", "us-east-1b": "subnet-b"},
        security_group_id="sg-1",
        forwards=forwards,
        targets={"first": "10.0.16.16", "second": "10.0.32.17"},
        group_prefix="demo",
        tags={"cluster": "demo"},
    )
    return LoadBalancer("demo-api", args)


@pytest.fixture
def api(engine: Engine) -> Engine:
    def program() -> None:
        balancer = declare([API])
        Names("demo", NamesArgs(api_name="api.demo.internal", vpc_id="vpc-1", api_balancer=balancer, tags={}))
        pulumi.export("name", balancer.dns_name)

    engine.run(program)
    return engine


def test_the_balancer_is_a_network_one_across_zones_with_a_group_from_the_start(api):
    balancer = api.declared("aws:lb/loadBalancer:LoadBalancer")["demo-api"].inputs
    assert balancer["loadBalancerType"] == "network"
    assert balancer["internal"] is True
    assert balancer["enableCrossZoneLoadBalancing"] is True
    assert balancer["securityGroups"] == ["sg-1"]
    assert balancer["subnets"] == ["subnet-a", "subnet-b"]


def test_a_master_can_reach_itself_through_the_balancer(api):
    group = api.declared("aws:lb/targetGroup:TargetGroup")["demo-api-api"].inputs
    assert group["preserveClientIp"] == "false"


def test_api_servers_must_be_ready_to_be_asked(api):
    group = api.declared("aws:lb/targetGroup:TargetGroup")["demo-api-api"].inputs
    assert group["targetType"] == "ip"
    assert group["port"] == 6443
    assert group["connectionTermination"] is True
    check = group["healthCheck"]
    assert (check["protocol"], check["path"], check["port"]) == ("HTTPS", "/readyz", "traffic-port")
    assert check["timeout"] < check["interval"]


def test_targets_are_attached_by_address_under_a_lasting_name(api):
    attached = api.declared("aws:lb/targetGroupAttachment:TargetGroupAttachment")
    assert {name: made.inputs["targetId"] for name, made in attached.items()} == {
        "demo-api-api-first": "10.0.16.16",
        "demo-api-api-second": "10.0.32.17",
    }


def test_its_name_is_one_that_kubernetes_takes(api):
    assert api.exports["name"] == "demo-api-0123.elb.us-east-1.amazonaws.com"


def test_the_api_has_a_name_of_its_own_that_only_the_vpc_sees(api):
    zone = api.declared("aws:route53/zone:Zone")["demo"].inputs
    assert zone["name"] == "demo.internal"
    assert zone["vpcs"] == [{"vpcId": "vpc-1"}]
    record = api.declared("aws:route53/record:Record")["demo-api"].inputs
    assert (record["name"], record["type"], record["zoneId"]) == ("api.demo.internal", "A", "Z1")
    assert record["aliases"][0]["name"] == "demo-api-0123.elb.us-east-1.amazonaws.com"


def test_node_ports_are_healthy_when_kube_proxy_says_so(engine):
    engine.run(lambda: declare(node_port_forwards({80: 30080, 443: 30443}), "internet-facing"))
    assert engine.declared("aws:lb/loadBalancer:LoadBalancer")["demo-api"].inputs["internal"] is False
    groups = engine.declared("aws:lb/targetGroup:TargetGroup")
    assert {group.inputs["name"]: group.inputs["port"] for group in groups.values()} == {
        "demo-30080": 30080,
        "demo-30443": 30443,
    }
    for group in groups.values():
        check = group.inputs["healthCheck"]
        assert (check["protocol"], check["path"], check["port"]) == ("HTTP", "/healthz", "10256")
    listeners = engine.declared("aws:lb/listener:Listener")
    assert {made.inputs["port"]: made.inputs["defaultActions"][0]["targetGroupArn"] for made in listeners.values()} == {
        80: "arn:demo-api-30080",
        443: "arn:demo-api-30443",
    }
