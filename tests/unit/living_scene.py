"""AWS and a state for a stack whose machines are there, some of them stopped or gone."""

from collections.abc import Mapping, Sequence
from typing import Any

from conftest import ANSWERS, STATE, Engine
from pulumi.runtime import mocks

OLD = "ami-00000000000000000"
NAMES = ("kubeadm-bastion", *(f"kubeadm-{role}-{number}" for role in ("master", "worker") for number in range(3)))
ETCD_NAMES = tuple(f"kubeadm-etcd-{number}" for number in range(3))
URN = "urn:pulumi:test::kubeadm-aws::kubeadm:index:Infrastructure"


class Region(Engine):
    """AWS where machines live whose ids are in `living`, some of them in `stopped`."""

    living: frozenset[str] = frozenset(f"i-{name}" for name in (*NAMES, *ETCD_NAMES))
    stopped: frozenset[str] = frozenset()

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, object], list[tuple[str, str]] | None]:
        if args.token == "aws:ec2/getInstances:getInstances":
            return {"ids": sorted(self.living if "running" in args.args["instanceStateNames"] else self.stopped)}, []
        return super().call(args)


def machine(name: str) -> Mapping[str, Any]:
    outputs = {
        "arn": f"arn:aws:ec2:us-east-1:1:instance/i-{name}",
        "ami": OLD,
        "availabilityZone": f"us-east-1{'abc'[int(name[-1]) % 3] if name[-1].isdigit() else 'a'}",
        "instanceType": "t3.micro" if name.endswith("bastion") else "t2.medium",
        "rootBlockDevice": {"volumeSize": 8 if name.endswith("bastion") else 20},
    }
    return {"type": "aws:ec2/instance:Instance", "outputs": outputs}


def run(
    region: Region,
    *,
    fleet: Mapping[str, Any] | None = None,
    founded: bool = False,
    joined: Sequence[int] = (0, 1, 2),
    others: Sequence[str] = (),
    **given: object,
) -> Region:
    etcd = ETCD_NAMES if "dedicated" in str(given.get("etcdTopology")) else ()
    state = {f"{URN}::{name}": machine(name) for name in (*NAMES, *etcd, *others)}
    state[f"{URN}::kubeadm-fleet"] = {"type": "kubeadm:index:Fleet", "outputs": fleet or {}}
    if founded:
        for step in ("init", *(f"join-master-{number}" for number in joined)):
            state[f"{URN}::kubeadm-control-plane-{step}"] = {"type": "command:remote:Command", "outputs": {}}
    region.answers = {**ANSWERS, STATE: {"outputs": state}}
    region.run_stack(given)
    return region
