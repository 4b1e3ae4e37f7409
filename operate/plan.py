"""The plan: what an update changes in a person's words, from the engine's own list of what it would do, or has done."""

import json
import re
import subprocess
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from rich.console import Console

CONSOLE = Console(highlight=False, soft_wrap=True, markup=False)
CLUSTER = "kubeadm:index:Cluster"
MACHINE = "aws:ec2/instance:Instance"
RUNNING = "aws:ec2transitgateway/instanceState:InstanceState"
STEP = "command:remote:Command"
STOPS = {"instanceType"}
"""Another value of these stops a machine for the change, where it does not replace it."""
VERBS = {"create": "made", "update": "changed", "replace": "replaced", "delete": "ended"}


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of step by what its resource's name has after the cluster's; `seconds` are those on the local region.

    On AWS a boot takes one or two minutes, packages and images as long as the internet does.
    """

    pattern: str
    what: str
    seconds: int


KINDS = (
    Kind(pattern="bastion-prepare", what="the bastion is prepared", seconds=5),
    Kind(pattern="prepare-reach-(?P<node>.+)", what="waited for until SSH answers", seconds=5),
    Kind(pattern="prepare-(?P<node>.+)", what="packages and images", seconds=8),
    Kind(pattern="etcd-disk-(?P<node>.+)", what="the disk's speed is measured", seconds=2),
    Kind(pattern="etcd-health", what="all members of etcd are asked", seconds=2),
    Kind(pattern="(etcd|control-plane)-spare-(?P<node>.+)", what="asked whether the others can spare it", seconds=2),
    Kind(pattern="(etcd|control-plane)-steady-(?P<node>.+)", what="waited for until it does its work", seconds=5),
    Kind(pattern="etcd-(?P<node>.+)", what="etcd's member, restarted if it must", seconds=5),
    Kind(pattern="control-plane-init", what="the control plane of master-0, restarted if it must", seconds=15),
    Kind(pattern="control-plane-join-(?P<node>.+)", what="the control plane, restarted if it must", seconds=10),
    Kind(
        pattern="control-plane-certificates-check-.+-for-(?P<node>.+)", what="is there a master to copy from", seconds=1
    ),
    Kind(pattern="control-plane-certificates-.+-for-(?P<node>.+)", what="authorities are uploaded for", seconds=3),
    Kind(pattern="control-plane-withdraw-certificates", what="what was uploaded is withdrawn", seconds=2),
    Kind(pattern="control-plane-network", what="the pods' network is applied", seconds=3),
    Kind(pattern="workers-membership-(?P<node>.+)", what="the Node of a machine that is gone is forgotten", seconds=1),
    Kind(pattern="workers-join-(?P<node>.+)", what="joins the cluster", seconds=3),
    Kind(pattern="workers-labels-(?P<node>.+)", what="its pool's labels and taints", seconds=1),
    Kind(pattern="workers-service-(?P<node>.+)", what="waited for until it does its work", seconds=6),
    Kind(pattern="verification-.+", what="the whole cluster is proved", seconds=8),
)
OTHER = Kind(pattern=".+", what="other steps", seconds=5)
FOR_GOOD = {
    MACHINE: "the disk of {name}, with all that is only there",
    "aws:ec2/vpc:Vpc": "the network {name}",
    "aws:ec2/eip:Eip": "the public address {name}",
    "aws:route53/zone:Zone": "the DNS zone {name}",
    "tls:index/selfSignedCert:SelfSignedCert": "the authority {name}, and with it all that trusts it",
}
"""What cannot be had back, once it is ended or replaced."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """One resource: `operation` is create, update, replace, delete or same, `differences` the properties it is for."""

    operation: str
    type: str
    name: str
    differences: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All changes of one update, and the cluster's name."""

    cluster: str
    changes: Sequence[Change]

    @classmethod
    def of(cls, steps: Iterable[Mapping[str, Any]]) -> "Plan":
        """From steps as `pulumi preview --json` and the engine's event log have them."""
        changes: dict[str, Change] = {}
        for step in steps:
            operation = _operation(step["op"])
            if operation:
                parts, before = step["urn"].split("::"), changes.get(step["urn"])
                differences = frozenset(re.split(r"[.\[]", path)[0] for path in step.get("detailedDiff") or ())
                differences |= before.differences if before else frozenset()
                operation = before.operation if before and operation == "same" else operation
                changes[step["urn"]] = Change(
                    operation=operation, type=parts[-2].split("$")[-1], name=parts[-1], differences=differences
                )
        names = [change.name for change in changes.values() if change.type == CLUSTER]
        return cls(cluster=names[0] if names else "", changes=list(changes.values()))

    def told(self) -> str:
        """The plan in words, a few lines."""
        changed = [change for change in self.changes if change.operation != "same" and _is_told(change)]
        if not changed:
            return "Nothing changes: the cluster already is what the program says."
        parts = [self._machines(), self._steps(), self._rest(), self._for_good(), self._untouched(), self._time()]
        return "\n".join(part for part in parts if part)

    def _node(self, name: str) -> str:
        return name.removeprefix(f"{self.cluster}-")

    def _machines(self) -> str:
        started = {
            change.name.removesuffix("-running")
            for change in self.changes
            if change.type == RUNNING and change.operation in ("create", "replace", "update")
        }
        lines = []
        for change in sorted(self._of(MACHINE), key=lambda one: _place(self._node(one.name))):
            node, why = self._node(change.name), ", ".join(sorted(change.differences - {"tags", "tagsAll"}))
            worker, quorum = _place(node)[0] == 2, _place(node)[0] < 2
            match change.operation:
                case "create":
                    lines.append(f"  {node:<12} made")
                case "replace":
                    how = "drained first" if worker else "once the others are steady" if quorum else "at once"
                    lines.append(f"  {node:<12} replaced, {how}{f' ({why})' if why else ''}")
                case "delete":
                    lines.append(f"  {node:<12} ended{', drained first' if worker else ''}")
                case "update" if change.differences & STOPS:
                    lines.append(f"  {node:<12} stopped, changed ({why}) and started, once the others are steady")
                case "update":
                    lines.append(f"  {node:<12} changed while it runs ({why or 'tags'})")
                case _ if change.name in started:
                    lines.append(f"  {node:<12} started")
        return "\n".join(["Machines, in this order where they live already", *lines]) if lines else ""

    def _steps(self) -> str:
        hosts: dict[str, list[str]] = {}
        for change in self._of(STEP):
            if change.operation in ("create", "update", "replace"):
                kind, node = self._kind(change)
                hosts.setdefault(kind.what, []).append(node)
        lines = [
            f"  {what}{f': {nodes}' if (nodes := ', '.join(sorted(filter(None, on)))) else ''}"
            for what, on in hosts.items()
        ]
        return "\n".join(["Steps that run", *lines]) if lines else ""

    def _rest(self) -> str:
        counted = Counter(
            (change.operation, _in_words(change.type))
            for change in self.changes
            if change.operation != "same" and change.type not in (MACHINE, STEP, RUNNING) and _is_told(change)
        )
        lines = [f"  {number} {what} {VERBS[operation]}" for (operation, what), number in sorted(counted.items())]
        return "\n".join(["Around them", *lines]) if lines else ""

    def _for_good(self) -> str:
        lost = [
            "  " + FOR_GOOD[change.type].format(name=self._node(change.name))
            for change in self.changes
            if change.operation in ("replace", "delete") and change.type in FOR_GOOD
        ]
        return "\n".join(["Gone for good", *lost]) if lost else ""

    def _untouched(self) -> str:
        same = [self._node(change.name) for change in self._of(MACHINE) if change.operation == "same"]
        number = sum(change.operation == "same" and _is_told(change) for change in self.changes)
        machines = ", ".join(sorted(same, key=_place)) or "no machine"
        return f"Untouched: {machines}, and {number - len(same)} resources more"

    def _time(self) -> str:
        """What is made is made side by side, step after step; what lives changes one after another."""
        steps = [(self._kind(one)[0], one.operation) for one in self._of(STEP)]
        seconds = sum(kind.seconds for kind in {kind for kind, operation in steps if operation == "create"})
        seconds += sum(kind.seconds for kind, operation in steps if operation in ("update", "replace"))
        usual = f"Usually at most {_minutes(seconds)} on the local region"
        return f"{usual}; on AWS, add two minutes for each machine that boots"

    def _kind(self, change: Change) -> tuple[Kind, str]:
        for kind in KINDS:
            found = re.fullmatch(kind.pattern, self._node(change.name))
            if found:
                return kind, found.groupdict().get("node", "")
        return OTHER, self._node(change.name)

    def _of(self, type: str) -> list[Change]:
        return [change for change in self.changes if change.type == type]


