"""The stack's configuration, value by value: each is read and judged, mistakes are collected and said all at once."""

import difflib
import os
import re
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import pulumi
import yaml
from pulumi.runtime import config as runtime_config

from settings.given_ca import GivenCa

PROJECT = Path(__file__).parents[1] / "Pulumi.yaml"
VERSION = r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)"
NODE_PORTS = range(30000, 32768)
# A listener each, a target group each, rules of a security group each: what AWS grants unasked holds this many.
MAX_PORTS = 20
# This network, loopback, link-local, multicast and reserved: RFC 6890, section 2.2.2.
NOBODYS = [IPv4Network(one) for one in ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3")]
# Of a resource, by AWS; the rest is for names that this program gives.
MAX_TAGS = 50
TAG_TEXT = r"[\w .:/=+@-]*"

Choice = TypeVar("Choice", bound=str)
Structure = TypeVar("Structure", list, dict)


class SettingsError(pulumi.RunError):
    """The settings cannot be used; the message names every key that is wrong, its value and the reason."""


class Configuration:
    """Reads keys of the project's own namespace. A wrong value gives a harmless one, and a problem for `finish`."""

    def __init__(self) -> None:
        self._config = pulumi.Config()
        self._asked: set[str] = set()
        self._wrong: set[str] = set()
        self._problems: list[str] = []

    def text(self, key: str, pattern: str, form: str) -> str:
        """A string that `pattern` matches whole; `form` is that pattern in words."""
        value = str(self._value(key, ""))
        if not re.fullmatch(pattern, value) and key not in self._wrong:
            self.refuse(key, f"it must be {form}", value)
        return value

    def choice(self, key: str, choices: Sequence[Choice]) -> Choice:
        """One of `choices`."""
        value = str(self._value(key, ""))
        if value in choices:
            return choices[choices.index(value)]
        if key not in self._wrong:
            self.refuse(key, f"it must be one of {', '.join(choices)}{_nearest(value, choices)}", value)
        return choices[0]

    def version(self, key: str) -> str:
        """Three numbers, as in 1.37.2."""
        return self.text(key, VERSION, "three numbers with dots between them, as in 1.37.2")

    def integer(self, key: str, low: int, high: int) -> int:
        """A whole number from `low` to `high`."""
        text = str(self._value(key, low))
        value = int(text) if re.fullmatch(r"-?\d{1,9}", text) else None
        if value is None or not low <= value <= high:
            self.refuse(key, f"it must be a whole number from {low} to {high}", text)
            return low
        return value

    def boolean(self, key: str) -> bool:
        """true or false."""
        return self.text(key, "(?i)true|false", "true or false").lower() == "true"

    def names(self, key: str) -> tuple[str, ...]:
        """A list of different strings."""
        values = self._structure(key, list)
        if not all(isinstance(value, str) and value for value in values) or len(set(map(str, values))) < len(values):
            self.refuse(key, "it must be a list of names, none of them empty or given twice", values)
            return ()
        return tuple(values)

    def cidr(self, key: str, widest: int, narrowest: int, reason: str) -> str:
        """A block of IPv4 addresses between two prefix lengths."""
        text = str(self._value(key, f"0.0.0.0/{narrowest}"))
        network = self._network(key, text)
        if network is not None and not widest <= network.prefixlen <= narrowest:
            size = "large" if network.prefixlen < widest else "small"
            self.refuse(key, f"it is too {size}; it must be between a /{widest} and a /{narrowest}: {reason}", text)
        elif network is not None and key not in self._wrong and any(network.overlaps(one) for one in NOBODYS):
            self.refuse(key, "addresses in it can be no machine's, pod's or Service's", text)
        return text

    def cidrs(self, key: str) -> tuple[str, ...]:
        """A list of blocks of IPv4 addresses."""
        return tuple(text for text in self.names(key) if self._network(key, text) is not None)

    def map(self, key: str) -> Mapping[str, Any]:
        """Whatever is given by name, for who asks to judge."""
        return self._structure(key, dict)

    def tags(self, key: str, reserved: Sequence[str]) -> Mapping[str, str]:
        """Strings by name, none of the `reserved` names among them."""
        tags = self._structure(key, dict)
        if len(tags) > MAX_TAGS - len(reserved):
            self.refuse(key, f"{len(tags)} are too many: AWS takes {MAX_TAGS}, and {len(reserved)} are this program's")
        for name, value in tags.items():
            if not isinstance(value, str) or len(name) > 128 or len(value) > 256:
                self.refuse(key, f"tag {name!r} must be text of at most 256 characters, its name of at most 128", value)
            elif not name or not re.fullmatch(TAG_TEXT, name) or not re.fullmatch(TAG_TEXT, value):
                self.refuse(key, f"tag {name!r}: AWS takes letters, digits, spaces and _ . : / = + - @ in tags", value)
            if name.startswith("aws:") or name in reserved:
                self.refuse(key, f"tag {name!r} is not yours to give: AWS or this program does", value)
        return tags

    def ports(self, key: str) -> Mapping[int, int]:
        """NodePorts by the balancer's port that leads to them."""
        ports: dict[int, int] = {}
        given = self._structure(key, dict)
        for port, node_port in given.items():
            if not re.fullmatch(r"[1-9]\d{0,4}", port) or int(port) > 65535:
                self.refuse(key, f"{port!r} is no port: it must be from 1 to 65535", given)
            elif not re.fullmatch(r"\d{1,6}", str(node_port)) or int(node_port) not in NODE_PORTS:
                first, last = NODE_PORTS[0], NODE_PORTS[-1]
                self.refuse(key, f"Kubernetes gives Services NodePorts from {first} to {last}, not {node_port}", given)
            else:
                ports[int(port)] = int(node_port)
        if len(set(ports.values())) < len(ports):
            self.refuse(key, "two ports lead to the same NodePort", given)
        if key not in self._wrong and not 1 <= len(ports) <= MAX_PORTS:
            self.refuse(key, f"there must be from 1 to {MAX_PORTS} of them", given)
        return dict(sorted(ports.items()))

    def authority(self, key: str) -> GivenCa | None:
        """A certificate authority the user brings, or None."""
        given = self._structure(key, dict, secret=True)
        if not given:
            return None
        certificate, private_key = str(given.get("certificate", "")), str(given.get("key", ""))
        authority = GivenCa(certificate=certificate, key=pulumi.Output.secret(private_key))
        name = f"{self._config.name}:{key}"
        if given.keys() != {"certificate", "key"}:
            self.refuse(key, "it must have certificate and key, and nothing else")
        elif certificate.count("-----BEGIN CERTIFICATE-----") != 1:
            self.refuse(key, "its certificate must be exactly one, in PEM: the authority that signs, without its chain")
        elif authority.fingerprint is None:
            self.refuse(key, "its certificate is cut off or garbled: between its first and last line is no base64")
        elif "PRIVATE KEY-----" not in private_key or "ENCRYPTED" in private_key:
            self.refuse(key, "its key must be a private key in PEM, without a passphrase")
        elif not runtime_config.is_config_secret(name):
            self.refuse(key, f"its key stands there for all to read: pulumi config set --path --secret {key}.key")
        return authority

    def region(self) -> str:
        """AWS's region, which the plugin takes from the same places."""
        region = pulumi.Config("aws").get("region") or os.environ.get("AWS_REGION") or ""
        if not re.fullmatch(r"[a-z]{2}(-[a-z]+)+-\d+", region):
            self._problems.append(f"aws:region is {region!r}: it must be the name of an AWS region, as us-east-1")
        return region

    def is_default(self, key: str, value: str) -> bool:
        """Is this what every stack has that says nothing of `key`?"""
        return yaml.safe_load(PROJECT.read_text())["config"][key]["default"] == value

    def sound(self, *keys: str) -> bool:
        """Whether nothing is known against any of `keys`, so that they can be held against each other."""
        return not self._wrong & set(keys)

    def refuse(self, key: str, reason: str, value: object = None) -> None:
        """Remember that `key` is wrong, and why. Without a value, its value is not for everybody's eyes."""
        self._wrong.add(key)
        shown = "" if value is None else f" is {value!r}"
        self._problems.append(f"{self._config.name}:{key}{shown}: {reason}")

    def finish(self) -> None:
        """Look for keys that nobody asked for. Raises SettingsError if anything at all is wrong."""
        prefix = f"{self._config.name}:"
        given = {**runtime_config.get_config_env(), **runtime_config.CONFIG.get()}
        for name in sorted(given):
            key = name.removeprefix(prefix)
            if name.startswith(prefix) and key not in self._asked:
                self._problems.append(f"{name}: there is no such setting{_nearest(key, sorted(self._asked))}")
        if self._problems:
            refuse_all(self._problems)

    def _value(self, key: str, otherwise: str | int, *, may_be_secret: bool = False) -> str | int:
        self._asked.add(key)
        if not may_be_secret and runtime_config.is_config_secret(f"{self._config.name}:{key}"):
            self.refuse(
                key, "it is stored as a secret and would not stay one, in the state and on hosts: store it in the clear"
            )
            return otherwise
        value = self._config.get(key)
        if value is None:
            self._wrong.add(key)
            self._problems.append(f"{self._config.name}:{key} is missing")
            return otherwise
        return value

    def _structure(self, key: str, kind: type[Structure], *, secret: bool = False) -> Structure:
        text = str(self._value(key, "", may_be_secret=secret))
        if key in self._wrong:
            return kind()
        try:
            value = self._config.get_object(key)
        except pulumi.ConfigTypeError:
            value = text
        if not isinstance(value, kind):
            self.refuse(key, "it must be a list" if kind is list else "it must be a map", None if secret else text)
            return kind()
        return value

    def _network(self, key: str, text: str) -> IPv4Network | None:
        try:
            if "/" not in text:
                raise ValueError("it has no prefix length, as /24")
            network = IPv4Network(text)
            if str(network) != text:
                raise ValueError(f"AWS wants it spelled as {network}")
            return network
        except ValueError as error:
            if key not in self._wrong:
                self.refuse(key, f"it is no block of IPv4 addresses: {error}", text)
            return None


def refuse_all(problems: Sequence[str]) -> NoReturn:
    """Raise SettingsError with all that is wrong, a line each."""
    listed = "\n".join(f"  - {problem}" for problem in problems)
    raise SettingsError(f"the settings of stack {pulumi.get_stack()} cannot be used; nothing was made:\n{listed}")


def _nearest(word: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else ""
