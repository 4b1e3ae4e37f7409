"""An etcd member as a static pod of a kubelet that runs nothing else, with kubeadm's tree of certificates on its host.

kubernetes.io, "Set up a High Availability etcd Cluster with kubeadm".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import pulumi

from components.etcd.documents import kubelet_document, member_documents
from components.etcd.manager import STAGE, Birth, certificate_files
from components.host.kubeadm import PKI
from components.host.node import Node
from components.host.script import read_script
from components.host.step import NodeFile
from components.pki.etcd import EtcdPki
from settings.values import KubernetesSettings

DROP_IN = "20-etcd-service-manager.conf"


@dataclass(frozen=True, kw_only=True)
class StaticPodManager:
    """The image is the one that kubeadm runs with this version of Kubernetes, from the registry that the nodes know."""

    kubernetes: KubernetesSettings

    script: ClassVar[str] = "etcd/static-pod-member.sh"
    pki: ClassVar[str] = f"{PKI}/etcd"
    owner: ClassVar[str] = "root:root"

    def settings(self, birth: Birth, node: Node) -> Mapping[str, pulumi.Input[str]]:
        return {}

    def files(self, birth: Birth, node: Node, pki: EtcdPki) -> list[NodeFile]:
        kubelet = kubelet_document(fail_cgroup_v1=self.kubernetes.fail_cgroup_v1)
        return [
            *certificate_files(node, pki),
            *pki.apiserver_client.files(f"{PKI}/apiserver-etcd-client"),
            NodeFile(path="/var/lib/kubelet/config.yaml", content=kubelet),
            NodeFile(path=f"/etc/systemd/system/kubelet.service.d/{DROP_IN}", content=read_script(f"etcd/{DROP_IN}")),
            NodeFile(path=f"{STAGE}/kubeadmcfg.yaml", content=self._configuration(birth, node), mode="0600"),
        ]

    def _configuration(self, birth: Birth, node: Node) -> pulumi.Output[str]:
        known = pulumi.Output.all(address=node.address, initial_cluster=birth.initial_cluster, token=birth.token)
        return known.apply(
            lambda values: member_documents(
                birth.settings,
                name=node.name,
                address=values["address"],
                initial_cluster=values["initial_cluster"],
                cluster_token=values["token"],
                kubernetes_version=self.kubernetes.version,
            )
        )
