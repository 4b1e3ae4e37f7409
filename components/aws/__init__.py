"""What AWS makes for the cluster: network, firewall, balancers, names, bastion and machines."""
