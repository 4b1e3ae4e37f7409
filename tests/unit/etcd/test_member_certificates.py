"""Which certificates a member's step takes: the script's check, run by a real bash with the real openssl."""

import subprocess
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from components.host.script import SCRIPTS

ADDRESS = "10.0.0.10"


def make(
    name: str, key: ec.EllipticCurvePrivateKey, issuer: str, issuer_key: ec.EllipticCurvePrivateKey, *, authority: bool
) -> bytes:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(ADDRESS))]), critical=False)
        .sign(issuer_key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )


@pytest.mark.parametrize(
    ("authority", "address", "complaint"),
    [
        ("etcd-ca", ADDRESS, ""),
        ("company", ADDRESS, ""),
        ("stranger", ADDRESS, "etcd's server certificate is not from etcd's authority"),
        ("etcd-ca", "10.0.0.11", "etcd's server certificate is not for this host's address"),
    ],
    ids=["of an authority of its own", "of one below another", "of another authority", "for another address"],
)
def test_a_certificate_is_taken_for_what_etcd_takes_it_for(
    tmp_path: Path, authority: str, address: str, complaint: str
) -> None:
    key, own, other = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
    (tmp_path / "pki").mkdir()
    issuer = "company" if authority == "company" else "etcd-ca"
    (tmp_path / "pki/ca.crt").write_bytes(
        make("etcd-ca", own, issuer, other if authority == "company" else own, authority=True)
    )
    signer = other if authority == "stranger" else own
    (tmp_path / "pki/server.crt").write_bytes(make("etcd-0", key, "etcd-ca", signer, authority=False))
    (tmp_path / "pki/server.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    libraries = "".join((SCRIPTS / f"lib/{name}.sh").read_text() for name in ("common", "etcd-member-common"))
    settings = f"STEP=trial ADDRESS={address} ETCD_PKI=/nowhere STAGE={tmp_path}"
    done = subprocess.run(
        ["bash", "-c", f"{settings}\n{libraries}\ncheck_certificate server {address}"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode == 0) == (not complaint), done.stderr
    assert complaint in done.stderr
