"""A network add-on as the rest of the program sees it: what it runs, needs and leaves on a host."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """What every node may send to every other for the add-on; `what` and `why` are the firewall table's words."""

    protocol: Literal["tcp", "udp"]
    port: int
    what: str
    why: str


@dataclass(frozen=True, kw_only=True)
class NetworkAddon:
    """`namespace` is where its pods are, `daemon_set` runs one of them on every node, by its first container's image.

    `manifest` gives what is applied, from a version (no leading v), the pods' range and the API server's name. On a
    host it leaves `links`, `paths`, and packet rules in chains whose names begin with one of `chains`.
    """

    name: str
    namespace: str
    daemon_set: str
    manifest: Callable[[str, str, str], str]
    traffic: Sequence[Traffic]
    links: Sequence[str]
    paths: Sequence[str]
    chains: Sequence[str]

    def images(self, version: str) -> list[str]:
        """The images that it runs on every node."""
        return sorted(set(re.findall(r"image: (\S+)", self.manifest(version, "any", "any"))))

    @property
    def traces(self) -> Mapping[str, str]:
        """Settings of the scripts that take the add-on's traces from a host."""
        return {
            "NETWORK_LINKS": " ".join(self.links),
            "NETWORK_PATHS": " ".join(self.paths),
            "NETWORK_CHAINS": " ".join(self.chains),
        }
