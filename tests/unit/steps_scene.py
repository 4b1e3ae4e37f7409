"""What the tests of components stand on: settings, machines that are not there, and keys that are none."""

import base64
import re

import pulumi
from pulumi_command.remote import ConnectionArgs

from components.host.node import Node
from settings.source import Source
from settings.topology import TOPOLOGIES
from settings.values import EtcdSettings, KubernetesSettings, MachineSettings, NetworkSettings, Settings, WorkerPool

MACHINES = MachineSettings(count=3, instance_type="t3.small", disk_gib=20)
SETTINGS = Settings(
    region="us-east-1",
    kubernetes=KubernetesSettings(
        cluster_name="demo",
        private_zone="internal",
        version="1.37.2",
        network_version="0.28.10",
        pod_cidr="10.244.0.0/16",
        service_cidr="10.96.0.0/12",
        certificate_distribution="placed",
        ca=None,
        fail_cgroup_v1=True,
        ignore_preflight_errors=(),
        conntrack_max_per_core=None,
        drain_timeout_seconds=300,
    ),
    etcd=EtcdSettings(
        topology=TOPOLOGIES["systemd"],
        version="3.7.3",
        image_tag="3.7.0-0",
        heartbeat_milliseconds=100,
        election_milliseconds=1000,
        quota_gib=8,
        ca=None,
    ),
    network=NetworkSettings(
        vpc_cidr="10.0.0.0/16",
        zones=("us-east-1a", "us-east-1b", "us-east-1c"),
        nat_gateways="one",
        admin_cidrs=("198.51.100.0/24",),
        node_ports={80: 30080},
        ingress_scheme="internal",
        ingress_cidrs=(),
    ),
    bastion=MACHINES,
    masters=MACHINES,
    pools=(WorkerPool(name="worker", machines=MACHINES, labels={}),),
    etcd_machines=MACHINES,
    machine_image=None,
    machine_image_parameter="/debian",
    image_rollout=False,
    max_unavailable_workers=1,
    login_user="admin",
    mirror=None,
    tags={},
    deletion_protection=True,
    release=None,
    promoted_from="",
)
SOURCE = Source(program="0123456789abcdef" * 4, commit="89abcdef" * 5)


class Thing(pulumi.CustomResource):
    """Any resource, for what other components would make."""

    def __init__(self, name: str) -> None:
        super().__init__("test:index:Thing", name, {})


def plugin_outputs(kind: str, name: str) -> dict[str, str]:
    """What the mocked plugins give: texts that tell where they came from."""
    return {
        "tls:index/privateKey:PrivateKey": {"privateKeyPem": f"KEY OF {name}", "publicKeyPem": f"public {name}"},
        "tls:index/certRequest:CertRequest": {"certRequestPem": f"request {name}"},
        "tls:index/locallySignedCert:LocallySignedCert": {"certPem": f"certificate {name}"},
        "tls:index/selfSignedCert:SelfSignedCert": {"certPem": f"certificate {name}"},
        "command:remote:Command": {"stdout": ""},
    }.get(kind, {})


def readable(text: str) -> str:
    """The text of a step and that of the files in it."""
    files = re.findall(r"<<'END_OF_FILE'\n(.*?)END_OF_FILE", text, re.DOTALL)
    return "\n".join([text, *(base64.b64decode(file).decode() for file in files)])


def make_node(role: str, ordinal: int) -> Node:
    """`role`-`ordinal` with a machine of its own, in a zone by ordinal."""
    name = f"{role}-{ordinal}"
    machine = Thing(f"{name}-machine")
    return Node(
        name=name,
        address=f"10.0.{ordinal}.{10 if role == 'master' else 100}",
        zone="us-east-1" + "abc"[ordinal],
        connection=ConnectionArgs(host=f"{name}.test", user="admin"),
        identity=pulumi.Output.concat("i-", name, "-", machine.id),
        made_of="t3.small, 20 GiB",
        wanted="t3.small, 20 GiB, ami-1",
        machine=machine,
        running=machine,
        host_key=pulumi.Output.from_input("ssh-ed25519 AAAA"),
    )
