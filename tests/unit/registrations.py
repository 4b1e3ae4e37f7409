"""Pulumi mocks that also keep what a resource was registered with: dependencies, ignored changes, protection."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi
from pulumi.runtime import mocks, rpc, settings

SECRET_KEY = "4dabf18193072939515e22adb298388d"


@dataclass(frozen=True, kw_only=True)
class Registration:
    """One resource as the program asked for it; `dependencies` and `deleted_with` are names, secrets are bare.

    `parent` is type and name, and empty for the stack itself.
    """

    kind: str
    name: str
    parent: tuple[str, str]
    inputs: Mapping[str, Any]
    secret_inputs: frozenset[str]
    dependencies: frozenset[str]
    ignore_changes: tuple[str, ...]
    additional_secret_outputs: tuple[str, ...]
    protect: bool
    delete_before_replace: bool
    deleted_with: str


@dataclass
class Recorder(mocks.Mocks):
    """Answers every resource with its inputs and what `outputs` makes of its type and name."""

    outputs: Callable[[str, str], dict[str, Any]] = lambda kind, name: {}
    seen: dict[str, Registration] = field(default_factory=dict)
    registered: list[Registration] = field(default_factory=list)

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        return f"{args.name}-id", {**args.inputs, **self.outputs(args.typ, args.name)}

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        raise NotImplementedError(f"no answer to {args.token}")


class RecordingMonitor(mocks.MockMonitor):
    def __init__(self, recorder: Recorder) -> None:
        super().__init__(recorder)
        self.recorder = recorder

    def RegisterResource(self, request):  # noqa: N802 (the name is gRPC's)
        response = super().RegisterResource(request)
        if request.type != "pulumi:pulumi:Stack":
            inputs = rpc.deserialize_properties(request.object, keep_unknowns=True)
            registration = Registration(
                kind=request.type,
                name=request.name,
                parent=_kind_and_name(request.parent),
                inputs={key: rpc.unwrap_rpc_secret(value) for key, value in inputs.items()},
                secret_inputs=frozenset(key for key, value in inputs.items() if rpc.is_rpc_secret(value)),
                dependencies=frozenset(_name(urn) for urn in request.dependencies),
                ignore_changes=tuple(request.ignoreChanges),
                additional_secret_outputs=tuple(request.additionalSecretOutputs),
                protect=request.protect,
                delete_before_replace=request.deleteBeforeReplace,
                deleted_with=_name(request.deletedWith),
            )
            self.recorder.seen[request.name] = registration
            self.recorder.registered.append(registration)
        return response


def run(program: Callable[[], object], recorder: Recorder) -> None:
    """Run a program to its end, with every resource it makes: on a stack and an event loop that no other run has seen.

    Raises what the program raises. What it returns is waited for.
    """
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    settings.ROOT.set(None)
    pulumi.runtime.set_mocks(recorder, project="kubeadm-aws", stack="test", monitor=RecordingMonitor(recorder))
    try:
        pulumi.runtime.test(program)()
    finally:
        asyncio.set_event_loop(None)
        loop.close()


def record(program: Callable[[], object], outputs: Callable[[str, str], dict[str, Any]]) -> dict[str, Registration]:
    """What a program makes when the plugins answer with `outputs`, by name."""
    recorder = Recorder(outputs=outputs)
    run(program, recorder)
    return recorder.seen


def _kind_and_name(urn: str) -> tuple[str, str]:
    kinds, _, name = urn.partition("::")[2].partition("::")[2].partition("::")
    kind = kinds.rpartition("$")[2]
    return ("", "") if kind == "pulumi:pulumi:Stack" else (kind, name)


def _name(urn: str) -> str:
    return urn.rpartition("::")[2]
