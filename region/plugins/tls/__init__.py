"""Stands in for the `tls` plugin: keys, requests and certificates, as Pulumi's plugin makes them."""
