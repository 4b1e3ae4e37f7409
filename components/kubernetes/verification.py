"""Verification: the last step, which proves that the cluster works and names what it has proved that for."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pulumi

from components.addons.installed import NETWORK
from components.host.node import Node, by_name
from components.host.step import NodeFile, remote_step
from settings.values import Settings

PROBE = Path(__file__).parent / "verification.yaml"
PLACE = "/run/kubeadm-aws/verification/probe.yaml"
# While nothing gets any further on nodes that are not Ready. A kubelet pauses half a minute at most between attempts.
PATIENCE_SECONDS = 50


@dataclass(frozen=True, kw_only=True)
class VerificationArgs:
    """`after` is all that must be done before there is anything to prove. `etcd_machines` run etcd alone.

    Another `firewall`, in words, and other `certificates` are proved again too.
    """

    masters: Sequence[Node]
    workers: Sequence[Node]
    etcd_machines: Sequence[Node]
    api_servers: pulumi.Input[str]
    ingress_name: pulumi.Input[str]
    settings: Settings
    firewall: Sequence[pulumi.Input[str]]
    certificates: Sequence[pulumi.Input[str]]
    after: Sequence[pulumi.Resource]


class Verification(pulumi.ComponentResource):
    """Output: `release`, the versions that were seen to work together."""

    release: str

    def __init__(self, name: str, args: VerificationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kubeadm:index:Verification", name, None, opts)
        kubernetes, etcd = args.settings.kubernetes, args.settings.etcd
        self.release = (
            f"kubernetes {kubernetes.version}, etcd {etcd.release}, {NETWORK.name} {kubernetes.network_version}"
        )
        nodes, ports = [*args.masters, *args.workers, *args.etcd_machines], args.settings.network.node_ports
        remote_step(
            f"{name}-{args.masters[0].name}",
            args.masters[0],
            "kubernetes/verify-cluster.sh",
            settings={
                "RELEASE": self.release,
                "MACHINES": by_name(nodes, lambda node: node.identity),
                "DIGEST": pulumi.Output.all(*args.firewall, *args.certificates).apply(_digest),
                "MADE_OF": by_name(nodes, lambda node: node.made_of, "; "),
                "KUBERNETES_VERSION": kubernetes.version,
                "MASTERS": by_name(args.masters, lambda node: node.address),
                "WORKERS": " ".join(node.name for node in args.workers),
                "API_NAME": kubernetes.api_name,
                "API_SERVERS": args.api_servers,
                "INGRESS_NAME": args.ingress_name,
                "NODE_PORTS": " ".join(f"{port}:{node_port}" for port, node_port in ports.items()),
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


def _digest(texts: Sequence[str]) -> str:
    """The same in whatever order they come."""
    return hashlib.sha256("\n".join(sorted(texts)).encode()).hexdigest()
