"""X.509 as kubeadm makes it: an authority, and leaves as a triple of key, request and signed certificate."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pulumi
import pulumi_tls as tls

from components.host.step import NodeFile
from settings.given_ca import GivenCa

CA_YEARS = 10
LEAF_YEARS = 1
_HOURS_PER_YEAR = 8760
# A renewal happens in the first `pulumi up` inside this window, so the window is wider than the pause between two.
_LEAF_RENEWAL_HOURS = 90 * 24

Use = Literal["server_auth", "client_auth"]


@dataclass(frozen=True, kw_only=True)
class CertifiedKey:
    """A certificate and its secret key, both PEM: an authority, or a leaf signed by one."""

    certificate: pulumi.Output[str]
    key: pulumi.Output[str]

    def files(self, path: str) -> list[NodeFile]:
        """Both for a host, as `path`.crt and, for its owner only, `path`.key."""
        return [
            NodeFile(path=f"{path}.crt", content=self.certificate),
            NodeFile(path=f"{path}.key", content=self.key, mode="0600"),
        ]


def private_key(name: str, *, opts: pulumi.ResourceOptions) -> tls.PrivateKey:
    """An ECDSA P-256 key, which kubeadm, etcd and every Kubernetes component take for every purpose."""
    return tls.PrivateKey(name, algorithm="ECDSA", ecdsa_curve="P256", opts=opts)


def authority(
    name: str, common_name: str, *, given: GivenCa | None = None, protect: bool = True, parent: pulumi.Resource
) -> CertifiedKey:
    """The `given` authority, or one of our own as `kubeadm init phase certs ca` would make it.

    The key of our own is protected unless told otherwise: a cluster cannot get over its loss.
    """
    if given is not None:
        return CertifiedKey(
            certificate=pulumi.Output.from_input(given.certificate), key=pulumi.Output.secret(given.key)
        )
    key = private_key(f"{name}-key", opts=pulumi.ResourceOptions(parent=parent, protect=protect))
    certificate = tls.SelfSignedCert(
        name,
        private_key_pem=key.private_key_pem,
        is_ca_certificate=True,
        subject=tls.SelfSignedCertSubjectArgs(common_name=common_name),
        dns_names=[common_name],
        allowed_uses=["digital_signature", "key_encipherment", "cert_signing"],
        set_subject_key_id=True,
        validity_period_hours=CA_YEARS * _HOURS_PER_YEAR,
        early_renewal_hours=LEAF_YEARS * _HOURS_PER_YEAR,
        opts=pulumi.ResourceOptions(parent=parent),
    )
    return CertifiedKey(certificate=certificate.cert_pem, key=pulumi.Output.secret(key.private_key_pem))


def leaf(
    name: str,
    ca: CertifiedKey,
    common_name: str,
    *,
    uses: Sequence[Use],
    organization: str | None = None,
    dns_names: Sequence[pulumi.Input[str]] = (),
    ip_addresses: Sequence[pulumi.Input[str]] = (),
    parent: pulumi.Resource,
) -> CertifiedKey:
    """A key and a certificate for it, signed by `ca`; names and addresses in any order, twice or once."""
    opts = pulumi.ResourceOptions(parent=parent)
    key = private_key(f"{name}-key", opts=opts)
    request = tls.CertRequest(
        f"{name}-request",
        private_key_pem=key.private_key_pem,
        subject=tls.CertRequestSubjectArgs(common_name=common_name, organization=organization),
        dns_names=_sorted(dns_names),
        ip_addresses=_sorted(ip_addresses),
        opts=opts,
    )
    certificate = tls.LocallySignedCert(
        name,
        cert_request_pem=request.cert_request_pem,
        ca_cert_pem=ca.certificate,
        ca_private_key_pem=ca.key,
        allowed_uses=["digital_signature", "key_encipherment", *uses],
        validity_period_hours=LEAF_YEARS * _HOURS_PER_YEAR,
        early_renewal_hours=_LEAF_RENEWAL_HOURS,
        opts=opts,
    )
    return CertifiedKey(certificate=certificate.cert_pem, key=pulumi.Output.secret(key.private_key_pem))


# The plugin reissues a certificate when the order of its names changes.
def _sorted(names: Sequence[pulumi.Input[str]]) -> pulumi.Output[list[str]] | None:
    return pulumi.Output.all(*names).apply(lambda known: sorted(set(known))) if names else None
