"""ControlPlane: the cluster is founded once on the first master, every master is a member, the pods have a network."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from components.addons.installed import NETWORK
from components.etcd.datastore import Datastore
from components.host.chain import Chain
from components.host.kubeadm import STAGE, staged
from components.host.node import Node
from components.host.step import NodeFile, remote_step
from components.kubernetes import documents as kubeadm
from components.kubernetes.documents import Cluster
from components.kubernetes.joining import KUBELET_SERVING, LIBRARIES, STEP_SECONDS, host_of, join_files
from components.kubernetes.steady import SteadyMasters, SteadyMastersArgs
from components.kubernetes.upload import CertificateUpload, CertificateUploadArgs
from components.pki.cluster import ClusterPki
from settings.ports import API_PORT
from settings.values import KubernetesSettings

MANIFEST = "/run/kubeadm-aws/network-addon/manifest.yaml"
# All inputs of a remote.Command: what was done once is not done again because the program now says it otherwise.
EVERY_INPUT = ("addPreviousOutputInEnv", "connection", "create", "logging", "stdin", "triggers")


@dataclass(frozen=True, kw_only=True)
class ControlPlaneArgs:
    """`prepared` is what must be done on each node (by name) before kubeadm runs there.

    Until the cluster is `founded`, all masters wait for that. Afterwards each has its turn in the `chain`, and no step
    that another machine's turn waits for may wait for all machines.

    Masters but the first come by what all share as the settings say, `placed` by the join, as any file, or `uploaded`
    by the first and downloaded; then `bastion` sees whether the first is there.
    `named` is the API server's DNS record: the first pods ask for it, and a resolver remembers a no for minutes.
    `reachable` is the balancer behind it too, which joins go through; the founding does not wait for that.
    """

    founded: bool
    chain: Chain
    bastion: Node
    masters: Sequence[Node]
    prepared: Mapping[str, pulumi.Resource]
    datastore: Datastore
    named: Sequence[pulumi.Resource]
    reachable: Sequence[pulumi.Resource]
    pki: ClusterPki
    settings: KubernetesSettings
    protect: bool = True


class ControlPlane(pulumi.ComponentResource):
    """Outputs: `founded`, what workers wait for; `ready`, what the cluster's proof waits for; `first`, a master.

    `api_servers` are the URLs of all of them by space, the balancer's last.
    """

    first: Node
    founded: pulumi.Resource
    ready: Sequence[pulumi.Resource]
    api_servers: pulumi.Output[str]

    def __init__(self, name: str, args: ControlPlaneArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kubeadm:index:ControlPlane", name, None, opts)
        self._name, self._args = name, args
        self.first, *others = args.masters
        self._cluster = _cluster(args)
        self.api_servers = _api_servers(args)
        self.founded = self._found()
        joins = [self._join(self.first)]
        uploads = others and args.settings.certificate_distribution == "uploaded"
        upload = self._upload(joins[0]) if uploads else None
        for master in others:
            joins.append(self._join(master, before=joins[-1], upload=upload))
        self.ready = [self.founded, *self._steady(joins), self._network()]
        if upload is not None:
            self.ready.append(upload.withdraw(f"{name}-withdraw-certificates", joins, self))
        self.register_outputs({})

    def _found(self) -> pulumi.Resource:
        args = self._args
        documents = pulumi.Output.all(self._cluster, host_of(self.first)).apply(
            lambda known: kubeadm.init_documents(*known)
        )
        return remote_step(
            f"{self._name}-init",
            self.first,
            "kubernetes/init-control-plane.sh",
            settings={
                "NODE_NAME": self.first.name,
                "STAGE": STAGE,
                "STACKED_ETCD": _stacked_etcd(args),
                **NETWORK.traces,
            },
            files=[*_own_files(args, self.first), *_shared_files(args), staged("kubeadm.yaml", documents)],
            libraries=["lib/kubeadm.sh", "lib/membership.sh"],
            timeout_seconds=STEP_SECONDS,
            secret=True,
            triggers=(),
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[args.prepared[self.first.name], *args.datastore.ready, *args.named],
                ignore_changes=list(EVERY_INPUT),
                protect=args.protect,
            ),
        )

    def _upload(self, joined: pulumi.Resource) -> CertificateUpload:
        args = CertificateUploadArgs(
            bastion=self._args.bastion,
            first=self.first,
            joined=joined,
            founded=self._args.founded,
            cluster=self._cluster,
            api_servers=self.api_servers,
        )
        return CertificateUpload(f"{self._name}-certificates", args, pulumi.ResourceOptions(parent=self))

    def _join(
        self, master: Node, *, before: pulumi.Resource | None = None, upload: CertificateUpload | None = None
    ) -> pulumi.Resource:
        """`before` is the join of the master before this one, `upload` is where this one gets what masters share."""
        args = self._args
        waits: list[pulumi.Resource] = [args.prepared[master.name], *args.reachable]
        if args.founded:
            waits += [member for name, member in args.datastore.members.items() if name == master.name]
        else:
            waits += [self.founded, *args.datastore.ready]
            if before is not None and args.datastore.in_turn:
                waits.append(before)
        if upload is not None:
            waits.append(upload.upload_for(master))
        return remote_step(
            f"{self._name}-join-{master.name}",
            master,
            "kubernetes/join-master.sh",
            settings={
                "NODE_NAME": master.name,
                "NODE_ADDRESS": master.address,
                "STAGE": STAGE,
                "API_SERVERS": self.api_servers,
                "CERTIFICATES": "placed" if upload is None else "uploaded",
                "STACKED_ETCD": _stacked_etcd(args),
                **NETWORK.traces,
            },
            files=[
                *_own_files(args, master),
                *(_shared_files(args) if upload is None else []),
                *join_files(
                    args.pki,
                    master,
                    args.settings.ignore_preflight_errors,
                    control_plane=True,
                    certificate_key=None if upload is None else upload.key,
                ),
                staged("admin.conf", args.pki.admin_kubeconfig),
            ],
            libraries=[*LIBRARIES, "lib/etcd-client.sh"],
            timeout_seconds=STEP_SECONDS,
            secret=True,
            opts=pulumi.ResourceOptions(parent=self, depends_on=waits),
        )

    def _steady(self, joins: Sequence[pulumi.Resource]) -> Sequence[pulumi.Resource]:
        args = SteadyMastersArgs(
            masters=self._args.masters,
            joins=joins,
            datastore=self._args.datastore,
            chain=self._args.chain,
            founded=self._args.founded,
            settings=self._args.settings,
        )
        return SteadyMasters(self._name, args, pulumi.ResourceOptions(parent=self)).ready

    def _network(self) -> pulumi.Resource:
        settings = self._args.settings
        manifest = NETWORK.manifest(settings.network_version, settings.pod_cidr, settings.api_name)
        return remote_step(
            f"{self._name}-network",
            self.first,
            "addons/apply-network.sh",
            settings={"MANIFEST": MANIFEST, "API_SERVERS": self.api_servers},
            files=[NodeFile(path=MANIFEST, content=manifest)],
            libraries=["lib/api-server.sh"],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self.founded]),
        )


def _shared_files(args: ControlPlaneArgs) -> list[NodeFile]:
    """The authorities and keys that are the same on all masters."""
    account = args.pki.service_account
    return [
        *args.pki.kubernetes_ca.files(f"{STAGE}/pki/ca"),
        *args.pki.front_proxy_ca.files(f"{STAGE}/pki/front-proxy-ca"),
        staged("pki/sa.pub", account.public_key_pem),
        staged("pki/sa.key", account.private_key_pem),
        *args.datastore.shared,
    ]


def _own_files(args: ControlPlaneArgs, master: Node) -> list[NodeFile]:
    """What founding and joining place on a master beside their own document and what all masters share."""
    return [
        *args.datastore.files,
        *args.pki.kubelet_serving[master.name].files(KUBELET_SERVING),
        staged("patches/corednsdeployment.yaml", kubeadm.coredns_patch()),
    ]


def _api_servers(args: ControlPlaneArgs) -> pulumi.Output[str]:
    """By any master that lives, sooner than the balancer has found out that one does; a joined master uses its own."""
    hosts = pulumi.Output.all(*(master.address for master in args.masters), args.settings.api_name)
    return hosts.apply(lambda known: " ".join(f"https://{host}:{API_PORT}" for host in known))


def _stacked_etcd(args: ControlPlaneArgs) -> pulumi.Output[str]:
    """The client URLs of the members that masters bring and take with them; empty when they bring none."""
    return pulumi.Output.all(*(args.datastore.endpoints if args.datastore.in_turn else ())).apply(",".join)


def _cluster(args: ControlPlaneArgs) -> pulumi.Output[Cluster]:
    masters = pulumi.Output.all(**{master.name: master.address for master in args.masters})
    return pulumi.Output.all(masters, args.datastore.section).apply(
        lambda known: Cluster(settings=args.settings, masters=known[0], etcd=known[1])
    )
