"""Calls a plugin as the engine does, message by message, without a process or a socket."""

import asyncio
from typing import Any

import grpc
from google.protobuf import struct_pb2
from pulumi.runtime import proto

from region.plugins.base import Plugin, Properties
from region.plugins.engine_log import EngineLog
from region.plugins.server import Servicer
from region.plugins.wire import plain, struct


class CallError(Exception):
    """What the engine would see: the gRPC status' details and metadata."""

    def __init__(self, code: grpc.StatusCode, details: str, metadata: Any = ()) -> None:
        super().__init__(details)
        self.code = code
        self.metadata = metadata


class Context:
    async def abort(self, code: grpc.StatusCode, details: str) -> None:
        raise CallError(code, details)

    async def abort_with_status(self, status: Any) -> None:
        raise CallError(status.code, status.details, status.trailing_metadata)


class Lines(EngineLog):
    """Keeps what would be shown."""

    def __init__(self) -> None:
        super().__init__("")
        self.shown: list[tuple[str, str]] = []

    def for_resource(self, urn: str) -> Any:
        return lambda message, severity="info": self.shown.append((severity, message))

    async def flushed(self) -> None:
        return


class Driver:
    """One plugin under test; every property argument and result is plain Python, secrets marked as on the wire."""

    def __init__(self, plugin: Plugin, type: str, name: str = "it") -> None:
        self.lines = Lines()
        self.servicer = Servicer(plugin, self.lines)
        self.urn = f"urn:pulumi:dev::try::{type}::{name}"

    def call(self, method: str, request: Any) -> Any:
        async def call() -> Any:
            return await getattr(self.servicer, method)(request, Context())

        return asyncio.run(call())

    def check(self, inputs: Properties, old: Properties | None = None) -> tuple[Properties, list[tuple[str, str]]]:
        request = proto.CheckRequest(urn=self.urn, olds=struct(old or {}), news=struct(inputs))
        answer = self.call("Check", request)
        return plain(answer.inputs), [(failure.property, failure.reason) for failure in answer.failures]

    def diff(self, old: Properties, new: Properties, state: Properties | None = None) -> Any:
        olds = struct({**old, **(state or {})})
        return self.call(
            "Diff", proto.DiffRequest(urn=self.urn, id="1", old_inputs=struct(old), olds=olds, news=struct(new))
        )

    def create(self, inputs: Properties, *, preview: bool = False) -> tuple[str, Properties]:
        answer = self.call("Create", proto.CreateRequest(urn=self.urn, properties=struct(inputs), preview=preview))
        return answer.id, plain(answer.properties)

    def read(self, id: str, inputs: Properties, state: Properties) -> Any:
        request = proto.ReadRequest(urn=self.urn, id=id, inputs=struct(inputs), properties=struct(state))
        return self.call("Read", request)

    def update(
        self, id: str, old: Properties, state: Properties, new: Properties, *, preview: bool = False
    ) -> Properties:
        request = proto.UpdateRequest(
            urn=self.urn, id=id, old_inputs=struct(old), olds=struct(state), news=struct(new), preview=preview
        )
        return plain(self.call("Update", request).properties)

    def delete(self, id: str, inputs: Properties, state: Properties) -> None:
        request = proto.DeleteRequest(urn=self.urn, id=id, old_inputs=struct(inputs), properties=struct(state))
        self.call("Delete", request)


def bare(properties: Properties) -> Properties:
    """Without the marks of secrets."""
    return {key: value["value"] if is_secret(value) else value for key, value in properties.items()}


def is_secret(value: object) -> bool:
    return (
        isinstance(value, dict) and value.get("4dabf18193072939515e22adb298388d") == "1b47061264138c4ac30d75fd1eb44270"
    )


def integers() -> struct_pb2.Struct:
    message = struct_pb2.Struct()
    message.update({"whole": 3.0, "half": 1.5, "list": [1.0, None]})
    return message
