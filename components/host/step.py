"""One idempotent script on one node, through the bastion: the only place that makes remote.Command."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_command import remote

from components.host.node import Node
from components.host.script import File, render


@dataclass(frozen=True, kw_only=True)
class NodeFile:
    """A file that a step installs before its script runs: root's, whole or not at all, with its mode from the start."""

    path: str
    content: pulumi.Input[str]
    mode: str = "0644"


def remote_step(
    name: str,
    node: Node,
    script: str,
    *,
    settings: Mapping[str, pulumi.Input[str]] | None = None,
    files: Sequence[NodeFile] = (),
    libraries: Sequence[str] = (),
    timeout_seconds: int = 600,
    secret: bool = False,
    delete_script: str | None = None,
    triggers: Sequence[pulumi.Input[Any]] | None = None,
    opts: pulumi.ResourceOptions,
) -> remote.Command:
    """Run `script`, a file of `scripts/`, on `node` as root; again whenever its text or the machine changes.

    `settings` become the script's variables, `libraries` are files of `scripts/` put before it, `delete_script` runs
    when the resource goes; `opts` then say with what it need not. `triggers`, when given, take the place of `node`'s
    identity: none for what is done once in a stack's life, another machine's identity for what is done here on its
    behalf. With `secret`, neither the text nor anything it prints is shown or stored in the clear. The step fails when
    the script does, or after `timeout_seconds`.
    """
    text = pulumi.Output.all(settings=dict(settings or {}), contents=[file.content for file in files]).apply(
        lambda values: render(
            f"{name} on {node.name}",
            script,
            settings=values["settings"],
            files=[
                File(path=file.path, content=content, mode=file.mode)
                for file, content in zip(files, values["contents"], strict=True)
            ],
            libraries=libraries,
            delete_script=delete_script,
        )
    )
    # The time limit reaches the script as SIGTERM, so that it can say what it was doing.
    bash = f"sudo timeout --kill-after=20 {timeout_seconds} bash -s"
    return remote.Command(
        name,
        connection=node.connection,
        create=bash,
        delete=f"{bash} delete" if delete_script else None,
        stdin=pulumi.Output.secret(text) if secret else text,
        triggers=[node.identity] if triggers is None else list(triggers),
        add_previous_output_in_env=False,
        logging=remote.Logging.NONE if secret else remote.Logging.STDOUT_AND_STDERR,
        opts=pulumi.ResourceOptions.merge(
            pulumi.ResourceOptions(additional_secret_outputs=["stdout", "stderr"] if secret else None), opts
        ),
    )
