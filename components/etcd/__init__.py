"""The cluster's etcd: members by topology, their health, and what the control plane may know of it."""
