"""Authorities, keys and certificates, all of them pulumi-tls resources."""
