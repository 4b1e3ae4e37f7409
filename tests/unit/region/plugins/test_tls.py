"""The stand-in `tls` plugin: each type's life, and what it makes as OpenSSL and OpenSSH read it."""

import base64
import hashlib
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from region.plugins.base import UNKNOWN, Properties
from region.plugins.tls.certificates import ALLOWED_USES, EXTENDED_USES
from region.plugins.tls.plugin import plugin
from region.plugins.wire import plain
from tests.unit.region.plugins.driver import CallError, Driver, bare, is_secret

KEY = "tls:index/privateKey:PrivateKey"
REQUEST = "tls:index/certRequest:CertRequest"
SELF_SIGNED = "tls:index/selfSignedCert:SelfSignedCert"
SIGNED = "tls:index/locallySignedCert:LocallySignedCert"

ED25519 = {"algorithm": "ED25519"}
CA_USES = ["digital_signature", "key_encipherment", "cert_signing"]


def make(type: str, **inputs: object) -> tuple[str, Properties]:
    id, state = Driver(plugin(), type).create(inputs)
    return id, bare(state)


def key_pem(**inputs: object) -> str:
    return make(KEY, **(inputs or ED25519))[1]["privateKeyPem"]


def authority(key: str, **inputs: object) -> tuple[str, Properties]:
    settings = {
        "validityPeriodHours": 24,
        "allowedUses": CA_USES,
        "isCaCertificate": True,
        "subject": {"commonName": "ca"},
    }
    return make(SELF_SIGNED, privateKeyPem=key, **{**settings, **inputs})


def parse(state: Properties) -> x509.Certificate:
    return x509.load_pem_x509_certificate(state["certPem"].encode())


