"""Workers: machines that join as soon as the cluster is founded, and leave it in good order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from components.addons.installed import NETWORK
from components.host.kubeadm import STAGE
from components.host.node import Node
from components.host.step import remote_step
from components.kubernetes.control_plane import ControlPlane
from components.kubernetes.joining import KUBELET_SERVING, LIBRARIES, STEP_SECONDS, join_files, provider_id
from components.pki.cluster import ClusterPki
from settings.values import KubernetesSettings


@dataclass(frozen=True, kw_only=True)
class WorkersArgs:
    """`prepared` is what must be done on each node (by name) before kubeadm runs there, `reachable` before it joins."""

    workers: Sequence[Node]
    prepared: Mapping[str, pulumi.Resource]
    control_plane: ControlPlane
    reachable: Sequence[pulumi.Resource]
    pki: ClusterPki
    settings: KubernetesSettings


class Workers(pulumi.ComponentResource):
    """Output: `ready`, the joins of all workers."""

    ready: Sequence[pulumi.Resource]

    def __init__(self, name: str, args: WorkersArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kubeadm:index:Workers", name, None, opts)
        self.ready = [self._join(name, args, worker, self._membership(name, args, worker)) for worker in args.workers]
        self.register_outputs({})

    def _membership(self, name: str, args: WorkersArgs, worker: Node) -> pulumi.Resource:
        """Made before the join; its end drains the worker, except when the whole cluster ends with it."""
        return remote_step(
            f"{name}-membership-{worker.name}",
            args.control_plane.first,
            "kubernetes/forget-node.sh",
            settings={
                "NODE_NAME": worker.name,
                "PROVIDER_ID": provider_id(worker),
                "API_SERVERS": args.control_plane.api_servers,
            },
            libraries=["lib/api-server.sh"],
            delete_script="kubernetes/drain-node.sh",
            triggers=[worker.identity],
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[args.control_plane.founded],
                delete_before_replace=True,
                deleted_with=args.control_plane,
            ),
        )

    def _join(self, name: str, args: WorkersArgs, worker: Node, membership: pulumi.Resource) -> pulumi.Resource:
        return remote_step(
            f"{name}-join-{worker.name}",
            worker,
            "kubernetes/join-worker.sh",
            settings={
                "NODE_NAME": worker.name,
                "STAGE": STAGE,
                "API_SERVERS": args.settings.api_endpoint,
                **NETWORK.traces,
            },
            files=[
                *args.pki.kubelet_serving[worker.name].files(KUBELET_SERVING),
                *join_files(args.pki, worker, args.settings.ignore_preflight_errors, control_plane=False),
            ],
            libraries=LIBRARIES,
            timeout_seconds=STEP_SECONDS,
            secret=True,
            opts=pulumi.ResourceOptions(
                parent=self, depends_on=[membership, args.prepared[worker.name], *args.reachable]
            ),
        )
