"""A node gets its network whatever restarts while it joins: the real step of its join, disturbed at chosen moments."""

import json
import time
import uuid

import pytest

from tests.e2e.cluster import Cluster, ready
from tests.full.layout import WORKER

SECONDS_UNTIL_READY = 90
CONFIGURATION = "/etc/cni/net.d/10-flannel.conflist"
MASTER = "master-1"

# As a machine is before its join, but for its packages and images.
LEAVE = f"""
set -euo pipefail
kubeadm reset --force --skip-phases=remove-etcd-member >/dev/null 2>&1
ip link delete cni0 2>/dev/null || true
ip link delete flannel.1 2>/dev/null || true
rm -rf /run/flannel /var/lib/cni/networks {CONFIGURATION}
"""
POD = "crictl pods --quiet --namespace kube-flannel"
MOMENTS = {
    "its-pod-is-made": f"[[ -n $({POD}) ]]",
    "flanneld-starts": f"[[ ! -e {CONFIGURATION} ]] && pgrep --exact flanneld >/dev/null",
    "it-is-configured": f"[[ -e {CONFIGURATION} ]]",
}
DISTURBANCES = {
    "kubelet-restarts": "systemctl restart kubelet",
    "containerd-restarts": "systemctl restart containerd",
    "its-pod-is-killed": f"{POD} | xargs --no-run-if-empty crictl rmp --force",
}
# Looks so often that no moment is missed, and for no more than five minutes. A unit that succeeds is forgotten.
AWAIT = """
systemd-run --quiet --unit={unit} --property=Type=exec bash -c '
for _ in {{1..15000}}; do
  if {moment}; then
    {disturbance}
    echo disturbed
    exit
  fi
  sleep 0.02
done
exit 1'
"""


@pytest.mark.parametrize("cluster", ["local"], indirect=True)
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize(
    ("host", "disturbance"), [(MASTER, "kubelet-restarts"), *((WORKER, disturbance) for disturbance in DISTURBANCES)]
)
def test_a_node_gets_its_network_whatever_restarts(cluster: Cluster, host: str, moment: str, disturbance: str) -> None:
    kind = "control-plane" if host == MASTER else "workers"
    join = cluster.step_text(f"{cluster.name}-{kind}-join-{host}")
    cluster.kubectl("delete", "node", host)
    assert cluster.ssh_script(host, LEAVE).returncode == 0
    unit = f"disturbance-{uuid.uuid4().hex[:8]}"
    script = AWAIT.format(unit=unit, moment=MOMENTS[moment], disturbance=DISTURBANCES[disturbance])
    assert cluster.ssh_script(host, script).returncode == 0
    joined = cluster.ssh_script(host, join)
    assert joined.returncode == 0, joined.stdout + joined.stderr
    try:
        assert_becomes_ready(cluster, host)
        ended = f"timeout 60 sh -c 'while systemctl is-active --quiet {unit}; do sleep 0.2; done'"
        cluster.ssh(host, ended)
        assert "disturbed" in cluster.ssh(host, f"sudo journalctl --unit {unit} --output cat")
    finally:
        cluster.ssh(host, f"sudo systemctl stop {unit} 2>/dev/null || true")


def assert_becomes_ready(cluster: Cluster, host: str) -> None:
    """Ready for good: its network is there, and stays."""
    deadline = time.monotonic() + SECONDS_UNTIL_READY
    while not (host in ready(nodes := cluster.get("nodes")) and has_network(cluster, host)):
        conditions = [one["status"]["conditions"] for one in nodes if one["metadata"]["name"] == host]
        assert time.monotonic() < deadline, json.dumps(conditions, indent=1)
        time.sleep(1)


def has_network(cluster: Cluster, host: str) -> bool:
    found = cluster.ssh(host, f"test -e {CONFIGURATION} && test -e /run/flannel/subnet.env && echo yes || echo no")
    return found.strip() == "yes"
