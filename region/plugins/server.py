"""Serves a plugin to the Pulumi engine: the plugin protocol (provider.proto) over gRPC, on top of `base`.

`pulumi.provider.experimental` has a server too, but it withholds old inputs and the engine's log, and puts a stack
trace into every error.
"""
# ruff: noqa: ANN401, N802 (the protocol's own names, and messages that have no static types)

import asyncio
import inspect
import json
import os
import re
import sys
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import grpc
import grpc.aio
from google.protobuf import any_pb2, empty_pb2
from pulumi.runtime import proto
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from pulumi.runtime.proto import provider_pb2_grpc, status_pb2

from region.plugins.base import (
    UNKNOWN,
    Call,
    Difference,
    IncompleteError,
    Plugin,
    PluginError,
    Resource,
    compare,
)
from region.plugins.engine_log import EngineLog
from region.plugins.wire import plain, struct

ENGINE_PROBE_SECONDS = 1
THREADS = 256  # a plain method may wait for minutes (an instance to run): more than `--parallel` has to be possible


def serve(plugin: Plugin) -> None:
    """Serve the plugin to the engine that started this process; returns when the process is ended."""
    engine = next((argument for argument in sys.argv[1:] if not argument.startswith("-")), "")
    try:
        asyncio.run(_serve(plugin, engine))
    except KeyboardInterrupt:
        return


async def _serve(plugin: Plugin, engine: str) -> None:
    server = grpc.aio.server(options=_GRPC_CHANNEL_OPTIONS)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Servicer(plugin, EngineLog(engine)), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(port, flush=True)
    ends = [asyncio.ensure_future(end) for end in (server.wait_for_termination(), _engine_gone())]
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    await server.stop(None)


async def _engine_gone() -> None:
    """Returns when the engine that started this process has died without a word: nobody else would end it."""
    engine = os.getppid()
    while os.getppid() == engine:
        await asyncio.sleep(ENGINE_PROBE_SECONDS)


