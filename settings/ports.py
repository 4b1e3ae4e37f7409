"""Ports that are the field's own, and no stack's to choose."""

API_PORT = 6443
