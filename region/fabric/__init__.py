"""What the world is: hosts, network, balancers, names."""
