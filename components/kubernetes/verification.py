"""Verification: the last step, which proves that the cluster works and names what it has proved that for."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pulumi

from components.addons.installed import NETWORK
from components.host.node import Node
from components.host.step import NodeFile, remote_step

PROBE = Path(__file__).parent / "verification.yaml"
PLACE = "/run/kubeadm-aws/verification/probe.yaml"
# While nothing gets any further on nodes that are not Ready. A kubelet pauses half a minute at most between attempts.
PATIENCE_SECONDS = 50


@dataclass(frozen=True, kw_only=True)
class VerificationArgs:
    """`after` is all that must be done before there is anything to prove; `node_ports` maps the balancer's ports.

    `etcd_machines` are those that run etcd alone, and `etcd_version` is that of the etcd that runs.
    """

    masters: Sequence[Node]
    workers: Sequence[Node]
    etcd_machines: Sequence[Node]
    api_name: str
    api_servers: pulumi.Input[str]
    ingress_name: pulumi.Input[str]
    node_ports: Mapping[int, int]
    kubernetes_version: str
    etcd_version: str
    flannel_version: str
    after: Sequence[pulumi.Resource]


class Verification(pulumi.ComponentResource):
    """Output: `release`, the versions that were seen to work together."""

    release: str

    def __init__(self, name: str, args: VerificationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kubeadm:index:Verification", name, None, opts)
        self.release = (
            f"kubernetes {args.kubernetes_version}, etcd {args.etcd_version}, {NETWORK.name} {args.flannel_version}"
        )
        nodes = [*args.masters, *args.workers, *args.etcd_machines]
        remote_step(
            f"{name}-{args.masters[0].name}",
            args.masters[0],
            "kubernetes/verify-cluster.sh",
            settings={
                "RELEASE": self.release,
                "MACHINES": _joined(" ", (pulumi.Output.concat(node.name, "=", node.identity) for node in nodes)),
                "KUBERNETES_VERSION": args.kubernetes_version,
                "MASTERS": _joined(" ", (pulumi.Output.concat(node.name, "=", node.address) for node in args.masters)),
                "WORKERS": " ".join(node.name for node in args.workers),
                "API_NAME": args.api_name,
                "API_SERVERS": args.api_servers,
                "INGRESS_NAME": args.ingress_name,
                "NODE_PORTS": " ".join(f"{port}:{node_port}" for port, node_port in args.node_ports.items()),
                "MANIFEST": PLACE,
                "NETWORK_NAMESPACE": NETWORK.namespace,
                "NETWORK_DAEMON_SET": NETWORK.daemon_set,
                "PATIENCE_SECONDS": str(PATIENCE_SECONDS),
            },
            files=[NodeFile(path=PLACE, content=PROBE.read_text())],
            libraries=["lib/node-readiness.sh", "lib/api-server.sh"],
            timeout_seconds=900,
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(args.after)),
        )
        self.register_outputs({"release": self.release})


def _joined(separator: str, parts: Iterable[pulumi.Input[str]]) -> pulumi.Output[str]:
    return pulumi.Output.all(*parts).apply(separator.join)
