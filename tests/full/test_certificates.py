"""Hosts whose etcd is a static pod have the certificates that kubeadm itself would make for them."""

from pathlib import Path

import pytest

from tests.e2e.cluster import Cluster
from tests.full import kubeadm_certificates
from tests.full.layout import ETCD_MACHINES, STATIC_PODS

# Whoever can sign for etcd can read every secret of the cluster: on no host, not even the one that kubeadm made it on.
NOT_ON_HOSTS = "etcd/ca.key"


@pytest.mark.parametrize("cluster", STATIC_PODS, indirect=True)
@pytest.mark.parametrize("host", ETCD_MACHINES)
def test_each_file_is_as_kubeadm_makes_it(cluster: Cluster, host: str, tmp_path: Path) -> None:
    configuration = cluster.ssh(host, f"sudo cat {kubeadm_certificates.CONFIGURATION}")
    wanted = dict(kubeadm_certificates.of_kubeadm(configuration, tmp_path))
    del wanted[NOT_ON_HOSTS]
    assert kubeadm_certificates.of_host(cluster, host) == wanted
