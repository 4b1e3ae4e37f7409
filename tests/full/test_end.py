"""Each cluster's end, and the region's."""

import time

from region.fabric import hosts, leftovers, processes
from region.fabric.namespaces import INTERNET
from region.fabric.namespaces import names as namespaces
from region.paths import RUN, STATE
from tests.e2e.cluster import Cluster
from tests.e2e.machine import Traces
from tests.full.conftest import Region
from tests.full.inventory import inventory

SECONDS_UNTIL_GONE = 60
OF_A_VPC = ("host-", "balancer-", "names-")


def test_a_destroyed_cluster_leaves_nothing_in_the_region(cluster: Cluster, region: Region) -> None:
    cluster.destroy()
    assert inventory(cluster) == region.empty
    assert cluster.stacks() == []
    deadline = time.monotonic() + SECONDS_UNTIL_GONE
    while (left := left_of_clusters()) and time.monotonic() < deadline:
        time.sleep(1)
    assert left == set()
    shown = cluster.make("status")
    assert shown.returncode == 0
    assert "master-0" not in shown.stdout
    assert "6443" not in shown.stdout, "a balancer is left"


def test_a_region_that_had_every_cluster_leaves_nothing(region: Region) -> None:
    assert Cluster(checkout=region.checkout.path).make("down").returncode == 0
    assert leftovers.found() == []
    assert Traces.now() == region.before
    assert not STATE.exists()
    assert not RUN.exists()


def left_of_clusters() -> set[str]:
    """Hosts, networks, balancers and names: all that a region has once it has a cluster."""
    running = {name for name in processes.running_names() if name.startswith(OF_A_VPC)}
    return hosts.all_known() | (namespaces() - {INTERNET}) | running
