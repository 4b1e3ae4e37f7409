"""The wire of one host: a network namespace of its own and a routed veth to its VPC's router."""

import contextlib
from dataclasses import dataclass

from region.fabric import namespaces

INTERFACE = "eth0"


@dataclass(frozen=True)
class HostLink:
    """The namespace `ka-<instance id>`, its eth0 and the router's end of it."""

    instance_id: str

    @property
    def namespace(self) -> str:
        return f"{namespaces.PREFIX}{self.instance_id}"

    @property
    def router_end(self) -> str:
        """Link names have 15 characters at most."""
        return f"h{self.instance_id.removeprefix('i-')[-13:]}"

    def create(self, *, router: str, address: str, prefix_length: int, gateway: str) -> None:
        """Wire it: the host sees its subnet as a LAN, though every packet crosses the router. Raises NamespaceError."""
        namespaces.create(self.namespace)
        end = self.router_end
        commands = (
            f"link add {end} type veth peer name {INTERFACE} netns {self.namespace}",
            f"link set {end} up",
            f"route add {address}/32 dev {end}",
        )
        namespaces.run_in(router, ["ip", "-batch", "-"], "\n".join(commands) + "\n")
        # The router answers ARP for the neighbours, at once instead of within the 0.8 s that the kernel likes to wait.
        settings = {
            f"net.ipv4.conf.{end}.proxy_arp": "1",
            f"net.ipv4.conf.{end}.rp_filter": "0",
            f"net.ipv4.neigh.{end}.proxy_delay": "0",
        }
        namespaces.set_sysctls(router, settings)
        commands = (
            f"address add {address}/{prefix_length} dev {INTERFACE}",
            f"link set {INTERFACE} up",
            f"route add default via {gateway}",
        )
        namespaces.run_in(self.namespace, ["ip", "-batch", "-"], "\n".join(commands) + "\n")

    def remove(self) -> None:
        """Take away both ends and the namespace, whole or half-made."""
        if self.namespace not in namespaces.names():
            return
        # At once: the kernel ends a namespace without hurry, and its links with it.
        with contextlib.suppress(namespaces.NamespaceError):
            namespaces.run_in(self.namespace, ["ip", "link", "delete", INTERFACE])
        namespaces.delete(self.namespace)
