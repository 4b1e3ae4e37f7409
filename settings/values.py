"""What a stack may decide, as values that components take."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from settings.given_ca import GivenCa
from settings.ports import API_PORT
from settings.releases import release_of
from settings.tags import CLUSTER_TAG
from settings.topology import TOPOLOGIES, Topology

ETCD_IMAGE = "registry.k8s.io/etcd"
# A sixteenth of the VPC is cut into the public subnets, each of the other fifteen is a private one.
MIN_VPC_PREFIX = 16  # AWS's largest VPC
MAX_VPC_PREFIX = 19  # a public subnet is a /27 then, the smallest that AWS takes a load balancer in
ZONE_LETTERS = "abcdefghijklmno"

NatGateways = Literal["one", "per-zone"]
Scheme = Literal["internal", "internet-facing"]
# How masters but the first come by what all share: each step places it, or they download what the first one uploads.
CertificateDistribution = Literal["placed", "uploaded"]


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

    def resource_tags(self) -> Mapping[str, str]:
        """What everything that takes tags is tagged with, besides its Name."""
        return {**self.tags, CLUSTER_TAG: self.cluster_name}

    @property
    def api_name(self) -> str:
        """The API server's DNS name: known before anything exists, the same after anything was replaced."""
        return f"api.{self.cluster_name}.{self.private_zone}"

    @property
    def api_endpoint(self) -> str:
        """Where clients reach the API server, whichever lives."""
        return f"https://{self.api_name}:{API_PORT}"

    @property
    def topology(self) -> Topology:
        """Where etcd's members run, and who runs them there."""
        return TOPOLOGIES[self.etcd_topology]

    @property
    def etcd_release(self) -> str:
        """The version of the etcd that runs: where it comes as an image, the tag that goes with Kubernetes."""
        return (
            self.etcd_version
            if self.topology.manager == "systemd"
            else release_of(self.kubernetes_version).etcd_image_tag
        )

    @property
    def etcd_image(self) -> str | None:
        """The image that runs etcd, where a container does."""
        return None if self.topology.manager == "systemd" else f"{ETCD_IMAGE}:{self.etcd_release}"
