"""What a stack may decide, as values that components take."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from settings.given_ca import GivenCa
from settings.ports import API_PORT
from settings.release import Release
from settings.tags import CLUSTER_TAG
from settings.topology import Topology

ETCD_IMAGE = "registry.k8s.io/etcd"
MAX_DRAIN_SECONDS = 24 * 60 * 60
# A sixteenth of the VPC is cut into the public subnets, each of the other fifteen is a private one.
MIN_VPC_PREFIX = 16  # AWS's largest VPC
MAX_VPC_PREFIX = 19  # a public subnet is a /27 then, the smallest that AWS takes a load balancer in
ZONE_LETTERS = "abcdefghijklmno"

NatGateways = Literal["one", "per-zone"]
Scheme = Literal["internal", "internet-facing"]
# How masters but the first come by what all share: each step places it, or they download what the first one uploads.
CertificateDistribution = Literal["placed", "uploaded"]


@dataclass(frozen=True, kw_only=True)
class KubernetesSettings:
    """The cluster that kubeadm makes, and what its nodes have in common; `network_version` is the add-on's."""

    cluster_name: str
    private_zone: str
    version: str
    network_version: str
    pod_cidr: str
    service_cidr: str
    certificate_distribution: CertificateDistribution
    ca: GivenCa | None
    fail_cgroup_v1: bool
    ignore_preflight_errors: tuple[str, ...]
    conntrack_max_per_core: int | None
    drain_timeout_seconds: int

    @property
    def api_name(self) -> str:
        """The API server's DNS name: known before anything exists, the same after anything was replaced."""
        return f"api.{self.cluster_name}.{self.private_zone}"

    @property
    def api_endpoint(self) -> str:
        """Where clients reach the API server, whichever lives."""
        return f"https://{self.api_name}:{API_PORT}"


@dataclass(frozen=True, kw_only=True)
class EtcdSettings:
    """What all members have in common. Under systemd `version` runs, elsewhere the image with `image_tag`."""

    topology: Topology
    version: str
    image_tag: str
    heartbeat_milliseconds: int
    election_milliseconds: int
    quota_gib: int
    ca: GivenCa | None

    @property
    def release(self) -> str:
        """The version of the etcd that runs."""
        return self.version if self.topology.manager == "systemd" else self.image_tag

    @property
    def image(self) -> str | None:
        """The image that runs etcd, where a container does."""
        return None if self.topology.manager == "systemd" else f"{ETCD_IMAGE}:{self.image_tag}"


@dataclass(frozen=True, kw_only=True)
class NetworkSettings:
    """The VPC, and who may come in: administrators to the bastion, clients to the NodePorts by the balancer's port."""

    vpc_cidr: str
    zones: tuple[str, ...]
    nat_gateways: NatGateways
    admin_cidrs: tuple[str, ...]
    node_ports: Mapping[int, int]
    ingress_scheme: Scheme
    ingress_cidrs: tuple[str, ...]


def numbered(name: str, count: int) -> tuple[str, ...]:
    """What the nodes of a role or a pool are called."""
    return tuple(f"{name}-{ordinal}" for ordinal in range(count))


@dataclass(frozen=True, kw_only=True)
class MachineSettings:
    """The machines of one role; `disk_gib` is the encrypted root volume of each."""

    count: int
    instance_type: str
    disk_gib: int


@dataclass(frozen=True, kw_only=True)
class WorkerPool:
    """Workers of one kind, whose nodes are called `name`-0 and so on.

    `image` is in place of the cluster's. Labels are by key, taints as `key=value:Effect`. `spot` machines may end any
    time. The ingress balancer sends clients only to pools with `ingress`.
    """

    name: str
    machines: MachineSettings
    image: str | None = None
    spot: bool = False
    labels: Mapping[str, str]
    taints: tuple[str, ...] = ()
    ingress: bool = True

    @property
    def nodes(self) -> tuple[str, ...]:
        return numbered(self.name, self.machines.count)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One stack's decisions, as `Pulumi.yaml` declares them; CIDRs and versions are known to be well-formed.

    A component takes the slice that it needs. `etcd_machines` are for the dedicated topologies. `release` is what
    the stack is pinned to, `promoted_from` the stack that must have proved it.
    """

    region: str
    kubernetes: KubernetesSettings
    etcd: EtcdSettings
    network: NetworkSettings
    bastion: MachineSettings
    masters: MachineSettings
    pools: tuple[WorkerPool, ...]
    etcd_machines: MachineSettings
    machine_image: str | None
    machine_image_parameter: str
    image_rollout: bool
    max_unavailable_workers: int
    login_user: str
    mirror: str | None
    tags: Mapping[str, str]
    deletion_protection: bool
    release: Release | None
    promoted_from: str

    @property
    def quorum_machines(self) -> Mapping[str, MachineSettings]:
        """What etcd's quorum and the API are made of, by role, in the order in which they change."""
        return {**({"etcd": self.etcd_machines} if self.etcd.topology.dedicated else {}), "master": self.masters}

    def resource_tags(self) -> Mapping[str, str]:
        """What everything that takes tags is tagged with, besides its Name."""
        return {**self.tags, CLUSTER_TAG: self.kubernetes.cluster_name}
