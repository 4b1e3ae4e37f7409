"""SteadyMasters: each master is seen to do its work, and asked before it may change whether the others do theirs."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from components.etcd.datastore import Datastore
from components.etcd.health import client_url
from components.host.chain import Chain
from components.host.node import Node
from components.host.spare import Peers, ask_peers
from components.host.step import NodeFile, remote_step
from components.kubernetes.joining import STEP_SECONDS
from settings.ports import API_PORT
from settings.values import KubernetesSettings


@dataclass(frozen=True, kw_only=True)
class SteadyMastersArgs:
    """`joins` are the masters' own, in their order; `founded` says whether the `chain` has begun."""

    masters: Sequence[Node]
    joins: Sequence[pulumi.Resource]
    datastore: Datastore
    chain: Chain
    founded: bool
    settings: KubernetesSettings


class SteadyMasters(pulumi.ComponentResource):
    """Output: `ready`, a step for each master that proves it."""

    ready: Sequence[pulumi.Resource]

    def __init__(self, name: str, args: SteadyMastersArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kubeadm:index:SteadyMasters", name, None, opts)
        self._name, self._args = name, args
        self.ready = [self._steady(master, join) for master, join in zip(args.masters, args.joins, strict=True)]
        self.register_outputs({})

    def _steady(self, master: Node, joined: pulumi.Resource) -> pulumi.Resource:
        args, peers = self._args, self._peers(master)
        step = remote_step(
            f"{self._name}-steady-{master.name}",
            master,
            "kubernetes/await-steady-master.sh",
            settings={
                "NODE_NAME": master.name,
                "NODE_ADDRESS": master.address,
                "MADE_OF": master.made_of,
                "WANTED": master.wanted,
                "API_NAME": args.settings.api_name,
                "ETCD_PKI": peers.pki,
            },
            # What the end of a worker's step asks for: that step has the value of the day it was made.
            files=[NodeFile(path="/etc/kubeadm-aws/drain-seconds", content=f"{args.settings.drain_timeout_seconds}\n")],
            libraries=["lib/etcd-client.sh", "lib/root-disk.sh"],
            timeout_seconds=STEP_SECONDS,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[joined]),
        )
        args.chain.is_steady(master.name, step)
        name = f"{self._name}-spare-{master.name}"
        ask_peers(name, master, peers, args.chain, founded=args.founded, after=step, parent=self)
        return step

    def _peers(self, master: Node) -> Peers:
        datastore, others = self._args.datastore, [other for other in self._args.masters if other is not master]
        servers = pulumi.Output.all(*(pulumi.Output.format("https://{0}:{1}", o.address, API_PORT) for o in others))
        if not (datastore.in_turn or master.name in datastore.members):
            return Peers(other_api_servers=servers.apply(" ".join))
        return Peers(
            pki=datastore.pki,
            member=client_url(master),
            other_members=pulumi.Output.all(*map(client_url, others)).apply(",".join),
            other_api_servers=servers.apply(" ".join),
        )
