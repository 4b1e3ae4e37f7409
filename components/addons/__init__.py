"""What runs in every cluster beside Kubernetes itself, a folder each."""
