"""`command:remote:Command`: a command on a host over SSH (`commandController.go`, `commandOutputs.go`).

An `environment` is refused, and none comes of the previous output: no step wants either.
"""

import json
import secrets
from contextlib import suppress

import asyncssh
from asyncssh.constants import EXTENDED_DATA_STDERR

from region.plugins.base import Call, Checked, PluginError, Properties, Resource
from region.plugins.command.connection import connect
from region.plugins.command.output import Output


class Command(Resource):
    """Any changed input but `triggers` runs `update`, or `create` again; nothing is ever read back."""

    outputs = frozenset({"stdout", "stderr"})
    volatile_outputs = outputs
    replace_on = frozenset({"triggers"})

    def check(self, call: Call, old_inputs: Properties, inputs: Properties) -> Checked:
        defaults = {"addPreviousOutputInEnv": True}
        failures = [] if "connection" in inputs else [("connection", "Missing required property 'connection'")]
        if inputs.get("environment"):
            failures.append(("environment", "the region's stand-in sets none: put the variables into the command"))
        return Checked(inputs={**defaults, **inputs}, failures=failures)

    async def create(self, call: Call, inputs: Properties) -> tuple[str, Properties]:
        outputs = await self.run(call, "create", inputs.get("create"), inputs, {})
        return f"{call.name}{secrets.token_hex(4)}", outputs

    async def update(
        self, call: Call, id: str, old_inputs: Properties, state: Properties, inputs: Properties
    ) -> Properties:
        return await self.run(call, "update", inputs.get("update", inputs.get("create")), inputs, state)

    async def delete(self, call: Call, id: str, inputs: Properties, state: Properties) -> None:
        await self.run(call, "delete", inputs.get("delete"), inputs, state)

    async def run(
        self, call: Call, verb: str, command: str | None, inputs: Properties, previous: Properties
    ) -> Properties:
        """Run the command of this verb; without one, the outputs stay what they were. Raises PluginError."""
        if command is None:
            return {name: previous.get(name, "") for name in self.outputs}
        output = Output(call, inputs.get("logging"))
        try:
            async with connect(inputs["connection"], call) as client:
                await _execute(client, command, inputs, output)
        except (OSError, asyncssh.Error) as error:
            raise PluginError(
                f"{error or type(error).__name__}: running {json.dumps(command)}:\n{output.both}"
            ) from None
        return output.properties()


async def _execute(
    client: asyncssh.SSHClientConnection,
    command: str,
    inputs: Properties,
    output: Output,
) -> None:
    session = _Session(output)
    channel, _ = await client.create_session(lambda: session, command, encoding=None)
    with suppress(BrokenPipeError):  # a command may have ended before anything was given to it
        channel.write(inputs.get("stdin", "").encode())
        channel.write_eof()
    await channel.wait_closed()
    output.finish()
    problem = session.lost or _problem(channel)
    if problem:
        raise PluginError(f"{problem}: running {json.dumps(command, ensure_ascii=False)}:\n{output.both}")


def _problem(channel: "asyncssh.SSHClientChannel[bytes]") -> str | None:
    signal = channel.get_exit_signal()
    if signal:
        return f"Process exited from signal {signal[0]}"
    status = channel.get_exit_status()
    if status is None:
        return "wait: remote command exited without exit status or exit signal"
    return f"Process exited with status {status}" if status else None


class _Session(asyncssh.SSHClientSession[bytes]):
    def __init__(self, output: Output) -> None:
        self._output = output
        self.lost = ""

    def data_received(self, data: bytes, datatype: int | None) -> None:
        self._output.add("stderr" if datatype == EXTENDED_DATA_STDERR else "stdout", data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = f"connection lost: {exc}" if exc else ""
