"""What is decided at a cluster's birth: kept in its state, and held against the settings before anything is made."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from settings.asking import AskingError, ask
from settings.given_ca import GivenCa
from settings.minors import minor_of
from settings.reading import refuse_all
from settings.release import HISTORY
from settings.values import Settings

READ_STATE = "pulumi:pulumi:readStackResourceOutputs"
CLUSTER = "kubeadm:index:Cluster"
FLEET = "kubeadm:index:Fleet"
INSTANCE = "aws:ec2/instance:Instance"
NETWORK = "aws:ec2/vpc:Vpc"
FOUNDING = "-control-plane-init"
JOIN = "-control-plane-join-"
OUTPUT = "decided_at_birth"
ZONES = "zones"
FOUNDERS = "etcd_founders"
STARTS = "starts"
IMAGES = "pool_images"
RELEASE = "kubeadm:index:Release"
ACCEPTED = "accepted"
STACK = "pulumi:pulumi:Stack"
CHANGES = "changes"
# The engine writes the state while the program begins, and a file that it is writing is empty for a moment.
HALF_WRITTEN = "failed to load checkpoint"
TRIES, PAUSE_SECONDS = 50, 0.1


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A machine as it was when the state was last written: AWS's id of it and its image's, its zone, type and disk."""

    identity: str
    image: str
    zone: str
    instance_type: str
    disk_gib: int
    spot: bool


@dataclass(frozen=True, kw_only=True)
class Past:
    """What the state knows of the cluster's birth: `decided` by setting, `etcd_founders` the machines etcd began on.

    Nothing and None before the founding, since until then all of it may change. `zones` and `machines` are those of the
    last update, `starts` is how often each had to be started, and `changes` to be changed, by their resources' names.
    `pool_images` are those that worker pools had of their own, `joined` the masters that have joined another.
    `networks` are VPCs by id, `accepted` is the release that the stack was let have, `verified` all that was proved.
    """

    decided: Mapping[str, str]
    zones: str
    etcd_founders: Sequence[str] | None
    machines: Mapping[str, "Machine"]
    starts: Mapping[str, int]
    changes: Mapping[str, int]
    pool_images: Mapping[str, str]
    joined: frozenset[str]
    networks: frozenset[str]
    accepted: Mapping[str, Any] | None
    verified: Sequence[Mapping[str, Any]]

    @property
    def is_founded(self) -> bool:
        return self.etcd_founders is not None

    def check(self, settings: Settings) -> None:
        """Raises SettingsError with every setting that is not what it was when the cluster was founded."""
        decided, again = self.decided, f"'python -m operate reset --stack {pulumi.get_stack()}'"
        problems = [
            f"{_full(key)} is {value!r}: it was decided at the cluster's birth, {decided[key]!r}. {reason}; set "
            f"it back, or start over ({again}, on the local region 'make reset') and then change it"
            for key, (value, reason) in _decisions(settings).items()
            if decided.get(key, value) != value
        ]
        now = ", ".join(settings.network.zones)
        if not now.startswith(self.zones):
            problems.append(
                f"{_full('availabilityZones')} is {now!r}: balancers stay where they are, in {self.zones!r}, and more "
                "may only be appended"
            )
        if problems:
            refuse_all(problems)

    def record(self, settings: Settings, etcd_machines: Sequence[pulumi.Input[str]]) -> Mapping[str, pulumi.Input[Any]]:
        """What the cluster's component keeps as outputs, for every later update to read."""
        return {
            OUTPUT: {key: value for key, (value, _) in _decisions(settings).items()},
            ZONES: ", ".join(settings.network.zones),
            FOUNDERS: list(etcd_machines) if self.etcd_founders is None else list(self.etcd_founders),
        }


def read() -> Past:
    """What the stack's state has."""
    resources = _read_state(f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}")
    is_founded = any(urn.endswith(FOUNDING) for urn in resources)
    cluster = _outputs(resources, CLUSTER) if is_founded else {}
    fleet = _outputs(resources, FLEET)
    return Past(
        decided=cluster.get(OUTPUT, {}),
        zones=cluster.get(ZONES, ""),
        etcd_founders=cluster.get(FOUNDERS, []) if is_founded else None,
        machines={
            urn.rpartition("::")[2]: _machine(resource["outputs"])
            for urn, resource in resources.items()
            if resource["type"] == INSTANCE and "arn" in resource["outputs"]
        },
        starts={name: int(count) for name, count in fleet.get(STARTS, {}).items()},
        changes={name: int(count) for name, count in fleet.get(CHANGES, {}).items()},
        pool_images=fleet.get(IMAGES, {}),
        joined=frozenset(urn.rpartition(JOIN)[2] for urn in resources if JOIN in urn),
        networks=frozenset(_id(one["outputs"]) for one in resources.values() if one["type"] == NETWORK),
        accepted=_outputs(resources, RELEASE).get(ACCEPTED),
        verified=_outputs(resources, STACK).get(HISTORY) or [],
    )


