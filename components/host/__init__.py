"""A machine as the program drives it: its first boot, the steps on it, its preparation for kubeadm."""
