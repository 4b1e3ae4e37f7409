"""Preparation: every machine answers, and is ready for kubeadm."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pulumi

from components.addons.installed import NETWORK
from components.host.node import Node
from components.host.step import NodeFile, remote_step
from settings.values import Settings

# A machine on AWS boots in one or two minutes; a busy region's first boot of many takes longer.
BOOT_SECONDS = 600
# Packages and images over the internet, on a small machine.
PREPARE_SECONDS = 1800

Role = Literal["master", "worker", "etcd"]


@dataclass(frozen=True, kw_only=True)
class PreparationArgs:
    """`bastion` looks at the machines before anything is tried on them. `master_files` are installed on masters.

    `etcd_machines` are those that run etcd alone; they need no more than tools, unless a container is to run it.
    """

    bastion: Node
    masters: Sequence[Node]
    workers: Sequence[Node]
    etcd_machines: Sequence[Node]
    master_files: Sequence[NodeFile]
    settings: Settings


class Preparation(pulumi.ComponentResource):
    """Outputs by node name: `reached`, after which steps may run there; `prepared`, after which kubeadm may."""

    reached: dict[str, pulumi.Resource]
    prepared: dict[str, pulumi.Resource]

    def __init__(self, name: str, args: PreparationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kubeadm:index:Preparation", name, None, opts)
        nodes: Mapping[Role, Sequence[Node]]
        nodes = {"master": args.masters, "worker": args.workers, "etcd": args.etcd_machines}
        self.reached = {node.name: self._reach(name, args, node) for them in nodes.values() for node in them}
        self.prepared = {
            node.name: self._prepare(name, args, node, role) for role, them in nodes.items() for node in them
        }
        self.register_outputs({})

    # A proxied connection that fails its handshake is not tried again, so it is made only when it will succeed.
    def _reach(self, name: str, args: PreparationArgs, node: Node) -> pulumi.Resource:
        return remote_step(
            f"{name}-reach-{node.name}",
            args.bastion,
            "host/reach-node.sh",
            settings={
                "NODE_NAME": node.name,
                "NODE_ADDRESS": node.address,
                "HOST_KEY": node.host_key,
                "MACHINE": node.identity,
                "MADE_OF": node.made_of,
                "LIMIT_SECONDS": str(BOOT_SECONDS),
            },
            timeout_seconds=BOOT_SECONDS + 60,
            triggers=[node.identity],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[node.running]),
        )

    def _prepare(self, name: str, args: PreparationArgs, node: Node, role: Role) -> pulumi.Resource:
        settings, runs_etcd = args.settings, role == ("etcd" if args.etcd_machines else "master")
        script, its_own = "host/prepare-etcd-machine.sh", {"KUBERNETES_SOURCE": ""}
        if role != "etcd" or settings.etcd.image:
            script = "host/prepare-node.sh"
            its_own = {
                "KUBERNETES_VERSION": settings.kubernetes.version,
                "ROLE": role,
                "ETCD_IMAGE": (settings.etcd.image or "") if runs_etcd else "",
                "NETWORK_IMAGES": " ".join(NETWORK.images(settings.kubernetes.network_version)),
            }
        return remote_step(
            f"{name}-{node.name}",
            node,
            script,
            settings={"MIRROR": settings.mirror or "", **its_own},
            files=args.master_files if role == "master" else (),
            libraries=["lib/packages.sh"],
            timeout_seconds=PREPARE_SECONDS,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self.reached[node.name]]),
        )
