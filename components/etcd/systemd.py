"""An etcd member as a systemd unit, from upstream's archive."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import pulumi

from components.etcd.flags import command_line, decided_flags
from components.etcd.manager import Birth, certificate_files
from components.host.node import Node
from components.host.script import read_script
from components.host.step import NodeFile
from components.pki.etcd import EtcdPki


@dataclass(frozen=True, kw_only=True)
class SystemdManager:
    """`mirror` is the URL in place of upstream's, where there is one."""

    mirror: str | None

    script: ClassVar[str] = "etcd/systemd-member.sh"
    pki: ClassVar[str] = "/etc/etcd/pki"
    owner: ClassVar[str] = "etcd:etcd"

    def settings(self, birth: Birth, node: Node) -> Mapping[str, pulumi.Input[str]]:
        return {"ETCD_VERSION": birth.settings.version, "MIRROR": self.mirror or ""}

    def files(self, birth: Birth, node: Node, pki: EtcdPki) -> list[NodeFile]:
        environment = pulumi.Output.format(
            'NAME={0}\nADDRESS={1}\nCLUSTER_TOKEN={2}\nFLAGS="{3}"\n',
            node.name,
            node.address,
            birth.token,
            command_line(decided_flags(birth.settings)),
        )
        return [
            *certificate_files(node, pki),
            NodeFile(path="/etc/etcd/etcd.env", content=environment),
            NodeFile(path="/etc/systemd/system/etcd.service", content=read_script("etcd/etcd.service")),
        ]
