"""What is decided at a cluster's birth: kept in its state, and held against the settings before anything is made."""

import time
from asyncio import Future
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi.runtime.settings import SETTINGS

from settings.reading import refuse_all
from settings.values import Settings

READ_STATE = "pulumi:pulumi:readStackResourceOutputs"
CLUSTER = "kubeadm:index:Cluster"
FOUNDING = "-control-plane-init"
OUTPUT = "decided_at_birth"
FOUNDERS = "etcd_founders"
# The engine writes the state while the program begins, and a file that it is writing is empty for a moment.
HALF_WRITTEN = "failed to load checkpoint"
TRIES, PAUSE_SECONDS = 50, 0.1


@dataclass(frozen=True, kw_only=True)
class Past:
    """What the state knows of the cluster's birth: `decided` by setting, `etcd_founders` the machines etcd began on.

    Nothing and None before the founding, since until then all of it may change.
    """

    decided: Mapping[str, str]
    etcd_founders: Sequence[str] | None

    def check(self, settings: Settings) -> None:
        """Raises SettingsError with every setting that is not what it was when the cluster was founded."""
        decided, again = self.decided, f"'python -m operate reset --stack {pulumi.get_stack()}'"
        problems = [
            f"{pulumi.get_project()}:{key} is {value!r}: it was decided at the cluster's birth, {decided[key]!r}. "
            f"{reason}; set it back, or start over ({again}, on the local region 'make reset') and then change it"
            for key, (value, reason) in _decisions(settings).items()
            if decided.get(key, value) != value
        ]
        if problems:
            refuse_all(problems)

    def record(self, settings: Settings, etcd_machines: Sequence[pulumi.Input[str]]) -> Mapping[str, pulumi.Input[Any]]:
        """What the cluster's component keeps as outputs, for every later update to read."""
        return {
            OUTPUT: {key: value for key, (value, _) in _decisions(settings).items()},
            FOUNDERS: list(etcd_machines) if self.etcd_founders is None else list(self.etcd_founders),
        }


def read() -> Past:
    """What the stack's state has."""
    resources = _read_state(f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}")
    if not any(urn.endswith(FOUNDING) for urn in resources):
        return Past(decided={}, etcd_founders=None)
    outputs = next((resource["outputs"] for resource in resources.values() if resource["type"] == CLUSTER), {})
    return Past(decided=outputs.get(OUTPUT, {}), etcd_founders=outputs.get(FOUNDERS, []))


def _decisions(settings: Settings) -> Mapping[str, tuple[str, str]]:
    """By setting: its value, and the reason why it stays."""
    kubernetes, etcd = settings.kubernetes, settings.etcd
    decisions = {
        "etcdTopology": (etcd.topology.name, "etcd's members and their data would have to move"),
        "masterCount": (str(settings.masters.count), "Masters would have to join or leave the cluster with their etcd"),
        "vpcCidr": (settings.network.vpc_cidr, "All machines would have to be made again at once"),
        "podCidr": (kubernetes.pod_cidr, "Each node has its share of it and pods with addresses"),
        "serviceCidr": (kubernetes.service_cidr, "Services keep the addresses that they got"),
        "privateZone": (kubernetes.private_zone, "Every node and certificate has the API server's name from it"),
    }
    if etcd.topology.manager == "kubeadm":
        reason = "kubeadm starts etcd's members with what the cluster was founded with"
        decisions |= {
            "heartbeatMilliseconds": (str(etcd.heartbeat_milliseconds), reason),
            "electionMilliseconds": (str(etcd.election_milliseconds), reason),
            "etcdQuotaGib": (str(etcd.quota_gib), reason),
        }
    return decisions


def _read_state(stack: str) -> Mapping[str, Any]:
    """The outputs of the stack's resources, as its state has them."""
    left = TRIES
    while True:
        left -= 1
        try:
            return pulumi.runtime.invoke(READ_STATE, {"stackName": stack}).value["outputs"]
        except Exception as error:
            if HALF_WRITTEN not in str(error) or not left:
                raise
        _forgive()
        time.sleep(PAUSE_SECONDS)


def _forgive() -> None:
    """The SDK ends a program in the end for any call that failed, whoever caught it."""
    calls = SETTINGS.rpc_manager  # pyright: ignore[reportAttributeAccessIssue] (a property made by a decorator)
    calls.unhandled_exception = calls.exception_traceback = None
    calls.rpcs = [rpc for rpc in calls.rpcs if not (isinstance(rpc, Future) and rpc.done() and rpc.exception())]
