"""Cluster: Kubernetes on given machines, from bare hosts to the proof that it works. It knows nothing of AWS."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from components.etcd.datastore import Datastore
from components.etcd.health import health_files
from components.etcd.manager import EtcdManager
from components.etcd.members import Etcd, EtcdArgs
from components.etcd.stacked import StackedEtcd, StackedEtcdArgs
from components.etcd.static_pod import StaticPodManager
from components.etcd.systemd import SystemdManager
from components.host.chain import Chain
from components.host.node import Node
from components.host.preparation import Preparation, PreparationArgs
from components.kubernetes.control_plane import ControlPlane, ControlPlaneArgs
from components.kubernetes.release import Release
from components.kubernetes.verification import Verification, VerificationArgs
from components.kubernetes.workers import Workers, WorkersArgs
from components.pki.cluster import ClusterPki, ClusterPkiArgs
from components.pki.etcd import EtcdPki, EtcdPkiArgs
from settings.birth import Past
from settings.values import Settings


@dataclass(frozen=True, kw_only=True)
class ClusterArgs:
    """`named`: the API server's DNS record. `reachable`: what must be there before a node joins by it.

    `served`: what must be there before clients come, `attached` what brings each worker its own.
    `firewall` is its rows, in words.
    """

    settings: Settings
    past: Past
    release: Release
    firewall: Sequence[pulumi.Input[str]]
    chain: Chain
    bastion: Node
    masters: Sequence[Node]
    workers: Sequence[Node]
    etcd_machines: Sequence[Node]
    named: Sequence[pulumi.Resource]
    reachable: Sequence[pulumi.Resource]
    ingress_name: pulumi.Input[str]
    served: Sequence[pulumi.Resource]
    attached: Mapping[str, Sequence[pulumi.Resource]]


class Cluster(pulumi.ComponentResource):
    """`kubeconfig` is an administrator's and secret, `api_endpoint` the URL in it.

    `verified` is what was proved, and None where that is no release's.
    """

    api_endpoint: str
    etcd_endpoints: Sequence[pulumi.Output[str]]
    kubeconfig: pulumi.Output[str]
    verified: pulumi.Output[Mapping[str, Any] | None]

    def __init__(self, name: str, args: ClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kubeadm:index:Cluster", name, None, opts)
        self._name, self._args, self._settings = name, args, args.settings
        self._child = pulumi.ResourceOptions(parent=self)
        self._members, self._manager = args.etcd_machines or args.masters, _etcd_manager(args.settings)
        self.api_endpoint = args.settings.kubernetes.api_endpoint
        self._etcd_pki = self._make_etcd_pki()
        self._pki = self._make_pki()
        self._preparation = self._prepare()
        self._datastore = self._make_etcd()
        self._control_plane = self._make_control_plane()
        workers = self._join_workers()
        self.verified = self._verify(workers).verified
        self.etcd_endpoints = self._datastore.endpoints
        self.kubeconfig = self._pki.admin_kubeconfig
        etcd_machines = [node.identity for node in self._members]
        self.register_outputs({"api_endpoint": self.api_endpoint, **args.past.record(args.settings, etcd_machines)})

    def _make_etcd_pki(self) -> EtcdPki:
        args = EtcdPkiArgs(
            members=self._members if self._manager else [],
            settings=self._settings.etcd,
            protect=self._settings.deletion_protection,
        )
        return EtcdPki(f"{self._name}-etcd-pki", args, self._child)

    def _make_pki(self) -> ClusterPki:
        args = ClusterPkiArgs(
            nodes=[*self._args.masters, *self._args.workers],
            settings=self._settings.kubernetes,
            protect=self._settings.deletion_protection,
        )
        return ClusterPki(f"{self._name}-pki", args, self._child)

    def _prepare(self) -> Preparation:
        has_own_step = self._manager is not None and self._members is self._args.masters
        args = PreparationArgs(
            bastion=self._args.bastion,
            masters=self._args.masters,
            workers=self._args.workers,
            etcd_machines=self._args.etcd_machines,
            # Where masters are members, the member's step installs them.
            master_files=[] if has_own_step else health_files(self._members),
            settings=self._settings,
        )
        return Preparation(f"{self._name}-prepare", args, self._child)

    def _make_etcd(self) -> Datastore:
        reached, prepared = self._preparation.reached, self._preparation.prepared
        if self._manager is None:
            args = StackedEtcdArgs(
                masters=self._args.masters, reached=reached, pki=self._etcd_pki, settings=self._settings.etcd
            )
            return StackedEtcd(f"{self._name}-etcd", args, self._child).datastore
        args = EtcdArgs(
            nodes=self._members,
            founders=self._args.past.etcd_founders,
            reached=reached,
            # A master's member that no container runs need not wait for what its Kubernetes does.
            prepared=prepared if self._settings.etcd.image or self._args.etcd_machines else reached,
            pki=self._etcd_pki,
            manager=self._manager,
            chain=self._args.chain if self._args.etcd_machines else None,
            settings=self._settings.etcd,
        )
        return Etcd(f"{self._name}-etcd", args, self._child).datastore

    def _make_control_plane(self) -> ControlPlane:
        args = ControlPlaneArgs(
            masters=self._args.masters,
            prepared=self._preparation.prepared,
            datastore=self._datastore,
            founded=self._args.past.is_founded,
            chain=self._args.chain,
            bastion=self._args.bastion,
            named=self._args.named,
            reachable=self._args.reachable,
            pki=self._pki,
            settings=self._settings.kubernetes,
            protect=self._settings.deletion_protection,
        )
        return ControlPlane(f"{self._name}-control-plane", args, self._child)

    def _join_workers(self) -> Workers:
        args = WorkersArgs(
            workers=self._args.workers,
            prepared=self._preparation.prepared,
            control_plane=self._control_plane,
            pki=self._pki,
            reachable=self._args.reachable,
            chain=self._args.chain,
            attached=self._args.attached,
            settings=self._settings.kubernetes,
        )
        return Workers(f"{self._name}-workers", args, self._child)

    def _verify(self, workers: Workers) -> Verification:
        args = VerificationArgs(
            masters=self._args.masters,
            workers=self._args.workers,
            etcd_machines=self._args.etcd_machines,
            api_servers=self._control_plane.api_servers,
            ingress_name=self._args.ingress_name,
            release=self._args.release,
            settings=self._settings,
            firewall=self._args.firewall,
            certificates=self._certificates(),
            after=[
                *self._datastore.ready,
                *self._datastore.steady,
                *self._control_plane.ready,
                *workers.ready,
                *self._args.served,
            ],
        )
        return Verification(f"{self._name}-verification", args, self._child)

    def _certificates(self) -> list[pulumi.Output[str]]:
        """Those that hosts present to each other, and that the program renews."""
        etcd, nodes = self._etcd_pki, self._pki.kubelet_serving.values()
        pairs = [*nodes, *etcd.server.values(), *etcd.peer.values(), etcd.healthcheck_client, etcd.apiserver_client]
        return [pair.certificate for pair in pairs]


def _etcd_manager(settings: Settings) -> EtcdManager | None:
    """Who runs etcd's members; nobody where kubeadm makes them part of the control plane."""
    match settings.etcd.topology.manager:
        case "systemd":
            return SystemdManager(mirror=settings.mirror)
        case "kubelet":
            return StaticPodManager(kubernetes=settings.kubernetes)
        case "kubeadm":
            return None
