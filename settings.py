"""What a stack may decide: read once, checked whole, and every mistake said before the first resource is made."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network
from itertools import combinations
from typing import get_args

from components.certificate_upload import CertificateDistribution
from components.certificates import GivenCa
from components.kubeadm_config import etcd_image_tag
from components.network import MAX_VPC_PREFIX, MIN_VPC_PREFIX, ZONE_LETTERS, NatGateways, Scheme
from components.topology import TOPOLOGIES, Topology
from configuration import Configuration

# The longest name derived from it is <clusterName>-ingress, and a load balancer's name has at most 32 characters.
CLUSTER_NAME = r"(?!(internal|sg)(-|$))[a-z]([a-z0-9-]{0,22}[a-z0-9])?"
DNS_NAME = r"(?=.{1,200}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*"
INSTANCE_TYPE = r"[a-z][a-z0-9-]*\.[a-z0-9-]+"

# Kubernetes' minor versions that this program's documents are right for, and etcd's that kubeadm runs them with.
ETCD_OF_KUBERNETES = {"1.35": ("3.6", "3.7"), "1.36": ("3.6", "3.7"), "1.37": ("3.6", "3.7")}
AWS_ZONES = r"(^|\.)(amazonaws\.com|compute\.internal|ec2\.internal)$"
RULES_OF_A_GROUP = 60
ETCD_IMAGE = "registry.k8s.io/etcd"
CLUSTER_TAG = "kubeadm-aws:cluster"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One stack's decisions, as `Pulumi.yaml` declares them; CIDRs and versions are known to be well-formed."""

    region: str
    cluster_name: str
    availability_zones: tuple[str, ...]
    vpc_cidr: str
    pod_cidr: str
    service_cidr: str
    private_zone: str
    admin_cidrs: tuple[str, ...]
    nat_gateways: NatGateways
    bastion_instance_type: str
    master_count: int
    master_instance_type: str
    master_disk_gib: int
    worker_count: int
    worker_instance_type: str
    worker_disk_gib: int
    etcd_instance_type: str
    etcd_disk_gib: int
    machine_image: str | None
    machine_image_parameter: str
    login_user: str
    kubernetes_version: str
    etcd_version: str
    flannel_version: str
    etcd_topology: str
    certificate_distribution: CertificateDistribution
    heartbeat_milliseconds: int
    election_milliseconds: int
    etcd_ca: GivenCa | None
    kubernetes_ca: GivenCa | None
    mirror: str | None
    node_ports: Mapping[int, int]
    ingress_scheme: Scheme
    ingress_cidrs: tuple[str, ...]
    fail_cgroup_v1: bool
    ignore_preflight_errors: tuple[str, ...]
    kube_proxy_conntrack_max_per_core: int | None
    tags: Mapping[str, str]
    deletion_protection: bool

    @classmethod
    def load(cls) -> "Settings":
        """Read the stack's configuration. Raises SettingsError with everything that is wrong with it."""
        read = Configuration()
        region = read.region()
        cluster_name = read.text(
            "clusterName",
            CLUSTER_NAME,
            "at most 24 lower-case letters, digits and dashes, a letter first, no dash last, its first word neither "
            "'internal' nor 'sg': AWS limits the names of load balancers and security groups that are made from it",
        )
        zones = read.names("availabilityZones") or tuple(f"{region}{letter}" for letter in "abc")
        conntrack = read.integer("kubeProxyConntrackMaxPerCore", -1, 1 << 24)
        settings = cls(
            region=region,
            cluster_name=cluster_name,
            availability_zones=zones,
            vpc_cidr=read.cidr("vpcCidr", MIN_VPC_PREFIX, MAX_VPC_PREFIX, "it is cut into a subnet pair for each zone"),
            pod_cidr=read.cidr("podCidr", 8, 23, "each node gets a /24 of it"),
            service_cidr=read.cidr("serviceCidr", 12, 24, "the API server takes no more, a cluster needs no less"),
            private_zone=read.text("privateZone", DNS_NAME, "a DNS name in lower case"),
            admin_cidrs=read.cidrs("adminCidrs"),
            nat_gateways=read.choice("natGateways", get_args(NatGateways)),
            bastion_instance_type=read.text("bastionInstanceType", INSTANCE_TYPE, "an EC2 instance type"),
            master_count=read.integer("masterCount", 1, 7),
            master_instance_type=read.text("masterInstanceType", INSTANCE_TYPE, "an EC2 instance type"),
            master_disk_gib=read.integer("masterDiskGib", 8, 16384),
            worker_count=read.integer("workerCount", 1, 200),
            worker_instance_type=read.text("workerInstanceType", INSTANCE_TYPE, "an EC2 instance type"),
            worker_disk_gib=read.integer("workerDiskGib", 8, 16384),
            etcd_instance_type=read.text("etcdInstanceType", INSTANCE_TYPE, "an EC2 instance type"),
            etcd_disk_gib=read.integer("etcdDiskGib", 8, 16384),
            machine_image=read.text("machineImage", r"(ami-[0-9a-f]{8,17})?", "the id of an AMI, or nothing") or None,
            machine_image_parameter=read.text("machineImageParameter", r"/\S+", "the path of an SSM parameter"),
            login_user=read.text("loginUser", r"[a-z_][a-z0-9_-]{0,31}", "the name of a user"),
            kubernetes_version=read.version("kubernetesVersion"),
            etcd_version=read.version("etcdVersion"),
            flannel_version=read.version("flannelVersion"),
            etcd_topology=read.choice("etcdTopology", tuple(TOPOLOGIES)),
            certificate_distribution=read.choice("certificateDistribution", get_args(CertificateDistribution)),
            heartbeat_milliseconds=read.integer("heartbeatMilliseconds", 1, 10000),
            election_milliseconds=read.integer("electionMilliseconds", 1, 50000),
            etcd_ca=read.authority("etcdCa"),
            kubernetes_ca=read.authority("kubernetesCa"),
            mirror=read.text("mirror", r"(https?://[^\s/]+(/\S*[^\s/])?)?", "an http URL without a slash at its end")
            or None,
            node_ports=read.ports("nodePorts"),
            ingress_scheme=read.choice("ingressScheme", get_args(Scheme)),
            ingress_cidrs=read.cidrs("ingressCidrs"),
            fail_cgroup_v1=read.boolean("failCgroupV1"),
            ignore_preflight_errors=read.names("ignorePreflightErrors"),
            kube_proxy_conntrack_max_per_core=None if conntrack == -1 else conntrack,
            tags=read.tags("tags", reserved=("Name", CLUSTER_TAG)),
            deletion_protection=read.boolean("deletionProtection"),
        )
        settings._check(read)
        read.finish()
        return settings

    def resource_tags(self) -> Mapping[str, str]:
        """What everything that takes tags is tagged with, besides its Name."""
        return {**self.tags, CLUSTER_TAG: self.cluster_name}

    @property
    def api_name(self) -> str:
        """The API server's DNS name: known before anything exists, the same after anything was replaced."""
        return f"api.{self.cluster_name}.{self.private_zone}"

    @property
    def topology(self) -> Topology:
        """Where etcd's members run, and who runs them there."""
        return TOPOLOGIES[self.etcd_topology]

    @property
    def etcd_release(self) -> str:
        """The version of the etcd that runs: where it comes as an image, the tag that goes with Kubernetes."""
        return self.etcd_version if self.topology.manager == "systemd" else etcd_image_tag(self.kubernetes_version)

    @property
    def etcd_image(self) -> str | None:
        """The image that runs etcd, where a container does."""
        return None if self.topology.manager == "systemd" else f"{ETCD_IMAGE}:{self.etcd_release}"

    def _check(self, read: Configuration) -> None:
        self._check_counts(read)
        self._check_zones(read)
        self._check_networks(read)
        self._check_etcd(read)

    def _check_counts(self, read: Configuration) -> None:
        if read.sound("etcdTopology") and not self.topology.dedicated and self.master_count % 2 == 0:
            reason = "it must be odd: an even number of etcd members outlives no more failures than one member fewer"
            read.refuse("masterCount", reason, self.master_count)
        if read.sound("masterCount", "workerCount", "podCidr"):
            nodes, room = self.master_count + self.worker_count, 1 << (24 - IPv4Network(self.pod_cidr).prefixlen)
            if nodes > room:
                reason = f"it is too small: each of {nodes} nodes gets a /24 of it, and there are {room}"
                read.refuse("podCidr", reason, self.pod_cidr)

    def _check_zones(self, read: Configuration) -> None:
        if not read.sound("availabilityZones"):
            return
        key, zones = "availabilityZones", list(self.availability_zones)
        strangers = [zone for zone in zones if not zone.startswith(self.region)]
        if strangers:
            read.refuse(key, f"{', '.join(strangers)}: not in region {self.region}", zones)
        elif {zone[-1] for zone in zones} - set(ZONE_LETTERS) or len({zone[-1] for zone in zones}) < len(zones):
            read.refuse(key, "each must end with a letter of its own, from a to o: subnets are laid out by it", zones)
        elif (self.topology.dedicated or self.master_count > 1) and len(zones) < 3:
            members = "etcd's machines" if self.topology.dedicated else "the masters"
            read.refuse(key, f"{members} need three at least, or the loss of one zone may take the quorum", zones)

    def _check_networks(self, read: Configuration) -> None:
        blocks = {"vpcCidr": self.vpc_cidr, "podCidr": self.pod_cidr, "serviceCidr": self.service_cidr}
        for (one, first), (other, second) in combinations(blocks.items(), 2):
            if read.sound(one, other) and IPv4Network(first).overlaps(IPv4Network(second)):
                read.refuse(other, f"it overlaps {one}, {first}: an address would be two things at once", second)
        if read.sound("adminCidrs"):
            if not self.admin_cidrs:
                reason = "somebody must be let in: name the addresses that you administer the cluster from"
                read.refuse("adminCidrs", reason, [])
            for cidr in self.admin_cidrs:
                if IPv4Network(cidr).prefixlen < 8:
                    reason = f"{cidr} opens the bastion's SSH to the world; name the addresses that you use"
                    read.refuse("adminCidrs", reason, list(self.admin_cidrs))
        if self.ingress_scheme == "internet-facing" and read.sound("ingressCidrs") and not self.ingress_cidrs:
            reason = "an internet-facing balancer needs to know who may connect; 0.0.0.0/0 is everybody"
            read.refuse("ingressCidrs", reason, [])
        zone = f"{self.cluster_name}.{self.private_zone}"
        if read.sound("clusterName", "privateZone") and re.search(AWS_ZONES, zone):
            read.refuse(
                "privateZone", f"the zone is {zone} then, and that name is AWS's own inside a VPC", self.private_zone
            )
        self._check_rules(read)

    def _check_rules(self, read: Configuration) -> None:
        if not read.sound("adminCidrs", "nodePorts", "ingressCidrs", "natGateways", "availabilityZones"):
            return
        gateways = 1 if self.nat_gateways == "one" else len(self.availability_zones)
        clients = 1 + gateways + len(set(self.ingress_cidrs) - {self.vpc_cidr})
        rules = {"adminCidrs": len(self.admin_cidrs), "nodePorts": len(self.node_ports) * clients}
        for key, count in rules.items():
            if count > RULES_OF_A_GROUP:
                reason = f"it makes {count} rules of one security group, and AWS grants {RULES_OF_A_GROUP} unasked"
                if key == "nodePorts":
                    reason += ": each port has one for the VPC, each NAT gateway and each of ingressCidrs"
                read.refuse(key, reason)

    def _check_etcd(self, read: Configuration) -> None:
        if (
            read.sound("heartbeatMilliseconds", "electionMilliseconds")
            and 5 * self.heartbeat_milliseconds > self.election_milliseconds
        ):
            reason = (
                f"etcd wants five heartbeats in it at least, and heartbeatMilliseconds is {self.heartbeat_milliseconds}"
            )
            read.refuse("electionMilliseconds", reason, self.election_milliseconds)
        if not read.sound("kubernetesVersion", "etcdVersion"):
            return
        minor = self.kubernetes_version.rpartition(".")[0]
        if minor not in ETCD_OF_KUBERNETES:
            reason = f"this program knows Kubernetes {', '.join(ETCD_OF_KUBERNETES)}"
            read.refuse("kubernetesVersion", reason, self.kubernetes_version)
        elif self.etcd_version.rpartition(".")[0] not in ETCD_OF_KUBERNETES[minor]:
            reason = f"Kubernetes {minor} is supported with etcd {' or '.join(ETCD_OF_KUBERNETES[minor])}"
            read.refuse("etcdVersion", reason, self.etcd_version)