def _outputs(resources: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    return next((resource["outputs"] for resource in resources.values() if resource["type"] == kind), {})


def _id(outputs: Mapping[str, Any]) -> str:
    """AWS's id, with which an ARN ends; empty where there is none."""
    return outputs.get("arn", "").rpartition("/")[2]


def _machine(outputs: Mapping[str, Any]) -> Machine:
    return Machine(
        identity=_id(outputs),
        image=outputs["ami"],
        zone=outputs.get("availabilityZone") or "",
        instance_type=outputs["instanceType"],
        disk_gib=int((outputs.get("rootBlockDevice") or {}).get("volumeSize") or 0),
        spot=(outputs.get("instanceMarketOptions") or {}).get("marketType") == "spot",
    )


def _full(key: str) -> str:
    return key if ":" in key else f"{pulumi.get_project()}:{key}"


def _decisions(settings: Settings) -> Mapping[str, tuple[str, str]]:
    """By setting: its value, and the reason why it stays."""
    kubernetes, etcd, network = settings.kubernetes, settings.etcd, settings.network
    founded = "Only the cluster's founding reads it"
    moved = "This program does not move a living cluster to another version"
    trusted = "All that the cluster's parts trust comes from it"
    decisions = {
        "aws:region": (settings.region, "All machines would have to be made again at once"),
        "clusterName": (kubernetes.cluster_name, "Everything has its name from it and would be made again"),
        "availabilityZones": (_places(settings), "Whichever moves is another machine, and all would move at once"),
        "loginUser": (settings.login_user, "Machines know only the user that they were made with"),
        "etcdTopology": (etcd.topology.name, "etcd's members and their data would have to move"),
        "masterCount": (str(settings.masters.count), "Masters would have to join or leave the cluster with their etcd"),
        "vpcCidr": (network.vpc_cidr, "All machines would have to be made again at once"),
        "podCidr": (kubernetes.pod_cidr, "Each node has its share of it and pods with addresses"),
        "serviceCidr": (kubernetes.service_cidr, "Services keep the addresses that they got"),
        "privateZone": (kubernetes.private_zone, "Every node and certificate has the API server's name from it"),
        "kubernetesCa": (_authority(kubernetes.ca), trusted),
        "etcdCa": (_authority(etcd.ca), trusted),
        "failCgroupV1": (str(kubernetes.fail_cgroup_v1).lower(), founded),
        "kubeProxyConntrackMaxPerCore": (
            "-1" if kubernetes.conntrack_max_per_core is None else str(kubernetes.conntrack_max_per_core),
            founded,
        ),
        "kubernetesVersion": (kubernetes.version, moved),
    }
    if etcd.topology.manager == "systemd":
        decisions["etcdVersion"] = (minor_of(etcd.version), moved)
    if etcd.topology.manager == "kubeadm":
        reason = "kubeadm starts etcd's members with what the cluster was founded with"
        decisions |= {
            "heartbeatMilliseconds": (str(etcd.heartbeat_milliseconds), reason),
            "electionMilliseconds": (str(etcd.election_milliseconds), reason),
            "etcdQuotaGib": (str(etcd.quota_gib), reason),
        }
    return decisions


def _places(settings: Settings) -> str:
    """Where machines are whose loss costs a vote: number n of a role is in zone n, counted round."""
    zones, dedicated = settings.network.zones, settings.etcd.topology.dedicated
    counts = {"master": settings.masters.count, "etcd": settings.etcd_machines.count if dedicated else 0}
    return ", ".join(
        f"{role}-{number} in {zones[number % len(zones)]}" for role, count in counts.items() for number in range(count)
    )


def _authority(given: GivenCa | None) -> str:
    return "the program's own" if given is None else f"SHA-256 {given.fingerprint}"


def _read_state(stack: str) -> Mapping[str, Any]:
    """The outputs of the stack's resources, as its state has them."""
    left = TRIES
    while True:
        left -= 1
        try:
            return ask(READ_STATE, {"stackName": stack})["outputs"]
        except AskingError as error:
            if HALF_WRITTEN not in str(error) or not left:
                raise
        time.sleep(PAUSE_SECONDS)
