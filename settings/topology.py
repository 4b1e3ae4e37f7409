"""The topologies of etcd: where its members run, and who runs them there."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Topology:
    """`dedicated`: on machines of their own instead of the masters. `manager` starts a member and keeps it running."""

    dedicated: bool
    manager: Literal["systemd", "kubelet", "kubeadm"]


TOPOLOGIES: Mapping[str, Topology] = {
    "systemd": Topology(dedicated=False, manager="systemd"),
    "dedicated-systemd": Topology(dedicated=True, manager="systemd"),
    "dedicated-static-pods": Topology(dedicated=True, manager="kubelet"),
    "stacked": Topology(dedicated=False, manager="kubeadm"),
}
