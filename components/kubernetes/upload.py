"""CertificateUpload: the first master gives the others what all share, encrypted, through the API server."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_command import remote

from components.host.kubeadm import STAGE, staged
from components.host.node import Node, by_name
from components.host.step import remote_step
from components.kubernetes import documents as kubeadm
from components.kubernetes.documents import Cluster
from components.kubernetes.joining import host_of
from components.pki.random_text import random_hex

CHECK_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class CertificateUploadArgs:
    """`first` has the authorities once `joined` is done, `others` come for them. `bastion` looks at `first` before."""

    bastion: Node
    first: Node
    others: Sequence[Node]
    joined: pulumi.Resource
    cluster: pulumi.Output[Cluster]
    api_servers: pulumi.Output[str]


class CertificateUpload(pulumi.ComponentResource):
    """Outputs: `uploaded`, what a join that downloads waits for, and the secret `key` that it needs."""

    uploaded: remote.Command
    key: pulumi.Output[str]

    def __init__(self, name: str, args: CertificateUploadArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kubeadm:index:CertificateUpload", name, None, opts)
        self._args = args
        self.key = random_hex(f"{name}-key", self)
        expected = by_name(args.others, lambda node: node.identity)
        checked = remote_step(
            f"{name}-check-{args.first.name}",
            args.bastion,
            "kubernetes/check-first-master.sh",
            settings={
                "NODE_NAME": args.first.name,
                "NODE_ADDRESS": args.first.address,
                "MACHINE": args.first.identity,
                "EXPECTED": expected,
                "LIMIT_SECONDS": str(CHECK_SECONDS),
            },
            triggers=[args.first.identity],
            opts=pulumi.ResourceOptions(parent=self, deleted_with=args.first.machine, depends_on=[args.joined]),
        )
        documents = pulumi.Output.all(args.cluster, host_of(args.first), self.key).apply(
            lambda known: kubeadm.upload_documents(*known)
        )
        self.uploaded = remote_step(
            f"{name}-{args.first.name}",
            args.first,
            "kubernetes/upload-certificates.sh",
            settings={
                "NODE_NAME": args.first.name,
                "API_SERVERS": args.api_servers,
                "STAGE": STAGE,
                "EXPECTED": expected,
            },
            files=[staged("kubeadm.yaml", documents)],
            libraries=["lib/kubeadm.sh", "lib/api-server.sh"],
            secret=True,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[checked]),
        )
        self.register_outputs({})

    def withdraw(self, name: str, after: Sequence[pulumi.Resource], parent: pulumi.Resource) -> pulumi.Resource:
        """Delete what was uploaded, every time that it was, when all who came for it have it."""
        digest = pulumi.Output.from_input(self.uploaded.stdin).apply(
            lambda text: hashlib.sha256(f"{text}".encode()).hexdigest()
        )
        return remote_step(
            name,
            self._args.first,
            "kubernetes/withdraw-certificates.sh",
            settings={"API_SERVERS": self._args.api_servers, "UPLOAD": pulumi.Output.unsecret(digest)},
            libraries=["lib/api-server.sh"],
            opts=pulumi.ResourceOptions(parent=parent, depends_on=[self.uploaded, *after]),
        )
