"""Requests and certificates, signed as Go's x509 package does for terraform-provider-tls (`common_cert.go`)."""

import hashlib
import ipaddress
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from region.plugins.base import PluginError, Properties
from region.plugins.tls.keys import Key

KEY_USES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "cert_signing",
    "crl_signing",
    "encipher_only",
    "decipher_only",
)

EXTENDED_USES = {
    "any_extended": ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,
    "server_auth": ExtendedKeyUsageOID.SERVER_AUTH,
    "client_auth": ExtendedKeyUsageOID.CLIENT_AUTH,
    "code_signing": ExtendedKeyUsageOID.CODE_SIGNING,
    "email_protection": ExtendedKeyUsageOID.EMAIL_PROTECTION,
    "ipsec_end_system": ObjectIdentifier("1.3.6.1.5.5.7.3.5"),
    "ipsec_tunnel": ObjectIdentifier("1.3.6.1.5.5.7.3.6"),
    "ipsec_user": ObjectIdentifier("1.3.6.1.5.5.7.3.7"),
    "timestamping": ExtendedKeyUsageOID.TIME_STAMPING,
    "ocsp_signing": ExtendedKeyUsageOID.OCSP_SIGNING,
    "microsoft_server_gated_crypto": ObjectIdentifier("1.3.6.1.4.1.311.10.3.3"),
    "netscape_server_gated_crypto": ObjectIdentifier("2.16.840.1.113730.4.1"),
    "microsoft_commercial_code_signing": ObjectIdentifier("1.3.6.1.4.1.311.2.1.22"),
    "microsoft_kernel_code_signing": ObjectIdentifier("1.3.6.1.4.1.311.61.1.1"),
}

ALLOWED_USES = sorted([*KEY_USES, *EXTENDED_USES])

SUBJECT = {  # in the order of Go's pkix.Name
    "country": NameOID.COUNTRY_NAME,
    "organization": NameOID.ORGANIZATION_NAME,
    "organizationalUnit": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "locality": NameOID.LOCALITY_NAME,
    "province": NameOID.STATE_OR_PROVINCE_NAME,
    "streetAddresses": NameOID.STREET_ADDRESS,
    "postalCode": NameOID.POSTAL_CODE,
    "commonName": NameOID.COMMON_NAME,
    "serialNumber": NameOID.SERIAL_NUMBER,
    "emailAddress": NameOID.EMAIL_ADDRESS,
}


@dataclass(frozen=True, kw_only=True)
class Bearer:
    """Whom a certificate is for: a self-signed one's own inputs, or what a request says."""

    subject: x509.Name
    names: tuple[x509.GeneralName, ...]
    public_key: CertificatePublicKeyTypes


def subject_of(inputs: Properties) -> x509.Name:
    given = inputs.get("subject") or {}
    parts = []
    for name, oid in SUBJECT.items():
        values = given.get(name) or []
        values = values if isinstance(values, list) else [values]
        if values:
            try:
                parts.append(x509.RelativeDistinguishedName([x509.NameAttribute(oid, value) for value in values]))
            except ValueError as error:
                raise PluginError(f"Invalid Certificate Subject: {name}: {error}") from None
    return x509.Name(parts)


def names_of(inputs: Properties) -> tuple[x509.GeneralName, ...]:
    """Subject alternative names in Go's order: DNS, IP, URI, each as listed."""
    try:
        addresses = [x509.IPAddress(ipaddress.ip_address(text)) for text in inputs.get("ipAddresses") or ()]
    except ValueError as error:
        raise PluginError(f"Invalid IP address: Failed to parse: {error}") from None
    dns = [x509.DNSName(text) for text in inputs.get("dnsNames") or ()]
    uris = [x509.UniformResourceIdentifier(text) for text in inputs.get("uris") or ()]
    return (*dns, *addresses, *uris)


def request(key: Key, subject: x509.Name, names: tuple[x509.GeneralName, ...]) -> str:
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=not subject.rdns)
    return builder.sign(key, _digest(key)).public_bytes(Encoding.PEM).decode()


