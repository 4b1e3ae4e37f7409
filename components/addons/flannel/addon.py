"""flannel, with packets between nodes in VXLAN."""

from components.addons.flannel.manifest import flannel_manifest
from components.addons.network import NetworkAddon, Traffic

FLANNEL = NetworkAddon(
    name="flannel",
    namespace="kube-flannel",
    daemon_set="kube-flannel-ds",
    manifest=flannel_manifest,
    traffic=[Traffic(protocol="udp", port=8472, what="vxlan", why="flannel carries packets between pods")],
    # The next Node may get another range of pod addresses, and a bridge with an address of the old one takes no pod.
    links=["cni0", "flannel.1"],
    paths=["/run/flannel", "/var/lib/cni/networks", "/etc/cni/net.d/10-flannel.conflist"],
    chains=["FLANNEL-", "CNI-"],
)
