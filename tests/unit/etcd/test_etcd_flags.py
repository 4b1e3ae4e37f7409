"""The flags that the program decides for every member, in each of the forms that they are given in."""

from dataclasses import replace

import pytest
import yaml
from conftest import run_of
from steps_scene import SETTINGS, readable

from components.etcd.documents import local_etcd, member_documents
from components.etcd.flags import command_line, decided_flags
from components.host.script import read_script

ETCD = replace(SETTINGS.etcd, heartbeat_milliseconds=150, election_milliseconds=2000, quota_gib=4)
EXTRA_ARGUMENTS = [
    {"name": "heartbeat-interval", "value": "150"},
    {"name": "election-timeout", "value": "2000"},
    {"name": "quota-backend-bytes", "value": "4294967296"},
    {"name": "auto-compaction-mode", "value": "periodic"},
    {"name": "auto-compaction-retention", "value": "1h"},
]
UNIT = ' --quota-backend-bytes=8589934592 --auto-compaction-mode=periodic --auto-compaction-retention=1h"\n'
POD = """\
    - name: quota-backend-bytes
      value: '8589934592'
    - name: auto-compaction-mode
      value: periodic
    - name: auto-compaction-retention
      value: 1h
"""
# By stack: a step that starts a member there, and the flags in what it installs.
MEMBERS = {
    "local": ("etcd-master-1", UNIT),
    "local-dedicated-systemd": ("etcd-etcd-1", UNIT),
    "local-dedicated-static-pods": ("etcd-etcd-1", POD),
    "local-stacked": ("control-plane-init", POD),
}


def test_systemd_gets_words_of_a_command() -> None:
    assert command_line(decided_flags(ETCD)) == (
        "--heartbeat-interval=150 --election-timeout=2000 --quota-backend-bytes=4294967296"
        " --auto-compaction-mode=periodic --auto-compaction-retention=1h"
    )


def test_the_unit_takes_them_as_words_and_repeats_none() -> None:
    unit = read_script("etcd/etcd.service")
    assert " \\\n  $FLAGS\nRestart=" in unit, "systemd splits an unquoted variable that is a word of its own"
    assert not [flag for flag in decided_flags(ETCD) if f"--{flag}" in unit]


def test_kubeadm_gets_them_for_a_stacked_member() -> None:
    assert local_etcd(ETCD, cluster_token="5e") == {
        "local": {
            "imageTag": "3.7.0-0",
            "extraArgs": [{"name": "initial-cluster-token", "value": "5e"}, *EXTRA_ARGUMENTS],
        }
    }


def test_kubeadm_gets_them_for_a_static_pod() -> None:
    text = member_documents(
        ETCD, name="etcd-1", address="10.0.32.24", initial_cluster="x", cluster_token="5e", kubernetes_version="1.37.2"
    )
    _, cluster = yaml.safe_load_all(text)
    assert cluster["etcd"]["local"]["extraArgs"][-len(EXTRA_ARGUMENTS) :] == EXTRA_ARGUMENTS


@pytest.mark.parametrize("stack", MEMBERS)
def test_every_topology_starts_members_with_quota_and_compaction(stack: str) -> None:
    engine = run_of(stack)
    cluster = next(iter(engine.declared("aws:ec2/vpc:Vpc")))
    step, flags = MEMBERS[stack]
    assert flags in readable(engine.seen[f"{cluster}-{step}"].inputs["stdin"])
