"""A certificate authority that the user brings."""

from dataclasses import dataclass

import pulumi


@dataclass(frozen=True, kw_only=True)
class GivenCa:
    """An authority the user brings: exactly one certificate and its key, both PEM."""

    certificate: pulumi.Input[str]
    key: pulumi.Input[str]
