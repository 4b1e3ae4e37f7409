"""How everything that AWS makes for a cluster is known to be that cluster's."""

CLUSTER_TAG = "kubeadm-aws:cluster"