def openssl(*arguments: str, stdin: str) -> str:
    return subprocess.run(["openssl", *arguments], input=stdin, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def ca() -> Properties:
    key = key_pem(algorithm="ECDSA", ecdsaCurve="P256")
    return {"key": key, "certificate": authority(key)[1]["certPem"]}


@pytest.mark.parametrize(
    ("inputs", "preamble"),
    [
        ({"algorithm": "RSA"}, "RSA PRIVATE KEY"),
        ({"algorithm": "ECDSA", "ecdsaCurve": "P384"}, "EC PRIVATE KEY"),
        (ED25519, "PRIVATE KEY"),
    ],
)
def test_private_key_forms(inputs: Properties, preamble: str, tmp_path: Path):
    id, key = make(KEY, **inputs)
    assert key["privateKeyPem"].startswith(f"-----BEGIN {preamble}-----\n")
    assert key["privateKeyPemPkcs8"].startswith("-----BEGIN PRIVATE KEY-----\n")
    assert key["privateKeyOpenssh"].startswith("-----BEGIN OPENSSH PRIVATE KEY-----\n")
    assert all(value.endswith("\n") for name, value in key.items() if name.endswith(("Pem", "Pkcs8", "Openssh")))
    for form in ("privateKeyPem", "privateKeyPemPkcs8"):
        assert openssl("pkey", "-pubout", stdin=key[form]) == key["publicKeyPem"]
    assert len(id) == 40

    file = tmp_path / "id"
    file.write_text(key["privateKeyOpenssh"])
    file.chmod(0o600)
    seen = subprocess.run(["ssh-keygen", "-y", "-f", file], capture_output=True, text=True, check=True).stdout
    assert seen.split()[:2] == key["publicKeyOpenssh"].split()
    shown = ["ssh-keygen", "-l", "-f", file]
    assert (
        subprocess.run(shown, capture_output=True, text=True, check=True).stdout.split()[1]
        == (key["publicKeyFingerprintSha256"])
    )
    shown[1:1] = ["-E", "md5"]
    assert subprocess.run(shown, capture_output=True, text=True, check=True).stdout.split()[1] == (
        f"MD5:{key['publicKeyFingerprintMd5']}"
    )


def test_private_keys_are_secret_public_ones_not():
    _, state = Driver(plugin(), KEY).create(ED25519)
    secret = {name for name, value in state.items() if is_secret(value)}
    assert secret == {"privateKeyPem", "privateKeyPemPkcs8", "privateKeyOpenssh"}


def test_defaults_are_those_of_the_provider():
    _, key = make(KEY, algorithm="ECDSA")
    assert (key["ecdsaCurve"], key["rsaBits"]) == ("P224", 2048)
    assert key["publicKeyOpenssh"] == key["privateKeyOpenssh"] == key["publicKeyFingerprintMd5"] == ""


@pytest.mark.parametrize(
    ("inputs", "failure"),
    [
        (
            {"algorithm": "ECDSA", "ecdsaCurve": "P255"},
            ("ecdsaCurve", 'Attribute ecdsaCurve value must be one of: ["P224" "P256" "P384" "P521"], got: "P255"'),
        ),
        (
            {"algorithm": "DSA"},
            ("algorithm", 'Attribute algorithm value must be one of: ["RSA" "ECDSA" "ED25519"], got: "DSA"'),
        ),
        ({}, ("algorithm", "Missing required property 'algorithm'")),
    ],
)
def test_wrong_keys_fail_at_preview(inputs: Properties, failure: tuple[str, str]):
    assert Driver(plugin(), KEY).check(inputs)[1] == [failure]


def test_unknown_inputs_pass_the_check():
    unknown = {"algorithm": UNKNOWN, "ecdsaCurve": UNKNOWN}
    assert Driver(plugin(), KEY).check(unknown) == (unknown, [])
    certificate = {"privateKeyPem": UNKNOWN, "allowedUses": UNKNOWN, "validityPeriodHours": UNKNOWN}
    assert Driver(plugin(), SELF_SIGNED).check(certificate) == (certificate, [])


@pytest.mark.parametrize(
    ("old", "new", "replaced"),
    [
        (ED25519, ED25519, []),
        ({"algorithm": "RSA"}, {"algorithm": "RSA", "rsaBits": 2048}, []),
        ({"algorithm": "RSA"}, {"algorithm": "RSA", "rsaBits": 4096}, ["rsaBits"]),
        (ED25519, {"algorithm": "RSA"}, ["algorithm"]),
    ],
)
def test_every_changed_input_of_a_key_replaces_it(old: Properties, new: Properties, replaced: list[str]):
    assert list(Driver(plugin(), KEY).diff(old, new).replaces) == replaced


def test_delete_and_read_of_a_key_touch_nothing():
    driver = Driver(plugin(), KEY)
    id, state = driver.create(ED25519)
    assert driver.read(id, ED25519, bare(state)).id == id
    driver.delete(id, ED25519, bare(state))


def test_request_carries_subject_and_names_in_order():
    _, request = make(
        REQUEST,
        privateKeyPem=key_pem(algorithm="ECDSA", ecdsaCurve="P256"),
        subject={"commonName": "kube-apiserver", "organization": "system:masters", "country": "DE"},
        dnsNames=["b.example", "a.example"],
        ipAddresses=["10.0.0.2", "0:0:0:0:0:0:0:1"],
        uris=["spiffe://x/y"],
    )
    assert request["keyAlgorithm"] == "ECDSA"
    text = openssl("req", "-noout", "-verify", "-text", stdin=request["certRequestPem"])
    assert "Subject: C = DE, O = system:masters, CN = kube-apiserver\n" in text
    names = "DNS:b.example, DNS:a.example, IP Address:10.0.0.2, IP Address:0:0:0:0:0:0:0:1, URI:spiffe://x/y\n"
    assert names in text


def test_an_address_that_is_none_is_refused():
    with pytest.raises(CallError, match=r"^Invalid IP address: Failed to parse: '10\.0\.0\.256'"):
        make(REQUEST, privateKeyPem=key_pem(), ipAddresses=["10.0.0.256"])


def test_a_text_that_is_no_key_is_refused():
    with pytest.raises(CallError, match=r"^Failed to parse private key PEM: "):
        make(REQUEST, privateKeyPem="nothing")


def test_self_signed_authority():
    key = key_pem(algorithm="RSA")
    id, state = authority(key, maxPathLength=0, setAuthorityKeyId=True)
    certificate = parse(state)
    assert str(certificate.serial_number) == id
    assert certificate.serial_number.bit_length() <= 128
    assert certificate.not_valid_after_utc - certificate.not_valid_before_utc == timedelta(hours=24)
    assert datetime.fromisoformat(state["validityEndTime"]).replace(microsecond=0) == certificate.not_valid_after_utc
    assert state["readyForRenewal"] is False
    text = openssl("x509", "-noout", "-text", stdin=state["certPem"])
    assert "X509v3 Key Usage: critical\n                Digital Signature, Key Encipherment, Certificate Sign\n" in text
    assert "X509v3 Basic Constraints: critical\n                CA:TRUE\n" in text
    public_key = rsa_bits(certificate)
    own = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    issuer = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    assert own == issuer == hashlib.sha1(public_key).digest()


def rsa_bits(certificate: x509.Certificate) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    public_key = certificate.public_key()
    assert isinstance(public_key, rsa.RSAPublicKey)
    return public_key.public_bytes(Encoding.DER, PublicFormat.PKCS1)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (
            {"isCaCertificate": True, "subject": {}},
            "Invalid Certificate Subject: Must contain at least one Distinguished",
        ),
        ({"isCaCertificate": False, "setAuthorityKeyId": True}, "Could not determine Authority Key Identifier"),
        ({"isCaCertificate": False, "maxPathLength": 1}, "only CAs are allowed to specify MaxPathLen"),
    ],
)
def test_wrong_certificates_fail(inputs: Properties, message: str):
    with pytest.raises(CallError, match=message):
        authority(key_pem(), **inputs)


