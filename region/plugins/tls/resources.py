"""The types of the `tls` plugin: what replaces, what updates, what is secret (terraform-provider-tls 4.x)."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from region.plugins.base import (
    UNKNOWN,
    Call,
    Change,
    Checked,
    Difference,
    Found,
    PluginError,
    Properties,
    Resource,
    compare,
)
from region.plugins.tls import certificates, keys
from region.plugins.tls.certificates import ALLOWED_USES

PRIVATE_FORMS = frozenset({"privateKeyPem", "privateKeyPemPkcs8", "privateKeyOpenssh"})
PUBLIC_FORMS = frozenset({"publicKeyPem", "publicKeyOpenssh", "publicKeyFingerprintMd5", "publicKeyFingerprintSha256"})


class TlsResource(Resource):
    """A resource that exists in the state only: nothing to read, nothing to delete."""

    defaults: ClassVar[Properties] = {}
    required: tuple[str, ...] = ()
    in_place = frozenset({"earlyRenewalHours"})
    write_only = frozenset({"privateKeyPemWo", "caPrivateKeyPemWo"})

    def check(self, call: Call, old_inputs: Properties, inputs: Properties) -> Checked:
        missing = [(name, f"Missing required property '{name}'") for name in self.required if name not in inputs]
        return Checked(inputs=inputs, failures=[*missing, *self.problems(inputs)])

    def problems(self, inputs: Properties) -> list[tuple[str, str]]:
        return []

    def diff(self, call: Call, old_inputs: Properties, state: Properties, inputs: Properties) -> Difference:
        old, new = ({**self.defaults, **properties} for properties in (old_inputs, inputs))
        compared = (old.keys() | new.keys()) - self.write_only
        before, after = ({key: value for key, value in side.items() if key in compared} for side in (old, new))
        return Difference(changes=compare(before, after, frozenset(compared - self.in_place)))

    def delete(self, call: Call, id: str, inputs: Properties, state: Properties) -> None:
        return


class PrivateKey(TlsResource):
    defaults: ClassVar[Properties] = {"rsaBits": 2048, "ecdsaCurve": "P224"}
    required = ("algorithm",)
    outputs = PRIVATE_FORMS | PUBLIC_FORMS
    secret_outputs = PRIVATE_FORMS

    def problems(self, inputs: Properties) -> list[tuple[str, str]]:
        return [
            *_one_of(inputs, "algorithm", ["RSA", "ECDSA", "ED25519"]),
            *_one_of(inputs, "ecdsaCurve", list(keys.CURVES)),
        ]

    def create(self, call: Call, inputs: Properties) -> tuple[str, Properties]:
        settings = {**self.defaults, **inputs}
        try:
            key = keys.generate(settings["algorithm"], settings["rsaBits"], settings["ecdsaCurve"])
        except ValueError as error:
            raise PluginError(f"Unable to generate Key from configuration: {error}") from None
        return keys.identity(key), {**settings, **keys.private_outputs(key), **keys.public_outputs(key)}


class CertRequest(TlsResource):
    outputs = frozenset({"certRequestPem", "keyAlgorithm"})

    def problems(self, inputs: Properties) -> list[tuple[str, str]]:
        return _key_given(inputs, "privateKeyPem")

    def create(self, call: Call, inputs: Properties) -> tuple[str, Properties]:
        key = _key(inputs, "privateKeyPem", "private key")
        pem = certificates.request(key, certificates.subject_of(inputs), certificates.names_of(inputs))
        outputs = {"certRequestPem": pem, "keyAlgorithm": keys.algorithm_of(key)}
        return hashlib.sha1(pem.encode()).hexdigest(), outputs


class Certificate(TlsResource):
    """What both kinds of certificate share: their uses, and their renewal."""

    defaults: ClassVar[Properties] = {"earlyRenewalHours": 0, "isCaCertificate": False, "setSubjectKeyId": False}

    def problems(self, inputs: Properties) -> list[tuple[str, str]]:
        uses = inputs.get("allowedUses")
        listed = uses if isinstance(uses, list) else []
        hours = [(name, inputs.get(name, 0)) for name in ("validityPeriodHours", "earlyRenewalHours")]
        return [
            *[problem for use in listed for problem in _one_of({"allowedUses": use}, "allowedUses", ALLOWED_USES)],
            *[(n, f"Attribute {n} value must be at least 0, got: {h}") for n, h in hours if h != UNKNOWN and h < 0],
        ]

    def diff(self, call: Call, old_inputs: Properties, state: Properties, inputs: Properties) -> Difference:
        difference = super().diff(call, old_inputs, state, inputs)
        if not _is_due(state, inputs):
            return difference
        renewal = Change(path="readyForRenewal", kind="update", replace=True)
        return Difference(changes=[*difference.changes, renewal])

    def read(self, call: Call, id: str, inputs: Properties, state: Properties) -> Found:
        return Found(
            id=id, inputs=inputs, state={**state, "readyForRenewal": True} if _is_due(state, inputs) else state
        )

    def update(self, call: Call, id: str, old_inputs: Properties, state: Properties, inputs: Properties) -> Properties:
        return {**self.defaults, **inputs, "readyForRenewal": False}


class SelfSignedCert(Certificate):
    defaults: ClassVar[Properties] = {**Certificate.defaults, "setAuthorityKeyId": False}
    required = ("allowedUses", "validityPeriodHours")
    outputs = frozenset({"certPem", "keyAlgorithm", "readyForRenewal", "validityStartTime", "validityEndTime"})

    def problems(self, inputs: Properties) -> list[tuple[str, str]]:
        return [*super().problems(inputs), *_key_given(inputs, "privateKeyPem")]

    def create(self, call: Call, inputs: Properties) -> tuple[str, Properties]:
        key = _key(inputs, "privateKeyPem", "private key")
        bearer = certificates.Bearer(
            subject=certificates.subject_of(inputs), names=certificates.names_of(inputs), public_key=key.public_key()
        )
        serial, outputs = certificates.issue(bearer, inputs, key, None)
        return serial, {**self.defaults, **inputs, **outputs, "keyAlgorithm": keys.algorithm_of(key)}


class LocallySignedCert(Certificate):
    required = ("allowedUses", "caCertPem", "certRequestPem", "validityPeriodHours")
    outputs = frozenset({"certPem", "caKeyAlgorithm", "readyForRenewal", "validityStartTime", "validityEndTime"})

    def problems(self, inputs: Properties) -> list[tuple[str, str]]:
        return [*super().problems(inputs), *_key_given(inputs, "caPrivateKeyPem")]

    def create(self, call: Call, inputs: Properties) -> tuple[str, Properties]:
        bearer = certificates.parse_request(inputs["certRequestPem"])
        key = _key(inputs, "caPrivateKeyPem", "CA private key")
        authority = certificates.parse_authority(inputs["caCertPem"], key)
        if not certificates.is_authority(authority):
            call.log(
                "Certificate provided as Authority does not appear to be a valid Certificate Authority.", "warning"
            )
        serial, outputs = certificates.issue(bearer, inputs, key, authority)
        return serial, {**self.defaults, **inputs, **outputs, "caKeyAlgorithm": keys.algorithm_of(key)}


def _is_due(state: Properties, inputs: Properties) -> bool:
    if "validityEndTime" not in state or inputs.get("earlyRenewalHours") == UNKNOWN:
        return False
    end = datetime.fromisoformat(state["validityEndTime"])
    return datetime.now(UTC) >= end - timedelta(hours=inputs.get("earlyRenewalHours") or 0)


def _key(inputs: Properties, name: str, what: str) -> keys.Key:
    return keys.parse(inputs.get(name) or inputs[f"{name}Wo"], what)


def _key_given(inputs: Properties, name: str) -> list[tuple[str, str]]:
    if inputs.get(name) or inputs.get(f"{name}Wo"):
        return []
    return [(name, f"one of {name} and {name}Wo must be given")]


def _one_of(inputs: Properties, name: str, values: list[str]) -> list[tuple[str, str]]:
    value = inputs.get(name, UNKNOWN)
    if value == UNKNOWN or value in values:
        return []
    listed = " ".join(f'"{allowed}"' for allowed in values)
    return [(name, f'Attribute {name} value must be one of: [{listed}], got: "{value}"')]
