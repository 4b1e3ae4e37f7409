"""Worker pools: workers of other kinds beside the default ones, as the setting `workerPools` describes them by name."""

import re
from collections.abc import Mapping
from typing import Any

from settings.reading import Configuration
from settings.values import MachineSettings, WorkerPool

KEY = "workerPools"
DEFAULT = "worker"
NAME = r"[a-z]([a-z0-9-]{0,22}[a-z0-9])?"
# A machine or a step of another kind has its name from these.
TAKEN = ("master", "etcd", "bastion", "reach")
INSTANCE_TYPE = r"[a-z][a-z0-9-]*\.[a-z0-9-]+"
IMAGE = r"ami-[0-9a-f]{8,17}"
PART = r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?"
WORD = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
LABEL_KEY = rf"((?=[^/]{{1,253}}/){WORD}(\.{WORD})*/)?{PART}"
TAINT = rf"(?P<key>{LABEL_KEY})(=(?P<value>({PART})?))?:(NoSchedule|PreferNoSchedule|NoExecute)"
# A kubelet may not give its own node these, and taints of theirs are how Kubernetes itself speaks of a node.
RESERVED = r"([a-z0-9.-]*\.)?(kubernetes|k8s)\.io/.*|kubeadm-aws/.*|ToBeDeletedByClusterAutoscaler"
DEFAULTS: Mapping[str, Any] = {
    "diskGib": 20,
    "image": "",
    "spot": False,
    "labels": {},
    "taints": [],
    "ingress": True,
}
FIELDS = ("count", "instanceType", *DEFAULTS)


def read_pools(read: Configuration) -> tuple[WorkerPool, ...]:
    """The pools by the order of their names; tells `read` of all that is wrong with them."""
    pools = []
    for name, given in sorted(read.map(KEY).items()):
        problems = _problems(name, given)
        for problem in problems:
            read.refuse(KEY, f"pool {name!r}: {problem}")
        if not problems:
            pools.append(_pool(name, {**DEFAULTS, **given}))
    return tuple(pools)


def _pool(name: str, given: Mapping[str, Any]) -> WorkerPool:
    return WorkerPool(
        name=name,
        machines=MachineSettings(count=given["count"], instance_type=given["instanceType"], disk_gib=given["diskGib"]),
        image=given["image"] or None,
        spot=given["spot"],
        labels=given["labels"],
        taints=tuple(given["taints"]),
        ingress=given["ingress"],
    )


def _problems(name: str, given: object) -> list[str]:
    if not re.fullmatch(NAME, name) or name == DEFAULT or name.partition("-")[0] in TAKEN:
        return [
            "its nodes are named after it: at most 24 lower-case letters, digits and dashes, a letter first, no dash "
            f"last, not {DEFAULT}, and not beginning with {', '.join(TAKEN)}"
        ]
    if not isinstance(given, dict):
        return [f"it must be a map of {', '.join(FIELDS)}"]
    strangers = [key for key in given if key not in FIELDS]
    missing = [key for key in FIELDS[:2] if key not in given]
    if strangers or missing:
        return [
            *(f"there is no {key}; it has {', '.join(FIELDS)}" for key in strangers),
            *(f"{key} is missing" for key in missing),
        ]
    return _wrong_values({**DEFAULTS, **given})


def _wrong_values(pool: Mapping[str, Any]) -> list[str]:
    sound = {
        "count": _is_count(pool["count"], 0, 200),
        "instanceType": isinstance(pool["instanceType"], str) and re.fullmatch(INSTANCE_TYPE, pool["instanceType"]),
        "diskGib": _is_count(pool["diskGib"], 8, 16384),
        "image": isinstance(pool["image"], str) and re.fullmatch(f"({IMAGE})?", pool["image"]),
        "spot": isinstance(pool["spot"], bool),
        "labels": isinstance(pool["labels"], dict) and all(map(_is_label, pool["labels"].items())),
        "taints": isinstance(pool["taints"], list) and all(map(_is_taint, pool["taints"])) and _differ(pool["taints"]),
        "ingress": isinstance(pool["ingress"], bool),
    }
    forms = {
        "count": "it must be a whole number from 0 to 200",
        "instanceType": "it must be an EC2 instance type",
        "diskGib": "it must be a whole number from 8 to 16384",
        "image": "it must be the id of an AMI, or nothing",
        "labels": "it must be a map of labels that Kubernetes takes, no key of which is its own or this program's",
        "taints": "it must be a list as [key=value:NoSchedule], no key of which is Kubernetes's own or this program's",
    }
    return [
        f"{field} is {pool[field]!r}: {forms.get(field, 'it must be true or false')}"
        for field, is_sound in sound.items()
        if not is_sound
    ]


def _is_count(value: object, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _is_label(label: tuple[str, object]) -> bool:
    key, value = label
    return _is_key(key) and isinstance(value, str) and re.fullmatch(f"({PART})?", value) is not None


def _is_taint(taint: object) -> bool:
    found = re.fullmatch(TAINT, taint) if isinstance(taint, str) else None
    return found is not None and _is_key(found["key"])


def _differ(taints: list[str]) -> bool:
    """A node has one taint at most of each key and effect."""
    return len({re.sub("=[^:]*", "", taint) for taint in taints}) == len(taints)


def _is_key(key: str) -> bool:
    return re.fullmatch(LABEL_KEY, key) is not None and re.fullmatch(RESERVED, key) is None
