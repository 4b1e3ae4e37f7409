"""Lines that a plugin shows with a resource, as the engine takes them."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import cast

import grpc
import grpc.aio
from pulumi.runtime import proto
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

from region.plugins.base import Severity


@dataclass
class EngineLog:
    """Sends lines to the engine in order, by one task."""

    engine: str
    _lines: "asyncio.Queue[engine_pb2.LogRequest]" = field(default_factory=asyncio.Queue)
    _sender: "asyncio.Task[None] | None" = None

    def for_resource(self, urn: str) -> Callable[..., None]:
        loop = asyncio.get_running_loop()

        def log(message: str, severity: Severity = "info") -> None:
            request = proto.LogRequest(
                severity=engine_pb2.LogSeverity.Value(severity.upper()), message=message, urn=urn, streamId=0
            )
            loop.call_soon_threadsafe(self._put, request)

        return log

    def _put(self, request: "engine_pb2.LogRequest") -> None:
        if self.engine:
            self._sender = self._sender or asyncio.get_running_loop().create_task(self._send())
            self._lines.put_nowait(request)

    async def _send(self) -> None:
        async with grpc.aio.insecure_channel(self.engine, options=_GRPC_CHANNEL_OPTIONS) as channel:
            stub = engine_pb2_grpc.EngineStub(channel)
            while True:
                request = await self._lines.get()
                try:
                    await cast(Awaitable[object], stub.Log(request))
                except grpc.RpcError:
                    print(request.message, file=sys.stderr)
                finally:
                    self._lines.task_done()

    async def flushed(self) -> None:
        """Wait for what has been logged so far: a call's lines come before its end."""
        await asyncio.sleep(0)
        await self._lines.join()
