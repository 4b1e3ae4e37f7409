"""StackedEtcd: members that kubeadm runs on the masters; each comes and goes with its master's join."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from components.etcd.datastore import Datastore, etcd_client_files
from components.etcd.disk import measure_disk
from components.etcd.documents import local_etcd
from components.etcd.health import client_url
from components.host.kubeadm import PKI, STAGE, staged
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
        self.datastore = Datastore(
            endpoints=[client_url(master) for master in args.masters],
            section=random_hex(f"{name}-token", self).apply(
                lambda token: local_etcd(args.settings, cluster_token=token)
            ),
            files=[
                *etcd_client_files(args.pki),
                # kubeadm would make this one too, but it could not renew it by itself.
                *args.pki.healthcheck_client.files(f"{STAGE}/etcd-client/etcd/healthcheck-client"),
            ],
            shared=[staged("pki/etcd/ca.key", args.pki.ca.key)],
            members={},
            pki=f"{PKI}/etcd",
            ready=[measure_disk(name, node, args.settings, args.reached[node.name], self) for node in args.masters],
            in_turn=True,
        )
        self.register_outputs({})
