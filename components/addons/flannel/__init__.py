"""flannel, the pods' network."""
