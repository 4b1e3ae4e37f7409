"""The table of minors: what goes with each minor version of Kubernetes that this program's documents are right for."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Minor:
    """`etcd_minors` are those that Kubernetes is supported with; `etcd_image_tag` is its kubeadm's own choice.

    The tag is of registry.k8s.io/etcd, for a member that kubeadm or a kubelet runs: `kubeadm config images list`.
    """

    etcd_minors: tuple[str, ...]
    etcd_image_tag: str


MINORS: Mapping[str, Minor] = {
    "1.35": Minor(etcd_minors=("3.6", "3.7"), etcd_image_tag="3.6.6-0"),
    "1.36": Minor(etcd_minors=("3.6", "3.7"), etcd_image_tag="3.6.8-0"),
    "1.37": Minor(etcd_minors=("3.6", "3.7"), etcd_image_tag="3.7.0-0"),
}


def minor_of(version: str) -> str:
    """1.37 of 1.37.2."""
    return version.rpartition(".")[0]