def plan(stack: str, events: Path | None) -> None:
    """Tell what `pulumi up` would do, or what it did by the `events` that it wrote down. Raises ClickException."""
    if events is not None:
        logged = [json.loads(line) for line in events.read_text().splitlines()]
        steps = [event["resOutputsEvent"]["metadata"] for event in logged if "resOutputsEvent" in event]
    else:
        done = subprocess.run(
            ["pulumi", "preview", "--json", "--show-sames", "--stack", stack], capture_output=True, text=True
        )
        previewed = json.loads(done.stdout or "{}")
        if done.returncode:
            said = [one["message"] for one in previewed.get("diagnostics", ()) if one["severity"] == "error"]
            raise click.ClickException("\n".join(said) or done.stderr.strip())
        steps = previewed.get("steps", [])
    CONSOLE.print(Plan.of(steps).told())


def _operation(op: str) -> str:
    """The engine's word; nothing for what it only looks at."""
    if op in ("create-replacement", "replace", "delete-replaced"):
        return "replace"
    return op if op in ("create", "update", "delete", "same") else ""


def _is_told(change: Change) -> bool:
    """Components and providers stand for nothing that there is."""
    return not change.type.startswith(("kubeadm:", "pulumi:"))


def _in_words(type: str) -> str:
    """target group attachment, of aws:lb/targetGroupAttachment:TargetGroupAttachment."""
    return re.sub(r"(?<!^)([A-Z])", r" \1", type.rpartition(":")[2]).lower()


def _place(node: str) -> tuple[int, str, int]:
    """The order in which machines change."""
    role, _, number = node.rpartition("-")
    return {"etcd": 0, "master": 1, "": 3}.get(role, 2), role, int(number) if number.isdigit() else 0


def _minutes(seconds: int) -> str:
    return f"{seconds} s" if seconds < 100 else f"{round(seconds / 60)} min"