def test_a_leaf_takes_over_the_request_and_is_trusted(ca: Properties, tmp_path: Path):
    request = make(
        REQUEST,
        privateKeyPem=key_pem(),
        subject={"commonName": "m0", "emailAddress": "a@example"},
        dnsNames=["m0", "localhost"],
        ipAddresses=["127.0.0.1"],
    )[1]
    _, leaf = make(
        SIGNED,
        certRequestPem=request["certRequestPem"],
        caCertPem=ca["certificate"],
        caPrivateKeyPem=ca["key"],
        validityPeriodHours=2,
        allowedUses=["digital_signature", "key_encipherment", "client_auth", "server_auth"],
    )
    assert leaf["caKeyAlgorithm"] == "ECDSA"
    text = openssl("x509", "-noout", "-text", stdin=leaf["certPem"])
    assert "Issuer: CN = ca\n" in text
    assert "TLS Web Client Authentication, TLS Web Server Authentication\n" in text
    assert "CA:FALSE" in text
    assert "DNS:m0, DNS:localhost, IP Address:127.0.0.1\n" in text
    assert "Signature Algorithm: ecdsa-with-SHA256" in text
    assert "Subject Key Identifier" not in text
    assert "X509v3 Authority Key Identifier" in text
    (tmp_path / "ca.pem").write_text(ca["certificate"])
    assert openssl("verify", "-CAfile", str(tmp_path / "ca.pem"), stdin=leaf["certPem"]) == "stdin: OK\n"


def test_the_subject_key_id_of_ed25519_is_the_provider_s_own():
    _, state = authority(key_pem())
    raw = parse(state).public_key().public_bytes_raw()  # pyright: ignore[reportAttributeAccessIssue]
    own = parse(state).extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    assert own == hashlib.sha1(b"\x04\x20" + raw).digest()


def test_names_without_a_subject_are_critical():
    _, state = make(
        SELF_SIGNED, privateKeyPem=key_pem(), validityPeriodHours=1, allowedUses=[], dnsNames=["only.example"]
    )
    names = parse(state).extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert names.critical
    assert {extension.oid._name for extension in parse(state).extensions} == {"basicConstraints", "subjectAltName"}


