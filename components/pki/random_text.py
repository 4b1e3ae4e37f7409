"""Texts that nobody can guess, made once and kept in the state."""

import hashlib

import pulumi

from components.pki.certificates import private_key


def random_hex(name: str, parent: pulumi.Resource) -> pulumi.Output[str]:
    """64 hexadecimal digits, secret: the digest of a key that is used for nothing else."""
    key = private_key(name, opts=pulumi.ResourceOptions(parent=parent))
    return pulumi.Output.secret(key.private_key_pem.apply(lambda pem: hashlib.sha256(pem.encode()).hexdigest()))
