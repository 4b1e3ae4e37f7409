"""The topologies of etcd: where its members run, and who runs them there."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Topology:
    """`dedicated`: on machines of their own instead of the masters. `manager` starts a member and keeps it running."""

    name: str
    dedicated: bool
    manager: Literal["systemd", "kubelet", "kubeadm"]


TOPOLOGIES: Mapping[str, Topology] = {
    topology.name: topology
    for topology in (
        Topology(name="systemd", dedicated=False, manager="systemd"),
        Topology(name="dedicated-systemd", dedicated=True, manager="systemd"),
        Topology(name="dedicated-static-pods", dedicated=True, manager="kubelet"),
        Topology(name="stacked", dedicated=False, manager="kubeadm"),
    )
}
