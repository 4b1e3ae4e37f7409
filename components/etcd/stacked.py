"""StackedEtcd: members that kubeadm runs on the masters; each comes and goes with its master's join."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from components.etcd.datastore import Datastore, etcd_client_files
from components.etcd.disk import measure_disk
from components.etcd.documents import local_etcd
from components.etcd.health import client_url
from components.host.kubeadm import staged
from components.host.node import Node
from components.pki.etcd import EtcdPki
from components.pki.random_text import random_hex
from settings.values import EtcdSettings


@dataclass(frozen=True, kw_only=True)
class StackedEtcdArgs:
    """`reached` is what must be done on each master (by name) before any step may run there.

    `pki` has no members: kubeadm makes their certificates, on each host, with the authority's key.
    """

    masters: Sequence[Node]
    reached: Mapping[str, pulumi.Resource]
    pki: EtcdPki
    settings: EtcdSettings


class StackedEtcd(pulumi.ComponentResource):
    """Output: `datastore`, what the control plane must know."""

    datastore: Datastore

    def __init__(self, name: str, args: StackedEtcdArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kubeadm:index:StackedEtcd", name, None, opts)
        healthcheck = args.pki.healthcheck_client
        self.datastore = Datastore(
            endpoints=[client_url(master) for master in args.masters],
            section=random_hex(f"{name}-token", self).apply(
                lambda token: local_etcd(args.settings, cluster_token=token)
            ),
            files=[
                *etcd_client_files(args.pki),
                # kubeadm would make this one too, but it could not renew it by itself.
                staged("etcd-client/etcd/healthcheck-client.crt", healthcheck.certificate),
                staged("etcd-client/etcd/healthcheck-client.key", healthcheck.key),
            ],
            shared=[staged("pki/etcd/ca.key", args.pki.ca.key)],
            ready=[self._measure(name, args, master) for master in args.masters],
            in_turn=True,
        )
        self.register_outputs({})

    def _measure(self, name: str, args: StackedEtcdArgs, master: Node) -> pulumi.Resource:
        return measure_disk(
            f"{name}-disk-{master.name}",
            master,
            settings=args.settings,
            after=args.reached[master.name],
            parent=self,
        )
