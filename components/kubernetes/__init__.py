"""Kubernetes on prepared machines: founding, joining, and the proof that it works."""
