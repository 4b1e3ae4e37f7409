"""About how long each part that is made once takes two cores, and the steps that a tool's build tells.

A file of its own: what it says decides nothing of what is made.
"""

from collections.abc import Iterable, Mapping

SECONDS: Mapping[str, float] = {
    "packages": 20,
    "image": 45,
    "mirror of debian": 15,
    "kubernetes": 370,
    "pulumi": 115,
    "coredns": 70,
    "flannel": 45,
    "etcd": 36,
    "crictl": 30,
    "pulumi-language-python": 25,
    "cni": 6,
    "flannel-cni": 2,
    "mirror of kubernetes": 8,
    "mirror of etcd": 4,
    "mirror of images": 25,
}

STEPS: Mapping[str, int] = {
    "kubernetes": 2970,
    "pulumi": 1270,
    "coredns": 570,
    "flannel": 490,
    "etcd": 310,
    "crictl": 320,
    "pulumi-language-python": 320,
    "cni": 54,
    "flannel-cni": 21,
}
"""Modules that are fetched and packages that are compiled, when Go has neither."""


def seconds(parts: Iterable[str]) -> Mapping[str, float]:
    return {part: SECONDS[part] for part in parts}
