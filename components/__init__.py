"""The parts a cluster is made of, one file each."""
