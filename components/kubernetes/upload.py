"""CertificateUpload: the first master gives the others what all share, encrypted, through the API server."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_command import remote

from components.host.kubeadm import STAGE, staged
from components.host.node import Node
from components.host.step import remote_step
from components.kubernetes import documents as kubeadm
from components.kubernetes.documents import Cluster
from components.pki.random_text import random_hex

CHECK_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class CertificateUploadArgs:
    """`first` has the authorities once it has `joined`. `bastion` looks at it before anything is tried there.

    While the cluster is not `founded` yet, uploads wait for each other; later the chain sees to it.
    """

    bastion: Node
    first: Node
    joined: pulumi.Resource
    founded: bool
    cluster: pulumi.Output[Cluster]
    api_servers: pulumi.Output[str]


class CertificateUpload(pulumi.ComponentResource):
    """Output: the secret `key` that a join needs which downloads what was uploaded for it."""

    key: pulumi.Output[str]

    def __init__(self, name: str, args: CertificateUploadArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kubeadm:index:CertificateUpload", name, None, opts)
        self._name, self._args = name, args
        self._uploads: list[remote.Command] = []
        self.key = random_hex(f"{name}-key", self)
        self.register_outputs({})

    def upload_for(self, master: Node) -> pulumi.Resource:
        """Upload for a machine that comes for it: no step here waits for any other. All uploads are the same."""
        args, expected = self._args, pulumi.Output.concat(master.name, "=", master.identity)
        checked = remote_step(
            f"{self._name}-check-{args.first.name}-for-{master.name}",
            args.bastion,
            "kubernetes/check-first-master.sh",
            settings={
                "NODE_NAME": args.first.name,
                "NODE_ADDRESS": args.first.address,
                "EXPECTED": expected,
                "LIMIT_SECONDS": str(CHECK_SECONDS),
            },
            triggers=[master.identity],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[] if args.founded else [args.joined]),
        )
        documents = pulumi.Output.all(args.cluster, self.key).apply(lambda known: kubeadm.upload_documents(*known))
        uploaded = remote_step(
            f"{self._name}-{args.first.name}-for-{master.name}",
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
            triggers=[master.identity],
            # They share a stage on the first master.
            opts=pulumi.ResourceOptions(
                parent=self, depends_on=[checked, *([] if args.founded else self._uploads[-1:])]
            ),
        )
        self._uploads.append(uploaded)
        return uploaded

    def withdraw(self, name: str, after: Sequence[pulumi.Resource], parent: pulumi.Resource) -> pulumi.Resource:
        """Delete what was uploaded, every time that it was, when all who came for it have it."""
        digest = pulumi.Output.all(*(upload.stdin for upload in self._uploads)).apply(
            lambda texts: hashlib.sha256(f"{texts}".encode()).hexdigest()
        )
        return remote_step(
            name,
            self._args.first,
            "kubernetes/withdraw-certificates.sh",
            settings={"API_SERVERS": self._args.api_servers, "UPLOAD": pulumi.Output.unsecret(digest)},
            libraries=["lib/api-server.sh"],
            opts=pulumi.ResourceOptions(parent=parent, depends_on=[*self._uploads, *after]),
        )
