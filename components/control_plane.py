"""ControlPlane: the cluster is founded once on the first master, every master is a member, the pods have a network."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from components import kubeadm_config
from components.cluster_pki import ClusterPki
from components.etcd_pki import EtcdPki
from components.joining import LIBRARIES, STEP_SECONDS, host_of, join_files, kubelet_files, staged
from components.kubeadm_config import Cluster, Host
from components.network_addon import flannel_manifest
from components.node import Node
from components.remote_step import NodeFile, remote_step

FLANNEL = "/run/network-addon/flannel.yaml"
# All inputs of a remote.Command: what was done once is not done again because the program now says it otherwise.
EVERY_INPUT = ("addPreviousOutputInEnv", "connection", "create", "logging", "stdin", "triggers")


@dataclass(frozen=True, kw_only=True)
class ControlPlaneArgs:
    """`prepared` is what must be done on each node (by name) before kubeadm runs there, `etcd_ready` before all.

    `named` is the API server's DNS record: the first pods ask for it, and a resolver remembers a no for minutes.
    `reachable` is the balancer behind it too, which joins go through; the founding does not wait for that.
    """

    masters: Sequence[Node]
    prepared: Mapping[str, pulumi.Resource]
    etcd_endpoints: Sequence[pulumi.Input[str]]
    etcd_ready: Sequence[pulumi.Resource]
    named: Sequence[pulumi.Resource]
    reachable: Sequence[pulumi.Resource]
    etcd_pki: EtcdPki
    pki: ClusterPki
    cluster_name: str
    kubernetes_version: str
    flannel_version: str
    api_name: str
    pod_cidr: str
    service_cidr: str
    fail_cgroup_v1: bool
    ignore_preflight_errors: tuple[str, ...]
    conntrack_max_per_core: int | None
    protect: bool = True


class ControlPlane(pulumi.ComponentResource):
    """Outputs: `founded`, what workers wait for; `ready`, what the cluster's proof waits for; `first`, a master."""

    first: Node
    founded: pulumi.Resource
    ready: Sequence[pulumi.Resource]

    def __init__(self, name: str, args: ControlPlaneArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kubeadm:index:ControlPlane", name, None, opts)
        self.first = args.masters[0]
        self.founded = self._found(name, args)
        joins = [self._join(name, args, master) for master in args.masters]
        network = self._network(name, args)
        self.ready = [self.founded, *joins, network]
        self.register_outputs({})

    def _found(self, name: str, args: ControlPlaneArgs) -> pulumi.Resource:
        hosts = pulumi.Output.all(*(host_of(master) for master in args.masters))
        endpoints = pulumi.Output.all(*args.etcd_endpoints)
        documents = pulumi.Output.all(hosts, endpoints).apply(
            lambda known: kubeadm_config.init_documents(_cluster(args, known[0], known[1]), known[0][0])
        )
        return remote_step(
            f"{name}-init",
            self.first,
            "init-control-plane.sh",
            settings={"NODE_NAME": self.first.name},
            files=[*_files(args, self.first), staged("kubeadm.yaml", documents)],
            libraries=LIBRARIES,
            timeout_seconds=STEP_SECONDS,
            secret=True,
            triggers=(),
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[args.prepared[self.first.name], *args.etcd_ready, *args.named],
                ignore_changes=list(EVERY_INPUT),
                protect=args.protect,
            ),
        )

    def _join(self, name: str, args: ControlPlaneArgs, master: Node) -> pulumi.Resource:
        return remote_step(
            f"{name}-join-{master.name}",
            master,
            "join-node.sh",
            settings={
                "NODE_NAME": master.name,
                "NODE_ADDRESS": master.address,
                "ROLE": "control-plane",
                "API_SERVERS": _api_servers(args),
            },
            files=[
                *_files(args, master),
                *join_files(args.pki, master, args.ignore_preflight_errors, control_plane=True),
                staged("admin.conf", args.pki.admin_kubeconfig),
            ],
            libraries=LIBRARIES,
            timeout_seconds=STEP_SECONDS,
            secret=True,
            opts=pulumi.ResourceOptions(
                parent=self, depends_on=[self.founded, args.prepared[master.name], *args.etcd_ready, *args.reachable]
            ),
        )

    def _network(self, name: str, args: ControlPlaneArgs) -> pulumi.Resource:
        manifest = flannel_manifest(args.flannel_version, args.pod_cidr, args.api_name)
        return remote_step(
            f"{name}-network",
            self.first,
            "apply-network.sh",
            settings={"MANIFEST": FLANNEL, "MASTER_ADDRESS": self.first.address},
            files=[NodeFile(path=FLANNEL, content=manifest)],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self.founded]),
        )


def _files(args: ControlPlaneArgs, master: Node) -> list[NodeFile]:
    """What founding and joining place on a master beside their own document."""
    account, etcd = args.pki.service_account, args.etcd_pki.apiserver_client
    return [
        staged("pki/ca.crt", args.pki.kubernetes_ca.certificate),
        staged("pki/ca.key", args.pki.kubernetes_ca.key),
        staged("pki/front-proxy-ca.crt", args.pki.front_proxy_ca.certificate),
        staged("pki/front-proxy-ca.key", args.pki.front_proxy_ca.key),
        staged("pki/sa.pub", account.public),
        staged("pki/sa.key", account.private),
        staged("etcd-client/etcd/ca.crt", args.etcd_pki.ca_certificate),
        staged("etcd-client/apiserver-etcd-client.crt", etcd.certificate),
        staged("etcd-client/apiserver-etcd-client.key", etcd.key),
        *kubelet_files(args.pki, master),
        staged("patches/corednsdeployment.yaml", kubeadm_config.coredns_patch()),
    ]


def _api_servers(args: ControlPlaneArgs) -> pulumi.Output[str]:
    """By any master that lives, sooner than the balancer has found out that one does; a joined master uses its own."""
    hosts = pulumi.Output.all(*(master.address for master in args.masters), args.api_name)
    return hosts.apply(lambda known: " ".join(f"https://{host}:{kubeadm_config.API_PORT}" for host in known))


def _cluster(args: ControlPlaneArgs, masters: Sequence[Host], etcd_endpoints: Sequence[str]) -> Cluster:
    return Cluster(
        name=args.cluster_name,
        kubernetes_version=args.kubernetes_version,
        api_name=args.api_name,
        pod_cidr=args.pod_cidr,
        service_cidr=args.service_cidr,
        masters=tuple(masters),
        etcd_endpoints=tuple(etcd_endpoints),
        fail_cgroup_v1=args.fail_cgroup_v1,
        ignore_preflight_errors=args.ignore_preflight_errors,
        conntrack_max_per_core=args.conntrack_max_per_core,
    )
