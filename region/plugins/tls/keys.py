"""Private keys: made, read and written in the forms that terraform-provider-tls uses (`common_key.go`)."""

import base64
import hashlib

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from region.plugins.base import PluginError, Properties

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

CURVES = {"P224": ec.SECP224R1, "P256": ec.SECP256R1, "P384": ec.SECP384R1, "P521": ec.SECP521R1}


def generate(algorithm: str, rsa_bits: int, curve: str) -> Key:
    if algorithm == "RSA":
        return rsa.generate_private_key(public_exponent=65537, key_size=rsa_bits)
    if algorithm == "ECDSA":
        return ec.generate_private_key(CURVES[curve]())
    return ed25519.Ed25519PrivateKey.generate()


def algorithm_of(key: Key) -> str:
    if isinstance(key, rsa.RSAPrivateKey):
        return "RSA"
    return "ECDSA" if isinstance(key, ec.EllipticCurvePrivateKey) else "ED25519"


def parse(pem: str, what: str) -> Key:
    """The key of a PEM text. Raises PluginError, naming `what` it should have been."""
    problem = f"Failed to parse {what} PEM"
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise PluginError(f"{problem}: {error}") from None
    if not isinstance(key, Key):
        raise PluginError(f"{problem}: unsupported private key type: {type(key).__name__}")
    return key


def private_outputs(key: Key) -> Properties:
    own = PrivateFormat.PKCS8 if isinstance(key, ed25519.Ed25519PrivateKey) else PrivateFormat.TraditionalOpenSSL
    return {
        "privateKeyPem": _written(key, own),
        "privateKeyPemPkcs8": _written(key, PrivateFormat.PKCS8),
        "privateKeyOpenssh": _written(key, PrivateFormat.OpenSSH) if _is_known_to_ssh(key) else "",
    }


def public_outputs(key: Key) -> Properties:
    public = key.public_key()
    outputs = {"publicKeyPem": public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()}
    if not _is_known_to_ssh(key):
        return {**outputs, "publicKeyOpenssh": "", "publicKeyFingerprintMd5": "", "publicKeyFingerprintSha256": ""}
    line = public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    blob = base64.b64decode(line.split()[1])
    sha256 = base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
    return {
        **outputs,
        "publicKeyOpenssh": f"{line}\n",
        "publicKeyFingerprintMd5": hashlib.md5(blob, usedforsecurity=False).digest().hex(":"),
        "publicKeyFingerprintSha256": f"SHA256:{sha256}",
    }


def identity(key: Key) -> str:
    return hashlib.sha1(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def _is_known_to_ssh(key: Key) -> bool:
    return not (isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP224R1))


def _written(key: Key, form: PrivateFormat) -> str:
    return key.private_bytes(Encoding.PEM, form, NoEncryption()).decode()
