"""Infrastructure: everything that AWS makes for the cluster. Whoever builds on it sees nodes, names and addresses."""

import hashlib
from collections.abc import Mapping, Sequence

import pulumi
import pulumi_tls as tls

from components.aws.bastion import Bastion, BastionArgs
from components.aws.dns import Names, NamesArgs
from components.aws.firewall import Firewall, FirewallArgs
from components.aws.firewall import Role as FirewallRole
from components.aws.fleet import Fleet, FleetArgs
from components.aws.load_balancer import API, Forward, LoadBalancer, LoadBalancerArgs, node_port_forwards
from components.aws.machines import Machines, MachinesArgs, Role
from components.aws.network import Network, NetworkArgs
from components.aws.today import Today
from components.host.chain import Chain, one_after_another
from components.host.node import Node
from settings.birth import Past
from settings.tags import STACK_TAG
from settings.values import MachineSettings, Scheme, Settings, WorkerPool, numbered


class Infrastructure(pulumi.ComponentResource):
    """`etcd` are the machines that only etcd runs on, none if the masters carry it; `named` is the API server's record.

    `reachable` is what there must be before a node can join by that name, `served` before clients come. `chain` has who
    waits for whom until that one's step says that it is steady.

    Machines, balancers and gateways are all made at once; only steps on the machines wait for the bastion.
    """

    firewall: Sequence[pulumi.Output[str]]
    bastion: Bastion
    chain: Chain
    masters: list[Node]
    workers: list[Node]
    etcd: list[Node]
    ingress_name: pulumi.Output[str]
    named: Sequence[pulumi.Resource]
    reachable: Sequence[pulumi.Resource]
    served: Sequence[pulumi.Resource]
    attached: Mapping[str, Sequence[pulumi.Resource]]

    def __init__(
        self, name: str, settings: Settings, past: Past, today: Today, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("kubeadm:index:Infrastructure", name, None, opts)
        self._name, self._settings, self._past = name, settings, past
        self._child = pulumi.ResourceOptions(parent=self)
        self._tags = {**settings.resource_tags(), STACK_TAG: self._make_identity()}
        self._fleet = self._make_fleet(today)
        self.chain = self._make_chain()
        with self.chain.ended_by_errors():
            self._build(settings)
        self.register_outputs({})

    def _build(self, settings: Settings) -> None:
        self._network = self._make_network()
        self._firewall = self._make_firewall()
        self.firewall = self._firewall.rows
        self.bastion = self._make_bastion()
        self.masters = self._make_machines("master", settings.masters)
        pools = {pool.name: self._make_machines("worker", pool.machines, pool) for pool in settings.pools}
        self.workers = [node for nodes in pools.values() for node in nodes]
        self.etcd = self._make_machines("etcd", settings.etcd_machines) if settings.etcd.topology.dedicated else []
        forwards = node_port_forwards(settings.network.node_ports)
        api = self._make_balancer("api", "api-balancer", "internal", [API], self.masters)
        ingress = self._make_balancer(
            "ingress",
            "ingress-balancer",
            settings.network.ingress_scheme,
            forwards,
            [node for pool in settings.pools if pool.ingress for node in pools[pool.name]],
        )
        names = self._make_names(api)
        self.ingress_name = ingress.dns_name
        self.named = names.ready
        self.reachable = [*api.ready, *names.ready]
        self.served, self.attached = ingress.ready, ingress.attached

    def _make_identity(self) -> pulumi.Output[str]:
        """What tells this stack's things from those of another that has a cluster of the same name."""
        key = tls.PrivateKey(f"{self._name}-identity", algorithm="ED25519", opts=self._child)
        return key.public_key_openssh.apply(lambda public: hashlib.sha256(public.encode()).hexdigest()[:16])

    def _make_fleet(self, today: Today) -> Fleet:
        args = FleetArgs(
            past=self._past,
            today=today,
            asked={
                name: machines
                for role, machines in self._settings.quorum_machines.items()
                for name in numbered(f"{self._name}-{role}", machines.count)
            },
            image_rollout=self._settings.image_rollout,
            pools=self._settings.pools,
        )
        return Fleet(f"{self._name}-fleet", args, self._child)

    def _make_chain(self) -> Chain:
        """First what etcd's quorum is made of, and of that what is gone first; then living workers, some at once.

        Workers that are gone or new wait for nobody. Nobody waits for a birth, and no preview for what it does not do.
        """
        if not self._past.is_founded or pulumi.runtime.is_dry_run():
            return Chain({})
        settings, lives = self._settings, lambda name: self._fleet.lives(f"{self._name}-{name}")
        masters = [
            name
            for role, machines in settings.quorum_machines.items()
            for name in sorted(numbered(role, machines.count), key=lives)
        ]
        workers, at_once = [name for pool in settings.pools for name in pool.nodes], settings.max_unavailable_workers
        living = [name for name in workers if lives(name)]
        others = [masters[-1], *(name for name in workers if name not in living)]
        before = {
            **one_after_another(masters),
            **dict.fromkeys(living[:at_once], others),
            **one_after_another(living, at_once),
        }
        gone = [name for name in masters if not lives(name)]
        return Chain(before, started=self._fleet.started, asked=masters, gone=gone)

    def _make_network(self) -> Network:
        args = NetworkArgs(settings=self._settings.network, protect=self._settings.deletion_protection, tags=self._tags)
        return Network(self._name, args, self._child)

    def _make_firewall(self) -> Firewall:
        args = FirewallArgs(
            vpc_id=self._network.vpc_id,
            settings=self._settings.network,
            dedicated_etcd=self._settings.etcd.topology.dedicated,
            nat_addresses=self._network.nat_addresses,
            tags=self._tags,
        )
        return Firewall(self._name, args, self._child)

    def _make_bastion(self) -> Bastion:
        args = BastionArgs(
            network=self._network,
            security_group_id=self._firewall.groups["bastion"],
            fleet=self._fleet,
            settings=self._settings.bastion,
            login_user=self._settings.login_user,
            protect=self._settings.deletion_protection,
            ready=[*self._network.ready, *self._firewall.ready],
            tags=self._tags,
        )
        return Bastion(f"{self._name}-bastion", args, self._child)

    def _make_machines(self, role: Role, settings: MachineSettings, pool: WorkerPool | None = None) -> list[Node]:
        args = MachinesArgs(
            role=role,
            settings=settings,
            keep=role != "worker" and self._settings.deletion_protection,
            pool=pool,
            fleet=self._fleet,
            chain=self.chain,
            network=self._network,
            security_group_id=self._firewall.groups[role],
            access=self.bastion.access,
            bastion=self.bastion.proxy,
            tags=self._tags,
        )
        return Machines(f"{self._name}-{pool.name if pool else role}", args, self._child).nodes

    def _make_balancer(
        self, purpose: str, role: FirewallRole, scheme: Scheme, forwards: Sequence[Forward], targets: Sequence[Node]
    ) -> LoadBalancer:
        args = LoadBalancerArgs(
            scheme=scheme,
            vpc_id=self._network.vpc_id,
            subnet_ids=self._network.subnet_ids(scheme),
            security_group_id=self._firewall.groups[role],
            forwards=forwards,
            targets={node.name: node.address for node in targets},
            group_prefix=self._name,
            tags=self._tags,
        )
        return LoadBalancer(f"{self._name}-{purpose}", args, self._child)

    def _make_names(self, api: LoadBalancer) -> Names:
        args = NamesArgs(
            api_name=self._settings.kubernetes.api_name,
            vpc_id=self._network.vpc_id,
            api_balancer=api,
            tags=self._tags,
        )
        return Names(self._name, args, self._child)
