"""A program that the cluster runs for clients, and one client, who never stops asking."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from tests.e2e.cluster import Cluster

MANIFEST = Path(__file__).parent / "web.yaml"
CLIENT = """
rm -f /run/asked /run/failed
systemd-run --quiet --unit web-client bash -c '
  while true; do
    if curl --silent --show-error --fail --max-time 5 --output /dev/null http://{ingress}/health 2>/run/last; then
      echo ok >>/run/asked
    else
      echo "$(date +%T.%N) $(cat /run/last)" >>/run/failed
    fi
    sleep 0.05
  done'
"""


def deploy(cluster: Cluster) -> None:
    """Run it with an image that the nodes have, and wait until it answers."""
    [image] = {
        container["image"]
        for deployment in cluster.get("deployments", "-n", "kube-system", "-l", "k8s-app=kube-dns")
        for container in deployment["spec"]["template"]["spec"]["containers"]
    }
    cluster.apply(MANIFEST.read_text().replace("IMAGE", image))
    cluster.kubectl("rollout", "status", "deployment/web", "--timeout=120s")


def pods(cluster: Cluster) -> dict[str, str]:
    """Its pods by the node they are on."""
    return {pod["spec"]["nodeName"]: pod["metadata"]["name"] for pod in cluster.get("pods", "-l", "app=web")}


@contextlib.contextmanager
def client(cluster: Cluster, host: str) -> Iterator[None]:
    """Ask on `host`, by the balancer, all the time; every request must have been answered."""
    ingress = cluster.outputs()["ingressEndpoint"]
    started = cluster.ssh_script(host, CLIENT.format(ingress=ingress))
    assert started.returncode == 0, started.stderr
    try:
        yield
    finally:
        cluster.ssh_script(host, "systemctl stop web-client")
    asked = int(cluster.ssh(host, "cat /run/asked 2>/dev/null | wc --lines"))
    failed = cluster.ssh(host, "sudo cat /run/failed 2>/dev/null || true")
    assert not failed, f"of {asked} requests these failed:\n{failed}"
    assert asked > 100
