"""The tree of certificates under kubeadm's folder: as a host has it, and as kubeadm itself would make it there."""

import base64
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import yaml
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

from region.build.toolchain import Toolchain
from tests.e2e.cluster import PKI, Cluster

CONFIGURATION = "/etc/kubernetes/kubeadmcfg.yaml"
PHASES = ("etcd-ca", "etcd-server", "etcd-peer", "etcd-healthcheck-client", "apiserver-etcd-client")

# Of keys only path, mode and owner are told.
LIST = """
cd "$FOLDER"
find . -type f -printf '%P\\n' | while read -r path; do
  content=-
  [[ $path != *.crt ]] || content=$(base64 --wrap=0 "$path")
  echo "$path $(stat --format '%a %U:%G' "$path") $content"
done
"""

Extension = TypeVar("Extension", bound=x509.ExtensionType)

USES = (
    *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"),
    *("key_agreement", "key_cert_sign", "crl_sign"),
)


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """What a certificate says, but for the dates and numbers that no two have in common."""

    subject: str
    issuer: str
    names: frozenset[str]
    uses: frozenset[str]
    extended_uses: frozenset[str]
    is_authority: bool
    key: str

    @classmethod
    def read(cls, pem: bytes) -> "Certificate":
        certificate = x509.load_pem_x509_certificate(pem)
        constraints = _extension(certificate, x509.BasicConstraints)
        usage = _extension(certificate, x509.KeyUsage)
        public = certificate.public_key()
        return cls(
            subject=certificate.subject.rfc4514_string(),
            issuer=certificate.issuer.rfc4514_string(),
            names=frozenset(
                f"{type(name).__name__} {name.value}"
                for name in _extension(certificate, x509.SubjectAlternativeName) or ()
            ),
            uses=frozenset(use for use in USES if usage is not None and getattr(usage, use)),
            extended_uses=frozenset(use.dotted_string for use in _extension(certificate, x509.ExtendedKeyUsage) or ()),
            is_authority=constraints is not None and constraints.ca,
            key=public.curve.name if isinstance(public, EllipticCurvePublicKey) else type(public).__name__,
        )


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A file: octal mode, owner and group, and the certificate if it is one."""

    mode: str
    owner: str
    certificate: Certificate | None


def of_host(cluster: Cluster, host: str) -> Mapping[str, Entry]:
    """By path below the folder."""
    done = cluster.ssh_script(host, f"FOLDER={PKI}{LIST}")
    done.check_returncode()
    return _entries(done.stdout)


def of_kubeadm(configuration: str, folder: Path) -> Mapping[str, Entry]:
    """What kubeadm makes of a host's configuration, in `folder` instead of its own."""
    documents = list(yaml.safe_load_all(configuration))
    for document in documents:
        if document["kind"] == "ClusterConfiguration":
            document["certificatesDir"] = str(folder / "pki")
    file = folder / "kubeadmcfg.yaml"
    file.write_text(yaml.safe_dump_all(documents))
    for phase in PHASES:
        command = [str(Toolchain().path("kubeadm")), "init", "phase", "certs", phase, "--config", str(file)]
        subprocess.run(command, check=True, capture_output=True)
    listed = subprocess.run(["bash", "-c", LIST], env={"FOLDER": str(folder / "pki")}, check=True, capture_output=True)
    return _entries(listed.stdout.decode())


def _entries(listed: str) -> Mapping[str, Entry]:
    rows = (line.split() for line in listed.splitlines())
    return {
        path: Entry(
            mode=mode,
            owner=owner,
            certificate=None if content == "-" else Certificate.read(base64.b64decode(content)),
        )
        for path, mode, owner, content in rows
    }


def _extension(certificate: x509.Certificate, kind: type[Extension]) -> Extension | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