class Servicer(provider_pb2_grpc.ResourceProviderServicer):
    """The plugin protocol (provider.proto) on top of `Plugin` and `Resource`."""

    def __init__(self, plugin: Plugin, log: EngineLog) -> None:
        self._plugin = plugin
        self._log = log
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="call")

    async def GetPluginInfo(self, request: Any, context: Any) -> Any:
        return proto.PluginInfo(version=self._plugin.version)

    async def Cancel(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()

    async def CheckConfig(self, request: Any, context: Any) -> Any:
        return proto.CheckResponse(inputs=request.news)

    async def DiffConfig(self, request: Any, context: Any) -> Any:
        old = plain(request.old_inputs) or plain(request.olds)
        return _diff_response(Difference(changes=compare(old, plain(request.news))))

    async def Configure(self, request: Any, context: Any) -> Any:
        config = {key: _decoded(value) for key, value in plain(request.args).items()}
        await self._answer(context, self._plugin.configure, config)
        return proto.ConfigureResponse(supportsPreview=True, acceptSecrets=False, acceptResources=False)

    async def Invoke(self, request: Any, context: Any) -> Any:
        function = self._plugin.functions.get(request.tok)
        if function is None:
            await context.abort(grpc.StatusCode.UNIMPLEMENTED, f"{self._plugin.name} has no function {request.tok}")
            raise AssertionError
        result = await self._answer(context, function, plain(request.args))
        response = proto.InvokeResponse()
        getattr(response, "return").CopyFrom(struct(result))
        return response

    async def Check(self, request: Any, context: Any) -> Any:
        resource, call = await self._find(request, context)
        checked = await self._answer(context, resource.check, call, plain(request.olds), plain(request.news))
        failures = [proto.CheckFailure(property=name, reason=reason) for name, reason in checked.failures]
        return proto.CheckResponse(inputs=struct(checked.inputs), failures=failures)

    async def Diff(self, request: Any, context: Any) -> Any:
        resource, call = await self._find(request, context)
        old, state, new = plain(request.old_inputs), plain(request.olds), plain(request.news)
        return _diff_response(await self._answer(context, resource.diff, call, old, state, new))

    async def Create(self, request: Any, context: Any) -> Any:
        resource, call = await self._find(request, context)
        inputs = plain(request.properties)
        if request.preview:
            id, outputs = "", {name: UNKNOWN for name in resource.outputs if name not in inputs}
        else:
            id, outputs = await self._answer(context, resource.create, call, inputs, secret=resource.secret_outputs)
        return proto.CreateResponse(id=id, properties=struct({**inputs, **outputs}, resource.secret_outputs))

    async def Read(self, request: Any, context: Any) -> Any:
        resource, call = await self._find(request, context)
        inputs, state = plain(request.inputs), plain(request.properties)
        found = await self._answer(context, resource.read, call, request.id, inputs, state)
        if found is None:
            return proto.ReadResponse(id="")
        properties = struct({**found.inputs, **found.state}, resource.secret_outputs)
        return proto.ReadResponse(id=found.id, inputs=struct(found.inputs), properties=properties)

    async def Update(self, request: Any, context: Any) -> Any:
        resource, call = await self._find(request, context)
        old, state, new = plain(request.old_inputs), plain(request.olds), plain(request.news)
        if request.preview:
            outputs = {name: UNKNOWN for name in resource.volatile_outputs if name not in new}
        else:
            outputs = await self._answer(
                context, resource.update, call, request.id, old, state, new, secret=resource.secret_outputs
            )
        kept = {key: value for key, value in state.items() if key not in old}
        return proto.UpdateResponse(properties=struct({**kept, **new, **outputs}, resource.secret_outputs))

    async def Delete(self, request: Any, context: Any) -> Any:
        resource, call = await self._find(request, context)
        inputs, state = plain(request.old_inputs), plain(request.properties)
        await self._answer(context, resource.delete, call, request.id, inputs, state)
        return empty_pb2.Empty()

    async def _find(self, request: Any, context: Any) -> tuple[Resource, Call]:
        token = request.type or request.urn.split("::")[2].rsplit("$", 1)[-1]
        if token not in self._plugin.resources:
            name = self._plugin.name
            await context.abort(grpc.StatusCode.UNIMPLEMENTED, f"the region's {name} plugin has no type {token}")
        timeout = getattr(request, "timeout", 0)
        call = Call(urn=request.urn, timeout_seconds=timeout, log=self._log.for_resource(request.urn))
        return self._plugin.resources[token], call

    async def _answer(
        self, context: Any, function: Callable[..., Any], *arguments: Any, secret: frozenset[str] = frozenset()
    ) -> Any:
        try:
            if inspect.iscoroutinefunction(function):
                return await function(*arguments)
            return await asyncio.get_running_loop().run_in_executor(self._threads, partial(function, *arguments))
        except IncompleteError as incomplete:
            await context.abort_with_status(_incomplete(incomplete, secret))
        except PluginError as failure:
            await context.abort(grpc.StatusCode.UNKNOWN, str(failure))
        except Exception as error:
            where = "".join(traceback.format_tb(error.__traceback__)[-2:])
            message = f"{type(error).__name__} in the {self._plugin.name} plugin: {error}\n{where}"
            await context.abort(grpc.StatusCode.UNKNOWN, message)
        finally:
            await self._log.flushed()


def _diff_response(difference: Difference) -> Any:
    kinds = proto.PropertyDiff.Kind
    detailed = {
        change.path: proto.PropertyDiff(
            kind=kinds.Value(change.kind.upper() + ("_REPLACE" if change.replace else "")), inputDiff=True
        )
        for change in difference.changes
    }
    return proto.DiffResponse(
        changes=proto.DiffResponse.DIFF_SOME if detailed else proto.DiffResponse.DIFF_NONE,
        replaces=sorted({_top(change.path) for change in difference.changes if change.replace}),
        diffs=sorted({_top(change.path) for change in difference.changes}),
        deleteBeforeReplace=difference.delete_before_replace,
        detailedDiff=detailed,
        hasDetailedDiff=True,
    )


def _top(path: str) -> str:
    return re.split(r"[.\[]", path, maxsplit=1)[0]


@dataclass(frozen=True, kw_only=True)
class _Status(grpc.Status):
    code: grpc.StatusCode
    details: str
    trailing_metadata: Any


def _incomplete(incomplete: IncompleteError, secret: frozenset[str]) -> grpc.Status:
    detail = any_pb2.Any()
    detail.Pack(
        proto.ErrorResourceInitFailed(
            id=incomplete.id, properties=struct(incomplete.state, secret), reasons=[str(incomplete)]
        )
    )
    code = grpc.StatusCode.UNKNOWN
    status = status_pb2.Status(code=code.value[0], message=str(incomplete), details=[detail])
    metadata = (("grpc-status-details-bin", status.SerializeToString()),)
    return _Status(code=code, details=str(incomplete), trailing_metadata=metadata)


def _decoded(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value
