"""Release: what this update runs, noted before anything is made, and stamped when it was proved."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from settings.birth import ACCEPTED
from settings.source import Source
from settings.values import Settings

PROVED = "proved: "
"""How the line begins in which verification tells what it proved: {runs, verifiedAt, containerd, images}."""


@dataclass(frozen=True, kw_only=True)
class ReleaseArgs:
    settings: Settings
    source: Source


class Release(pulumi.ComponentResource):
    """`runs` is in words of settings; `commit` is None where the files are those of no commit: that is never stamped.

    `images` are the digests that the stack's release was proved with, by name; none where it is pinned to no release.
    """

    commit: str | None
    images: Mapping[str, str]
    runs: Mapping[str, Any]

    def __init__(self, name: str, args: ReleaseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kubeadm:index:Release", name, None, opts)
        settings, pinned = args.settings, args.settings.release
        # The files of a release may be in a checkout of another commit.
        self.commit = pinned.commit if pinned else args.source.commit
        self.images = pinned.images if pinned else {}
        self.runs = {
            "commit": self.commit,
            "program": args.source.program,
            "kubernetesVersion": settings.kubernetes.version,
            "etcdVersion": settings.etcd.version,
            "flannelVersion": settings.kubernetes.network_version,
        }
        self.register_outputs({ACCEPTED: pinned.given() if pinned else None})

    def stamped(self, said: str) -> Mapping[str, Any] | None:
        """What verification proved, from all that it `said`; None where that is no release, or not what runs now.

        An update of some resources only leaves it with what it said the last time.
        """
        proved = [json.loads(line.removeprefix(PROVED)) for line in said.splitlines() if line.startswith(PROVED)]
        if self.commit is None or not proved or proved[-1]["runs"] != self.runs:
            return None
        return {**self.runs, **{key: value for key, value in proved[-1].items() if key != "runs"}}
