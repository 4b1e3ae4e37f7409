"""Instances, the bastion before them, and what a machine is told at its first boot."""

import pytest
import yaml
from conftest import ANSWERS, IMAGE, Engine, configure

from components.aws.infrastructure import Infrastructure
from components.aws.today import look_up
from components.host.first_boot import first_boot
from settings import birth
from settings.stack import load

INSTANCE = "aws:ec2/instance:Instance"


@pytest.fixture(scope="module")
def dedicated() -> Engine:
    engine = Engine()
    given = {"etcdTopology": "dedicated-systemd", "etcdDiskGib": 30, "masterCount": 7}

    def build() -> None:
        configure(given)
        settings, past = load(), birth.read()
        Infrastructure("demo", settings, past, look_up(settings, past))

    engine.run(build)
    return engine


def test_masters_have_fixed_addresses_one_in_each_zone(local):
    machines = local.declared(INSTANCE)
    placed = [
        (machines[f"local-master-{n}"].inputs["privateIp"], machines[f"local-master-{n}"].inputs["subnetId"])
        for n in range(3)
    ]
    assert placed == [
        ("10.0.16.16", "local-private-us-east-1a-id"),
        ("10.0.32.17", "local-private-us-east-1b-id"),
        ("10.0.48.18", "local-private-us-east-1c-id"),
    ]


def test_etcd_machines_have_fixed_addresses_that_no_master_ever_has(dedicated):
    machines = dedicated.declared(INSTANCE)
    etcd = {name: one.inputs["privateIp"] for name, one in machines.items() if "-etcd-" in name}
    assert etcd == {"demo-etcd-0": "10.0.16.24", "demo-etcd-1": "10.0.32.25", "demo-etcd-2": "10.0.48.26"}
    masters = [one.inputs["privateIp"].rpartition(".")[2] for name, one in machines.items() if "-master-" in name]
    assert sorted(map(int, masters)) == list(range(16, 23))


def test_etcd_machines_are_of_their_own_kind_and_group(dedicated):
    machine = dedicated.declared(INSTANCE)["demo-etcd-1"].inputs
    assert (machine["instanceType"], machine["rootBlockDevice"]["volumeSize"]) == ("t3.small", 30)
    assert machine["vpcSecurityGroupIds"] == ["demo-etcd-id"]
    assert machine["userData"].count("hostname: etcd-1\n") == 1


def test_where_masters_carry_etcd_there_is_no_machine_for_it(local):
    assert not [name for name in local.declared(INSTANCE) if "-etcd-" in name]


def test_workers_are_spread_and_get_their_addresses_from_their_subnets(local):
    workers = [local.declared(INSTANCE)[f"local-worker-{n}"].inputs for n in range(3)]
    assert {worker["subnetId"] for worker in workers} == {f"local-private-us-east-1{letter}-id" for letter in "abc"}
    assert not any("privateIp" in worker for worker in workers)


def test_metadata_wants_a_session_and_ends_at_the_host(local):
    for machine in local.declared(INSTANCE).values():
        assert machine.inputs["metadataOptions"] == {
            "httpEndpoint": "enabled",
            "httpTokens": "required",
            "httpPutResponseHopLimit": 1,
        }


def test_disks_are_encrypted_gp3_and_end_with_the_machine(local):
    sizes = {"bastion": 8, "master": 20, "worker": 20}
    for name, machine in local.declared(INSTANCE).items():
        disk = machine.inputs["rootBlockDevice"]
        assert (disk["volumeType"], disk["encrypted"], disk["deleteOnTermination"]) == ("gp3", True, True)
        assert disk["volumeSize"] == sizes[name.split("-")[1]]
        assert machine.inputs["volumeTags"]["kubeadm-aws:cluster"] == "local"


def test_burstable_machines_are_never_throttled_and_others_know_no_credits(local, prod):
    for machine in local.declared(INSTANCE).values():
        assert machine.inputs["creditSpecification"] == {"cpuCredits": "unlimited"}
    assert "creditSpecification" not in prod.declared(INSTANCE)["prod-master-0"].inputs
    assert prod.declared(INSTANCE)["prod-bastion"].inputs["creditSpecification"] == {"cpuCredits": "unlimited"}


