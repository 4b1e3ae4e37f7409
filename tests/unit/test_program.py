"""The whole program on mocks: what must hold for everything that it declares, whatever the stack."""

import json
import re
from collections import Counter
from ipaddress import IPv4Network

import pytest
from conftest import CHECKOUT, IMAGE, Engine, Secret, run_of
from registrations import Registration
from steps_scene import readable

DEDICATED = ("local-dedicated-systemd", "local-dedicated-static-pods")
STACKS = ("local", *DEDICATED, "local-stacked", "dev", "staging", "prod")
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
COMMAND = "command:remote:Command"
INSTANCE = "aws:ec2/instance:Instance"
# What takes no tags: they end with what they belong to, or are no resource of AWS.
TAGLESS = {
    "aws:ec2/eipAssociation:EipAssociation",
    "aws:ec2/route:Route",
    "aws:ec2/routeTableAssociation:RouteTableAssociation",
    "aws:ec2/subnetCidrReservation:SubnetCidrReservation",
    "aws:ec2transitgateway/instanceState:InstanceState",
    "aws:lb/targetGroupAttachment:TargetGroupAttachment",
    "aws:route53/record:Record",
}


@pytest.fixture(scope="module", params=STACKS)
def stack(request) -> Engine:
    return run_of(request.param)


def commands(engine: Engine) -> dict[str, Registration]:
    return engine.declared(COMMAND)


def test_only_components_hang_from_the_stack(stack):
    orphans = [made.name for made in stack.registered if made.parent == ("", "") and ":index:" not in made.kind]
    assert orphans == []


def test_no_two_resources_of_a_type_share_a_name(stack):
    counted = Counter((made.kind, made.name) for made in stack.registered)
    assert [twice for twice, count in counted.items() if count > 1] == []


def test_everything_is_named_after_its_cluster(stack):
    prefix = next(iter(stack.declared("aws:ec2/vpc:Vpc")))
    assert [made.name for made in stack.registered if not f"{made.name}-".startswith(f"{prefix}-")] == []


def test_whatever_takes_tags_has_the_clusters(stack):
    cluster = next(iter(stack.declared("aws:ec2/vpc:Vpc")))
    for made in stack.registered:
        if made.kind.startswith("aws:") and made.kind not in TAGLESS:
            assert made.inputs["tags"]["kubeadm-aws:cluster"] == cluster, made.name
            assert made.inputs["tags"]["Name"], made.name


def test_names_given_to_aws_are_within_its_limits_and_in_lower_case(stack):
    for made in stack.registered:
        if made.kind.startswith(("aws:lb/loadBalancer:", "aws:lb/targetGroup:")):
            assert len(made.inputs["name"]) <= 32, made.name
            assert made.inputs["name"] == made.inputs["name"].lower()


def test_ssh_is_open_to_administrators_and_the_bastion_only(stack):
    rules = stack.declared(INGRESS)
    ssh = [
        rule.inputs
        for rule in rules.values()
        if rule.inputs.get("fromPort", 0) <= 22 <= rule.inputs.get("toPort", 65535)
    ]
    ssh = [rule for rule in ssh if rule["ipProtocol"] in ("tcp", "-1")]
    assert ssh
    for rule in ssh:
        if "cidrIpv4" in rule:
            assert IPv4Network(rule["cidrIpv4"]).prefixlen >= 8
            assert rule["securityGroupId"].endswith("-bastion-id")
        else:
            assert rule["referencedSecurityGroupId"].endswith("-bastion-id")


def sources(engine: Engine, port: int, destination: str) -> list[str]:
    """Who may connect to that port of a group, as the group's id or a block of addresses."""
    return [
        rule.inputs.get("referencedSecurityGroupId") or rule.inputs["cidrIpv4"]
        for rule in engine.declared(INGRESS).values()
        if rule.inputs["securityGroupId"] == destination
        and rule.inputs["ipProtocol"] in ("tcp", "-1")
        and rule.inputs.get("fromPort", 0) <= port <= rule.inputs.get("toPort", 65535)
    ]


@pytest.mark.parametrize("name", DEDICATED)
def test_etcd_on_machines_of_its_own_is_reached_by_masters_and_its_peers_only(name):
    stack = run_of(name)
    cluster = next(iter(stack.declared("aws:ec2/vpc:Vpc")))
    master, etcd = f"{cluster}-master-id", f"{cluster}-etcd-id"
    assert set(sources(stack, 2379, etcd)) == {master, etcd}
    assert sources(stack, 2380, etcd) == [etcd]
    assert sources(stack, 2379, master) == sources(stack, 2380, master) == []


@pytest.mark.parametrize("name", [name for name in STACKS if name not in DEDICATED])
def test_where_masters_carry_etcd_it_has_no_group_of_its_own(name):
    stack = run_of(name)
    cluster = next(iter(stack.declared("aws:ec2/vpc:Vpc")))
    assert f"{cluster}-etcd" not in stack.declared("aws:ec2/securityGroup:SecurityGroup")
    master = f"{cluster}-master-id"
    assert sources(stack, 2379, master) == sources(stack, 2380, master) == [master]


