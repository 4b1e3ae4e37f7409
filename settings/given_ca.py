"""A certificate authority that the user brings."""

import hashlib
import ssl
from dataclasses import dataclass

import pulumi


@dataclass(frozen=True, kw_only=True)
class GivenCa:
    """An authority the user brings: exactly one certificate and its key, both PEM."""

    certificate: str
    key: pulumi.Input[str]

    @property
    def fingerprint(self) -> str | None:
        """Of the certificate, in hexadecimal digits, however its PEM is spelled; None when that is not whole."""
        begin, end = self.certificate.find(ssl.PEM_HEADER), self.certificate.find(ssl.PEM_FOOTER) + len(ssl.PEM_FOOTER)
        try:
            return hashlib.sha256(ssl.PEM_cert_to_DER_cert(self.certificate[begin:end])).hexdigest()
        except ValueError:
            return None
