"""The stack's settings: read once, checked whole, and every mistake said before the first resource is made."""

from typing import get_args

from settings.checks import check
from settings.minors import MINORS, minor_of
from settings.pools import DEFAULT, INSTANCE_TYPE, read_pools
from settings.promotion import read_release, read_version
from settings.reading import Configuration
from settings.tags import CLUSTER_TAG, STACK_TAG
from settings.topology import TOPOLOGIES
from settings.values import (
    MAX_DRAIN_SECONDS,
    MAX_VPC_PREFIX,
    MIN_VPC_PREFIX,
    CertificateDistribution,
    EtcdSettings,
    KubernetesSettings,
    MachineSettings,
    NatGateways,
    NetworkSettings,
    Scheme,
    Settings,
    WorkerPool,
)

# The longest name derived from it is <clusterName>-ingress, and a load balancer's name has at most 32 characters.
CLUSTER_NAME = r"(?!(internal|sg)(-|$))[a-z]([a-z0-9-]{0,22}[a-z0-9])?"
DNS_NAME = r"(?=.{1,200}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*"
STAGE = r"([a-zA-Z0-9_.-]{1,100})?"
BASTION_DISK_GIB = 8
# One in each of three zones: any of them may be lost, and two are a quorum.
ETCD_MACHINES = 3


def load() -> Settings:
    """Read the stack's configuration. Raises SettingsError with everything that is wrong with it."""
    read = Configuration()
    region = read.region()
    cluster_name = read.text(
        "clusterName",
        CLUSTER_NAME,
        "at most 24 lower-case letters, digits and dashes, a letter first, no dash last, its first word neither "
        "'internal' nor 'sg': AWS limits the names of load balancers and security groups that are made from it",
    )
    release = read_release(read)
    kubernetes_version = read_version(read, "kubernetesVersion", release)
    minor = MINORS.get(minor_of(kubernetes_version))
    conntrack = read.integer("kubeProxyConntrackMaxPerCore", -1, 1 << 24)
    settings = Settings(
        region=region,
        kubernetes=KubernetesSettings(
            cluster_name=cluster_name,
            private_zone=read.text("privateZone", DNS_NAME, "a DNS name in lower case"),
            version=kubernetes_version,
            network_version=read_version(read, "flannelVersion", release),
            pod_cidr=read.cidr("podCidr", 8, 23, "each node gets a /24 of it"),
            service_cidr=read.cidr("serviceCidr", 12, 24, "the API server takes no more, a cluster needs no less"),
            certificate_distribution=read.choice("certificateDistribution", get_args(CertificateDistribution)),
            ca=read.authority("kubernetesCa"),
            fail_cgroup_v1=read.boolean("failCgroupV1"),
            ignore_preflight_errors=read.names("ignorePreflightErrors"),
            conntrack_max_per_core=None if conntrack == -1 else conntrack,
            drain_timeout_seconds=read.integer("drainTimeoutSeconds", 1, MAX_DRAIN_SECONDS),
        ),
        etcd=EtcdSettings(
            topology=TOPOLOGIES[read.choice("etcdTopology", tuple(TOPOLOGIES))],
            version=read_version(read, "etcdVersion", release),
            image_tag=minor.etcd_image_tag if minor else "",
            heartbeat_milliseconds=read.integer("heartbeatMilliseconds", 1, 10000),
            election_milliseconds=read.integer("electionMilliseconds", 1, 50000),
            quota_gib=read.integer("etcdQuotaGib", 1, 8),
            ca=read.authority("etcdCa"),
        ),
        network=NetworkSettings(
            vpc_cidr=read.cidr("vpcCidr", MIN_VPC_PREFIX, MAX_VPC_PREFIX, "it is cut into a subnet pair for each zone"),
            zones=read.names("availabilityZones") or tuple(f"{region}{letter}" for letter in "abc"),
            nat_gateways=read.choice("natGateways", get_args(NatGateways)),
            admin_cidrs=read.cidrs("adminCidrs"),
            node_ports=read.ports("nodePorts"),
            ingress_scheme=read.choice("ingressScheme", get_args(Scheme)),
            ingress_cidrs=read.cidrs("ingressCidrs"),
        ),
        bastion=MachineSettings(count=1, instance_type=_instance_type(read, "bastion"), disk_gib=BASTION_DISK_GIB),
        masters=_machines(read, "master", read.integer("masterCount", 1, 7)),
        pools=(
            WorkerPool(
                name=DEFAULT, machines=_machines(read, "worker", read.integer("workerCount", 1, 200)), labels={}
            ),
            *read_pools(read),
        ),
        etcd_machines=_machines(read, "etcd", ETCD_MACHINES),
        machine_image=read.text("machineImage", r"(ami-[0-9a-f]{8,17})?", "the id of an AMI, or nothing") or None,
        machine_image_parameter=read.text("machineImageParameter", r"/\S+", "the path of an SSM parameter"),
        image_rollout=read.boolean("imageRollout"),
        max_unavailable_workers=read.integer("maxUnavailableWorkers", 1, 200),
        login_user=read.text("loginUser", r"[a-z_][a-z0-9_-]{0,31}", "the name of a user"),
        mirror=read.text("mirror", r"(https?://[^\s/]+(/\S*[^\s/])?)?", "an http URL without a slash at its end")
        or None,
        tags=read.tags("tags", reserved=("Name", CLUSTER_TAG, STACK_TAG)),
        deletion_protection=read.boolean("deletionProtection"),
        release=release,
        promoted_from=read.text("promotedFrom", STAGE, "the name of a stack, or nothing"),
    )
    check(settings, read)
    read.finish()
    return settings


def _machines(read: Configuration, role: str, count: int) -> MachineSettings:
    return MachineSettings(
        count=count,
        instance_type=_instance_type(read, role),
        disk_gib=read.integer(f"{role}DiskGib", 8, 16384),
    )


def _instance_type(read: Configuration, role: str) -> str:
    return read.text(f"{role}InstanceType", INSTANCE_TYPE, "an EC2 instance type")