def test_only_the_bastion_has_a_public_address(stack):
    associated = [
        made.inputs["instanceId"] for made in stack.declared("aws:ec2/eipAssociation:EipAssociation").values()
    ]
    assert [identity.endswith("-bastion-id") for identity in associated] == [True]
    subnets = stack.declared("aws:ec2/subnet:Subnet")
    assert not any(subnet.inputs.get("mapPublicIpOnLaunch") for subnet in subnets.values())
    for name, machine in stack.declared(INSTANCE).items():
        assert ("-public-" in machine.inputs["subnetId"]) == name.endswith("-bastion"), name


def test_no_secret_is_in_a_command_line_or_a_plain_input(stack):
    for made in stack.registered:
        plain = {key: value for key, value in made.inputs.items() if key not in made.secret_inputs}
        assert "PRIVATE KEY" not in json.dumps(plain, default=str), (made.kind, made.name)
        assert "PRIVATE KEY" not in readable(plain.get("stdin", "")), made.name
        for verb in ("create", "update", "delete"):
            assert "PRIVATE KEY" not in str(made.inputs.get(verb))


def test_what_a_secret_step_prints_is_secret_too(stack):
    for made in commands(stack).values():
        if "stdin" in made.secret_inputs:
            assert {"stdout", "stderr"} <= set(made.additional_secret_outputs), made.name
            assert made.inputs["logging"] == "none", made.name


def test_no_user_data_holds_more_than_the_hosts_own_key(stack):
    for machine in stack.declared(INSTANCE).values():
        assert "userData" in machine.secret_inputs, machine.name
        text = machine.inputs["userData"]
        assert text.count("PRIVATE KEY") == 1
        assert f"PRIVATE KEY of {machine.name}" in text


def test_what_a_step_does_at_its_end_it_does_not_do_when_all_ends(stack):
    for step in commands(stack).values():
        assert "delete" not in step.inputs or step.deleted_with.endswith("-control-plane"), step.name


def test_every_connection_pins_the_host_key_and_goes_through_the_bastion(stack):
    for step in commands(stack).values():
        connection = step.inputs["connection"]
        assert connection["hostKey"].startswith("ssh-ed25519 "), step.name
        if connection["host"].startswith("203.0.113."):
            assert "proxy" not in connection
        else:
            assert connection["proxy"]["hostKey"].startswith("ssh-ed25519 "), step.name
            assert connection["proxy"]["host"].startswith("203.0.113.")


def test_nothing_is_done_on_a_machine_before_the_bastion_is_prepared(stack):
    cluster = next(iter(stack.declared("aws:ec2/vpc:Vpc")))
    first = f"{cluster}-bastion-prepare"
    for step in commands(stack).values():
        if step.name != first:
            assert first in step.dependencies, step.name


def test_the_bastion_is_prepared_when_routes_and_rules_are_there(stack):
    cluster = next(iter(stack.declared("aws:ec2/vpc:Vpc")))
    waited_for = commands(stack)[f"{cluster}-bastion-prepare"].dependencies
    for made in stack.registered:
        if made.kind.startswith(("aws:vpc/", "aws:ec2/route:", "aws:ec2/routeTableAssociation:")):
            assert made.name in waited_for, made.name


def test_machines_boot_without_waiting_for_each_other_or_for_gateways(stack):
    machines = stack.declared(INSTANCE)
    gateways = set(stack.declared("aws:ec2/natGateway:NatGateway"))
    for machine in machines.values():
        assert not machine.dependencies & (set(machines) - {machine.name}), machine.name
        assert not machine.dependencies & gateways, machine.name


def test_nothing_gets_an_address_before_the_masters_are_reserved(stack):
    cluster = next(iter(stack.declared("aws:ec2/vpc:Vpc")))
    machines = [machine for machine in stack.declared(INSTANCE).values() if not machine.name.endswith("-bastion")]
    balancers = [
        made for made in stack.declared("aws:lb/loadBalancer:LoadBalancer").values() if made.inputs["internal"]
    ]
    for made in [*machines, *balancers]:
        assert any(name.startswith(f"{cluster}-masters-") for name in made.dependencies), made.name


def test_certificates_of_nodes_cover_their_names_and_addresses(stack):
    addresses = {step.inputs["connection"]["host"] for step in commands(stack).values()}
    requests = stack.declared("tls:index/certRequest:CertRequest")
    serving = {
        name: made.inputs
        for name, made in requests.items()
        if name.endswith(("-server-request", "-peer-request", "-kubelet-request"))
    }
    assert serving
    for name, request in serving.items():
        assert set(request["ipAddresses"]) & addresses, name
        host = next(name for name in request["dnsNames"] if name != "localhost")
        assert f"-{host}-" in name


def test_a_calendar_replaces_no_machine(stack):
    for machine in stack.declared(INSTANCE).values():
        assert {"userData", "keyName"} <= set(machine.ignore_changes), machine.name
        assert machine.inputs["ami"] == IMAGE


