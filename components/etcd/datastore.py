"""The value that the control plane gets of its etcd, whoever runs it and wherever."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from components.host.kubeadm import STAGE, Document, staged
from components.host.step import NodeFile
from components.pki.etcd import EtcdPki


@dataclass(frozen=True, kw_only=True)
class Datastore:
    """`endpoints` are the members' client URLs, `section` is kubeadm's `etcd`; founding waits for `ready`.

    Each master holds `files` for it; `shared` is what masters have in common for it besides the cluster's authorities.
    `in_turn`: masters join one after another, because each brings a member. `members` are the steps that make them, by
    node, where other steps than the joins do, and their certificates lie in `pki` there. `steady` are the steps that
    prove members on machines of their own.
    """

    endpoints: Sequence[pulumi.Output[str]]
    section: pulumi.Output[Document]
    files: Sequence[NodeFile]
    shared: Sequence[NodeFile] = ()
    members: Mapping[str, pulumi.Resource]
    pki: str
    ready: Sequence[pulumi.Resource] = ()
    steady: Sequence[pulumi.Resource] = ()
    in_turn: bool = False


def etcd_client_files(pki: EtcdPki) -> list[NodeFile]:
    """What an API server needs to be a client of etcd; renewed with every change, like all below etcd-client/."""
    return [
        staged("etcd-client/etcd/ca.crt", pki.ca.certificate),
        *pki.apiserver_client.files(f"{STAGE}/etcd-client/apiserver-etcd-client"),
    ]