def parse_request(pem: str) -> Bearer:
    """Subject, DNS, IP and URI names of a request: nothing else is taken over. Raises PluginError."""
    try:
        parsed = x509.load_pem_x509_csr(pem.encode())
        public_key = parsed.public_key()
    except ValueError as error:
        raise PluginError(f"Failed to parse certificate request PEM: {error}") from None
    try:
        asked = tuple(parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        asked = ()
    kinds = (x509.DNSName, x509.IPAddress, x509.UniformResourceIdentifier)
    names = tuple(name for kind in kinds for name in asked if isinstance(name, kind))
    return Bearer(subject=parsed.subject, names=names, public_key=public_key)


def parse_authority(pem: str, key: Key) -> x509.Certificate:
    """The issuer's certificate, which must be the key's. Raises PluginError."""
    try:
        certificates = x509.load_pem_x509_certificates(pem.encode())
    except ValueError as error:
        raise PluginError(f"Failed to parse CA certificate PEM: {error}") from None
    if len(certificates) != 1:
        raise PluginError(f"Failed to parse CA certificate PEM: {len(certificates)} certificates where one is wanted")
    if _der(certificates[0].public_key()) != _der(key.public_key()):
        raise PluginError("Failed to create certificate: x509: provided PrivateKey doesn't match parent's PublicKey")
    return certificates[0]


def issue(bearer: Bearer, inputs: Properties, key: Key, authority: x509.Certificate | None) -> tuple[str, Properties]:
    """A certificate signed by `key`, self-signed without an `authority`; gives its serial number and outputs."""
    start = datetime.now(UTC)
    end = start + timedelta(hours=inputs["validityPeriodHours"])
    serial = secrets.randbits(128) or 1
    builder = (
        x509.CertificateBuilder()
        .serial_number(serial)
        .subject_name(bearer.subject)
        .issuer_name(bearer.subject if authority is None else authority.subject)
        .public_key(bearer.public_key)
        .not_valid_before(start)
        .not_valid_after(end)
    )
    for extension, critical in _extensions(bearer, inputs, authority):
        builder = builder.add_extension(extension, critical)
    certificate = builder.sign(key, _digest(key))
    return str(serial), {
        "certPem": certificate.public_bytes(Encoding.PEM).decode(),
        "validityStartTime": start.isoformat().replace("+00:00", "Z"),
        "validityEndTime": end.isoformat().replace("+00:00", "Z"),
        "readyForRenewal": False,
    }


def _extensions(
    bearer: Bearer, inputs: Properties, authority: x509.Certificate | None
) -> list[tuple[x509.ExtensionType, bool]]:
    is_authority = bool(inputs.get("isCaCertificate"))
    path_length = inputs.get("maxPathLength") or None  # Go drops a zero: MaxPathLenZero is never set
    if is_authority and not bearer.subject.rdns:
        raise PluginError(
            "Invalid Certificate Subject: Must contain at least one Distinguished Name "
            "when creating Certificate Authority (CA)"
        )
    if path_length and not is_authority:
        raise PluginError("Failed to create certificate: x509: only CAs are allowed to specify MaxPathLen")
    uses = inputs.get("allowedUses") or []
    own_id = _key_id(bearer.public_key) if is_authority or inputs.get("setSubjectKeyId") else None
    issuer_id = _authority_id(bearer, inputs, authority, own_id)
    extended = [EXTENDED_USES[use] for use in uses if use in EXTENDED_USES]

    extensions: list[tuple[x509.ExtensionType, bool]] = []
    if any(use in KEY_USES for use in uses):
        extensions.append((_key_usage(uses), True))
    if extended:
        extensions.append((x509.ExtendedKeyUsage(extended), False))
    extensions.append((x509.BasicConstraints(ca=is_authority, path_length=path_length), True))
    if own_id:
        extensions.append((x509.SubjectKeyIdentifier(own_id), False))
    if issuer_id:
        extensions.append((x509.AuthorityKeyIdentifier(issuer_id, None, None), False))
    if bearer.names:
        extensions.append((x509.SubjectAlternativeName(bearer.names), not bearer.subject.rdns))
    return extensions


def _authority_id(
    bearer: Bearer, inputs: Properties, authority: x509.Certificate | None, own_id: bytes | None
) -> bytes | None:
    if authority is None:
        if not inputs.get("setAuthorityKeyId"):
            return None
        if own_id is None:
            raise PluginError("Invalid Certificate Authority: Could not determine Authority Key Identifier")
        return own_id
    if authority.subject == bearer.subject:
        return None  # Go takes it for self-signed
    try:
        return authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except x509.ExtensionNotFound:
        return None


def _key_usage(uses: Sequence[str]) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature="digital_signature" in uses,
        content_commitment="content_commitment" in uses,
        key_encipherment="key_encipherment" in uses,
        data_encipherment="data_encipherment" in uses,
        key_agreement="key_agreement" in uses,
        key_cert_sign="cert_signing" in uses,
        crl_sign="crl_signing" in uses,
        encipher_only="encipher_only" in uses,
        decipher_only="decipher_only" in uses,
    )


def _key_id(public_key: CertificatePublicKeyTypes) -> bytes:
    if isinstance(public_key, ed25519.Ed25519PublicKey):  # the provider hashes it with its DER header
        raw = public_key.public_bytes(Encoding.Raw, PublicFormat.Raw)
        return hashlib.sha1(bytes([4, len(raw)]) + raw).digest()
    return x509.SubjectKeyIdentifier.from_public_key(public_key).digest


def _der(public_key: CertificatePublicKeyTypes) -> bytes:
    return public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _digest(key: Key) -> hashes.SHA256 | hashes.SHA384 | hashes.SHA512 | None:
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return None
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return {384: hashes.SHA384(), 521: hashes.SHA512()}.get(key.curve.key_size, hashes.SHA256())
    return hashes.SHA256()


def is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False