def test_what_cannot_be_made_again_is_protected_until_told_otherwise():
    protected = {made.name for made in Engine().run_stack({"deletionProtection": True}).registered if made.protect}
    assert protected == {
        "kubeadm",
        "kubeadm-bastion",
        "kubeadm-control-plane-init",
        "kubeadm-etcd-pki-ca-key",
        "kubeadm-pki-ca-key",
        "kubeadm-pki-front-proxy-ca-key",
        "kubeadm-pki-service-account",
    }
    assert not [made.name for made in Engine().run_stack({"deletionProtection": False}).registered if made.protect]


def test_outputs_are_what_an_operator_needs_and_secrets_are_marked(local):
    assert local.exports.keys() == {
        "kubeconfig",
        "apiEndpoint",
        "ingressEndpoint",
        "etcdEndpoints",
        "nodes",
        "bastionAddress",
        "loginUser",
        "sshPrivateKey",
        "sshKnownHosts",
        "release",
        "verifiedRelease",
        "verifiedReleases",
    }
    assert isinstance(local.exports["kubeconfig"], Secret)
    assert isinstance(local.exports["sshPrivateKey"], Secret)
    assert local.exports["apiEndpoint"] == "https://api.local.internal:6443"
    assert local.exports["ingressEndpoint"] == "local-ingress-0123.elb.us-east-1.amazonaws.com"
    assert local.exports["etcdEndpoints"] == [
        "https://10.0.16.16:2379",
        "https://10.0.32.17:2379",
        "https://10.0.48.18:2379",
    ]
    assert [node["name"] for node in local.exports["nodes"]] == [
        *(f"master-{n}" for n in range(3)),
        *(f"worker-{n}" for n in range(3)),
    ]
    assert local.exports["nodes"][1] == {
        "name": "master-1",
        "address": "10.0.32.17",
        "zone": "us-east-1b",
        "machine": "local-master-1-id",
    }
    hosts = [line.split()[0] for line in local.exports["sshKnownHosts"].splitlines()]
    assert f"bastion,{local.exports['bastionAddress']}" in hosts
    assert "master-0,10.0.16.16" in hosts
    assert len(hosts) == 7


def placed(engine: Engine, host: str) -> set[str]:
    """The paths of all files that steps put on one machine with a fixed address."""
    machines = engine.declared(INSTANCE)
    [address] = [machine.inputs["privateIp"] for name, machine in machines.items() if name.endswith(f"-{host}")]
    return {
        path
        for step in commands(engine).values()
        if step.inputs["connection"]["host"] == address
        for path in re.findall(r"^install_file (\S+) .*<<'END_OF_FILE'$", step.inputs["stdin"], re.MULTILINE)
    }


@pytest.mark.parametrize("name", DEDICATED)
def test_masters_beside_etcd_machines_hold_the_authoritys_certificate_and_a_clients_only(name):
    for master in ("master-0", "master-1", "master-2"):
        etcd = [path for path in placed(run_of(name), master) if "etcd" in path and re.search(r"\.(crt|key)$", path)]
        assert sorted(path.partition("/etcd-client/")[2] for path in etcd) == [
            "apiserver-etcd-client.crt",
            "apiserver-etcd-client.key",
            "etcd/ca.crt",
        ]


@pytest.mark.parametrize("name", STACKS)
def test_the_key_of_etcds_authority_is_on_masters_that_kubeadm_runs_etcd_on_and_nowhere_else(name):
    stack = run_of(name)
    cluster = next(iter(stack.declared("aws:ec2/vpc:Vpc")))
    assert f"{cluster}-etcd-pki-ca-key" in stack.seen
    key = f"PRIVATE KEY of {cluster}-etcd-pki-ca-key"
    holders = {step.name for step in commands(stack).values() if key in readable(step.inputs["stdin"])}
    control_plane = f"{cluster}-control-plane"
    joins = {f"{control_plane}-join-master-{ordinal}" for ordinal in range(3)}
    assert holders == ({f"{control_plane}-init", *joins} if name == "local-stacked" else set())


@pytest.mark.parametrize("name", DEDICATED)
def test_an_operator_reaches_etcd_machines_too(name):
    exports = run_of(name).exports
    assert [node["name"] for node in exports["nodes"]][-3:] == ["etcd-0", "etcd-1", "etcd-2"]
    assert "etcd-0,10.0.16.24" in [line.split()[0] for line in exports["sshKnownHosts"].splitlines()]
    assert exports["etcdEndpoints"] == [
        "https://10.0.16.24:2379",
        "https://10.0.32.25:2379",
        "https://10.0.48.26:2379",
    ]


def test_one_master_is_a_supported_shape():
    engine = Engine().run_stack({"masterCount": 1, "workerCount": 1, "availabilityZones": ["us-east-1a"]})
    assert set(engine.declared(INSTANCE)) == {"kubeadm-bastion", "kubeadm-master-0", "kubeadm-worker-0"}


def test_the_main_file_only_wires():
    text = (CHECKOUT / "__main__.py").read_text()
    assert len(text.splitlines()) < 80
    assert not any(line.startswith(("if ", "for ", "while ")) for line in text.splitlines())
