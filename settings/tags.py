"""How everything that AWS makes for a cluster is known to be that cluster's."""

CLUSTER_TAG = "kubeadm-aws:cluster"
STACK_TAG = "kubeadm-aws:stack"
"""Whose cluster of that name it is: a text that no other stack has."""
