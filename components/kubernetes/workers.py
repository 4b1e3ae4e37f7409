"""Workers: machines that join as soon as the cluster is founded, and leave it in good order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from components.addons.installed import NETWORK
from components.host.chain import Chain
from components.host.kubeadm import STAGE
from components.host.node import Node
from components.host.step import remote_step
from components.kubernetes.control_plane import ControlPlane
from components.kubernetes.joining import KUBELET_SERVING, LIBRARIES, STEP_SECONDS, join_files, provider_id
from components.pki.cluster import ClusterPki
from settings.health_checks import UNSERVED_SECONDS
from settings.pools import DEFAULT
from settings.values import MAX_DRAIN_SECONDS, KubernetesSettings


@dataclass(frozen=True, kw_only=True)
class WorkersArgs:
    """`prepared` is what must be done on each node (by name) before kubeadm runs there, `reachable` before it joins.

    `attached` is what brings each its clients.
    """

    chain: Chain
    workers: Sequence[Node]
    prepared: Mapping[str, pulumi.Resource]
    control_plane: ControlPlane
    reachable: Sequence[pulumi.Resource]
    attached: Mapping[str, Sequence[pulumi.Resource]]
    pki: ClusterPki
    settings: KubernetesSettings


class Workers(pulumi.ComponentResource):
    """Output: `ready`, the steps that prove all workers."""

    ready: Sequence[pulumi.Resource]

    def __init__(self, name: str, args: WorkersArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kubeadm:index:Workers", name, None, opts)
        self._name, self._args = name, args
        self.ready = [self._serve(worker, self._join(worker, self._membership(worker))) for worker in args.workers]
        self.register_outputs({})

    def _membership(self, worker: Node) -> pulumi.Resource:
        """Made before the join; its end deletes the Node."""
        return self._on_master(
            "membership",
            worker,
            "kubernetes/forget-node.sh",
            delete_script="kubernetes/delete-node.sh",
            after=[self._args.control_plane.founded],
        )

    def _serve(self, worker: Node, joined: pulumi.Resource) -> pulumi.Resource:
        """Made last, so that its end is the first: the worker is drained while everything else of it is there."""
        args, attached = self._args, self._args.attached.get(worker.name, ())
        step = self._on_master(
            "service",
            worker,
            "kubernetes/await-worker.sh",
            settings={"MADE_OF": worker.made_of, "UNSERVED_SECONDS": str(UNSERVED_SECONDS if attached else 0)},
            delete_script="kubernetes/take-out-of-service.sh",
            timeout_seconds=STEP_SECONDS + MAX_DRAIN_SECONDS,
            after=[joined, *self._label(worker, joined), *attached],
        )
        args.chain.is_steady(worker.name, step)
        return step

    def _label(self, worker: Node, joined: pulumi.Resource) -> list[pulumi.Resource]:
        """Keep what a pool says of its nodes. Those of the default pool are left to whom they belong."""
        pool = worker.pool
        if pool is None or pool.name == DEFAULT:
            return []
        settings = {"LABELS": " ".join(map("=".join, pool.labels.items())), "TAINTS": " ".join(pool.taints)}
        return [self._on_master("labels", worker, "kubernetes/label-node.sh", settings=settings, after=[joined])]

    def _on_master(
        self,
        what: str,
        worker: Node,
        script: str,
        *,
        settings: Mapping[str, str] | None = None,
        delete_script: str | None = None,
        timeout_seconds: int = STEP_SECONDS,
        after: Sequence[pulumi.Resource],
    ) -> pulumi.Resource:
        """What a master does about a worker, and at its end, except when the whole cluster ends with it."""
        control_plane = self._args.control_plane
        return remote_step(
            f"{self._name}-{what}-{worker.name}",
            control_plane.first,
            script,
            settings={
                "NODE_NAME": worker.name,
                "PROVIDER_ID": provider_id(worker),
                "API_SERVERS": control_plane.api_servers,
                **(settings or {}),
            },
            libraries=["lib/api-server.sh"],
            timeout_seconds=timeout_seconds,
            delete_script=delete_script,
            triggers=[worker.identity],
            opts=pulumi.ResourceOptions(
                parent=self, depends_on=list(after), delete_before_replace=True, deleted_with=control_plane
            ),
        )

    def _join(self, worker: Node, membership: pulumi.Resource) -> pulumi.Resource:
        args = self._args
        return remote_step(
            f"{self._name}-join-{worker.name}",
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