def test_no_machine_has_a_role_of_its_own(local):
    assert not any("iamInstanceProfile" in machine.inputs for machine in local.declared(INSTANCE).values())


def test_a_successor_takes_the_address_after_it_is_free(local):
    assert all(machine.delete_before_replace for machine in local.declared(INSTANCE).values())


def test_a_given_image_is_taken_and_nothing_is_looked_up():
    answers = {call: answer for call, answer in ANSWERS.items() if "getParameter" not in call}
    engine = Engine(answers=answers).run_stack({"machineImage": "ami-11111111111111111"})
    assert {machine.inputs["ami"] for machine in engine.declared(INSTANCE).values()} == {"ami-11111111111111111"}


def test_otherwise_the_parameter_names_it(local):
    assert {machine.inputs["ami"] for machine in local.declared(INSTANCE).values()} == {IMAGE}


def test_first_boot_gives_name_host_key_and_first_login_and_nothing_else():
    text = first_boot(
        hostname="master-0",
        host_private_key="-----BEGIN-----\nAA\n-----END-----\n",
        host_public_key="ssh-ed25519 AAAA",
        authorized_key="ssh-ed25519 BBBB",
    )
    assert text.splitlines()[0] == "#cloud-config"
    assert yaml.safe_load(text) == {
        "hostname": "master-0",
        "preserve_hostname": False,
        "manage_etc_hosts": "localhost",
        "ssh_deletekeys": True,
        "ssh_keys": {"ed25519_private": "-----BEGIN-----\nAA\n-----END-----\n", "ed25519_public": "ssh-ed25519 AAAA"},
        "write_files": [
            {
                "path": "/etc/ssh/sshd_config.d/10-host-key.conf",
                "content": "HostKey /etc/ssh/ssh_host_ed25519_key\n",
            },
            # As cloud-init would write it a second after sshd has begun to listen, and then restart it.
            {"path": "/etc/ssh/sshd_config.d/50-cloud-init.conf", "content": "PasswordAuthentication no\n"},
            {
                "path": "/etc/ssh/sshd_config.d/10-steps.conf",
                "content": "MaxStartups 512\nMaxSessions 512\nClientAliveInterval 30\n",
            },
        ],
        "ssh_authorized_keys": ["ssh-ed25519 BBBB"],
        "disable_root": True,
        "ssh_pwauth": False,
    }
    assert len(text) < 16384


def test_each_machine_has_a_host_key_of_its_own(local):
    keys = [machine.inputs["userData"] for machine in local.declared(INSTANCE).values()]
    assert len(set(keys)) == 7


def test_steps_reach_a_master_through_the_bastion_with_both_keys_pinned(local):
    connection = local.seen["local-etcd-master-1"].inputs["connection"]
    bastion = local.seen["local-bastion-prepare"].inputs["connection"]
    assert (connection["host"], connection["user"]) == ("10.0.32.17", "admin")
    assert connection["hostKey"] == "ssh-ed25519 local-master-1"
    assert connection["proxy"]["host"] == bastion["host"]
    assert connection["proxy"]["hostKey"] == bastion["hostKey"] == "ssh-ed25519 local-bastion"
    assert connection["privateKey"] == connection["proxy"]["privateKey"] == bastion["privateKey"]


@pytest.mark.parametrize("protection", [True, False])
def test_only_pulumi_ends_what_the_quorum_is_made_of_in_a_cluster_to_keep(protection: bool) -> None:
    engine = Engine().run_stack({"etcdTopology": "dedicated-systemd", "deletionProtection": protection})
    kept = {
        name.removeprefix("kubeadm-")
        for name, machine in engine.declared(INSTANCE).items()
        if machine.inputs["disableApiTermination"]
    }
    quorum = {f"{role}-{number}" for role in ("master", "etcd") for number in range(3)}
    assert kept == (quorum if protection else set())
    assert all(
        machine.inputs["forceDestroy"] == machine.inputs["disableApiTermination"]
        for machine in engine.declared(INSTANCE).values()
    ), "and Pulumi itself may"
