"""What the tests of steps stand on: machines that are not there, and keys that are none."""

import pulumi
from pulumi_command.remote import ConnectionArgs

from components.host.node import Node


class Thing(pulumi.CustomResource):
    """Any resource, for what other components would make."""

    def __init__(self, name: str) -> None:
        super().__init__("test:index:Thing", name, {})


def tls_outputs(kind: str, name: str) -> dict[str, str]:
    """What the mocked `tls` plugin gives: texts that tell where they came from."""
    return {
        "tls:index/privateKey:PrivateKey": {"privateKeyPem": f"KEY OF {name}", "publicKeyPem": f"public {name}"},
        "tls:index/certRequest:CertRequest": {"certRequestPem": f"request {name}"},
        "tls:index/locallySignedCert:LocallySignedCert": {"certPem": f"certificate {name}"},
        "tls:index/selfSignedCert:SelfSignedCert": {"certPem": f"certificate {name}"},
    }.get(kind, {})


def make_node(role: str, ordinal: int) -> Node:
    """`role`-`ordinal` with a machine of its own, in a zone by ordinal."""
    name = f"{role}-{ordinal}"
    machine = Thing(f"{name}-machine")
    return Node(
        name=name,
        address=f"10.0.{ordinal}.{10 if role == 'master' else 100}",
        zone="us-east-1" + "abc"[ordinal],
        connection=ConnectionArgs(host=f"{name}.test", user="admin"),
        identity=pulumi.Output.concat("i-", name, "-", machine.id),
        machine=machine,
        host_key=pulumi.Output.from_input("ssh-ed25519 AAAA"),
    )
