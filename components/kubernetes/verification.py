"""Verification: the last step, which proves that the cluster works and names what it has proved that for."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi

from components.addons.installed import NETWORK
from components.host.node import Node, by_name
from components.host.step import NodeFile, remote_step
from components.kubernetes.release import Release
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
    release: Release
    settings: Settings
    firewall: Sequence[pulumi.Input[str]]
    certificates: Sequence[pulumi.Input[str]]
    after: Sequence[pulumi.Resource]


class Verification(pulumi.ComponentResource):
    """Output: `verified`, the release that was seen to work, and when; None where what runs is no release."""

    verified: pulumi.Output[Mapping[str, Any] | None]

    def __init__(self, name: str, args: VerificationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kubeadm:index:Verification", name, None, opts)
        kubernetes, etcd, release = args.settings.kubernetes, args.settings.etcd, args.release
        versions = f"kubernetes {kubernetes.version}, etcd {etcd.release}, {NETWORK.name} {kubernetes.network_version}"
        nodes, ports = [*args.masters, *args.workers, *args.etcd_machines], args.settings.network.node_ports
        proved = remote_step(
            f"{name}-{args.masters[0].name}",
            args.masters[0],
            "kubernetes/verify-cluster.sh",
            settings={
                "RELEASE": versions,
                "RUNS": json.dumps(release.runs, sort_keys=True),
                "PROMOTED_IMAGES": json.dumps(release.images, sort_keys=True),
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
        self.verified = proved.stdout.apply(release.stamped)
        self.register_outputs({"verified": self.verified})


def _digest(texts: Sequence[str]) -> str:
    """The same in whatever order they come."""
    return hashlib.sha256("\n".join(sorted(texts)).encode()).hexdigest()
