"""A release: what a stack runs, and what was proved to work."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

VERIFIED = "verifiedRelease"
"""The stack's output: what was proved last, and when."""
HISTORY = "verifiedReleases"
"""The stack's output: all that was proved, the last of it at the end; no more than the last REMEMBERED."""
REMEMBERED = 20
VERSIONS = ("kubernetesVersion", "etcdVersion", "flannelVersion")


@dataclass(frozen=True, kw_only=True)
class Release:
    """A program's commit and digest, the versions it makes, by setting, and its images' digests when it was proved.

    `containerd` is what ran then; it comes with a machine's packages and is told, not compared.
    """

    commit: str
    program: str
    versions: Mapping[str, str]
    images: Mapping[str, str]
    containerd: str = field(default="", compare=False)

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> "Release":
        """From a setting or an output that has everything of it, and maybe more."""
        versions = {key: given[key] for key in VERSIONS}
        return cls(
            commit=given["commit"],
            program=given["program"],
            versions=versions,
            images=given["images"],
            containerd=given.get("containerd", ""),
        )

    def given(self) -> Mapping[str, Any]:
        """As the setting has it."""
        told = {"commit": self.commit, "program": self.program, **self.versions, "containerd": self.containerd}
        return {**told, "images": dict(self.images)}

    def is_of(self, other: "Release") -> bool:
        """Is it the same program with the same versions, whatever images another place runs?"""
        return (self.commit, self.program, self.versions) == (other.commit, other.program, other.versions)

    def __str__(self) -> str:
        versions = ", ".join(f"{key.removesuffix('Version')} {version}" for key, version in self.versions.items())
        return f"{self.commit[:12]} ({versions})"

    def downgrades(self, before: "Release") -> list[str]:
        """What is older than in the release `before`, in words."""
        return [
            f"{key} {version} is older than {before.versions[key]}: a downgrade"
            for key, version in self.versions.items()
            if _as_numbers(version) < _as_numbers(before.versions[key])
        ]


def remember(history: Sequence[Mapping[str, Any]], proved: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    """The history, with what was `proved` now at its end. What is proved again is there once."""
    if proved is None:
        return list(history)
    others = [one for one in history if Release.of(one) != Release.of(proved)]
    return [*others, proved][-REMEMBERED:]


def _as_numbers(version: str) -> tuple[int, ...]:
    """For comparing: 1.37.10 is later than 1.37.9."""
    return tuple(map(int, version.split(".")))