def test_every_allowed_use_is_understood():
    _, state = authority(key_pem(), allowedUses=ALLOWED_USES)
    extensions = parse(state).extensions
    listed = [use for use in ALLOWED_USES if use in EXTENDED_USES]
    assert list(extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [EXTENDED_USES[u] for u in listed]
    usage = extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.encipher_only
    assert usage.decipher_only
    assert usage.crl_sign


def test_a_use_that_is_none_fails_at_preview():
    _, [(name, reason)] = Driver(plugin(), SELF_SIGNED).check(
        {"privateKeyPem": "x", "validityPeriodHours": 1, "allowedUses": ["serving"]}
    )
    assert name == "allowedUses"
    assert 'got: "serving"' in reason


def test_a_key_that_is_not_the_authority_s_is_refused(ca: Properties):
    request = make(REQUEST, privateKeyPem=key_pem())[1]["certRequestPem"]
    with pytest.raises(CallError, match="provided PrivateKey doesn't match parent's PublicKey"):
        make(
            SIGNED,
            certRequestPem=request,
            caCertPem=ca["certificate"],
            caPrivateKeyPem=key_pem(),
            validityPeriodHours=1,
            allowedUses=[],
        )


def test_an_issuer_that_is_no_authority_is_only_warned_of():
    key = key_pem()
    issuer = authority(key, isCaCertificate=False)[1]["certPem"]
    driver = Driver(plugin(), SIGNED)
    request = make(REQUEST, privateKeyPem=key_pem(), subject={"commonName": "x"})[1]["certRequestPem"]
    driver.create(
        {
            "certRequestPem": request,
            "caCertPem": issuer,
            "caPrivateKeyPem": key,
            "validityPeriodHours": 1,
            "allowedUses": [],
        }
    )
    assert [severity for severity, _ in driver.lines.shown] == ["warning"]


LIVE: Properties = {
    "privateKeyPem": "k",
    "validityPeriodHours": 24,
    "allowedUses": ["server_auth", "client_auth"],
    "ipAddresses": ["10.0.0.1", "10.0.0.2"],
}


def in_hours(hours: float) -> Properties:
    return {"validityEndTime": (datetime.now(UTC) + timedelta(hours=hours)).isoformat().replace("+00:00", "Z")}


@pytest.mark.parametrize(
    ("changed", "left_hours", "replaced", "changes"),
    [
        ({}, 1, [], []),
        ({"earlyRenewalHours": 0, "isCaCertificate": False}, 1, [], []),
        ({"earlyRenewalHours": 1}, 10, [], ["earlyRenewalHours"]),
        ({"ipAddresses": ["10.0.0.2", "10.0.0.1"]}, 1, ["ipAddresses"], ["ipAddresses[0]", "ipAddresses[1]"]),
        ({"validityPeriodHours": 25}, 1, ["validityPeriodHours"], ["validityPeriodHours"]),
        ({"privateKeyPem": UNKNOWN}, 1, ["privateKeyPem"], ["privateKeyPem"]),
        ({"privateKeyPemWo": "other"}, 1, [], []),
        ({"privateKeyPemWoVersion": 2}, 1, ["privateKeyPemWoVersion"], ["privateKeyPemWoVersion"]),
        ({}, -1, ["readyForRenewal"], ["readyForRenewal"]),
        (
            {"earlyRenewalHours": 12},
            10,
            ["readyForRenewal"],
            ["earlyRenewalHours", "readyForRenewal"],
        ),
    ],
)
def test_what_reissues_a_certificate(changed: Properties, left_hours: float, replaced: list[str], changes: list[str]):
    answer = Driver(plugin(), SELF_SIGNED).diff(LIVE, {**LIVE, **changed}, in_hours(left_hours))
    assert list(answer.replaces) == replaced
    assert sorted(answer.detailedDiff) == changes


def test_refresh_says_when_a_certificate_is_due():
    driver = Driver(plugin(), SELF_SIGNED)
    inputs = {**LIVE, "earlyRenewalHours": 2}
    fresh, due = (
        plain(driver.read("1", inputs, {**inputs, **in_hours(left), "readyForRenewal": False}).properties)
        for left in (3, 1)
    )
    assert (fresh["readyForRenewal"], due["readyForRenewal"]) == (False, True)


def test_early_renewal_changes_in_place():
    driver = Driver(plugin(), SELF_SIGNED)
    state = {**LIVE, "certPem": "c", "earlyRenewalHours": 0, "readyForRenewal": False}
    new = {**LIVE, "earlyRenewalHours": 1}
    assert driver.update("1", LIVE, state, new)["certPem"] == "c"
    assert driver.update("1", LIVE, state, new)["earlyRenewalHours"] == 1
    driver.delete("1", new, state)


@pytest.mark.parametrize(("curve", "digest"), [("P224", 256), ("P256", 256), ("P384", 384), ("P521", 512)])
def test_the_digest_follows_the_curve(curve: str, digest: int):
    certificate = parse(authority(key_pem(algorithm="ECDSA", ecdsaCurve=curve))[1])
    assert isinstance(certificate.public_key(), ec.EllipticCurvePublicKey)
    assert certificate.signature_hash_algorithm
    assert certificate.signature_hash_algorithm.digest_size * 8 == digest


def test_public_keys_in_base64_are_whole():
    line = make(KEY, **ED25519)[1]["publicKeyOpenssh"]
    assert base64.b64decode(line.split()[1], validate=True).startswith(b"\0\0\0\x0bssh-ed25519")
