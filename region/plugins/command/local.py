"""`command:local:Command`: a command on the machine that runs Pulumi (without the returned assets and archives)."""

import asyncio
import json
import os

from region.plugins.base import Call, Checked, PluginError, Properties
from region.plugins.command.output import Output, Stream
from region.plugins.command.remote import Command


class LocalCommand(Command):
    replace_on = frozenset({"triggers"})

    def check(self, call: Call, old_inputs: Properties, inputs: Properties) -> Checked:
        return Checked(inputs={"addPreviousOutputInEnv": True, **inputs})

    async def run(
        self, call: Call, verb: str, command: str | None, inputs: Properties, previous: Properties
    ) -> Properties:
        if command is None:
            return {name: previous.get(name, "") for name in self.outputs}
        output = Output(call, inputs.get("logging"))
        environment = {**os.environ, **(inputs.get("environment") or {})}
        if inputs.get("addPreviousOutputInEnv", True) and previous:
            environment |= {f"PULUMI_COMMAND_{name.upper()}": previous.get(name, "") for name in self.outputs}
        process = await asyncio.create_subprocess_exec(
            *(inputs.get("interpreter") or ("/bin/sh", "-c")),
            command,
            cwd=inputs.get("dir"),
            env=environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stdin
        assert process.stdout
        assert process.stderr
        await asyncio.gather(
            _feed(process.stdin, inputs.get("stdin", "").encode()),
            _drain(process.stdout, "stdout", output),
            _drain(process.stderr, "stderr", output),
        )
        status = await process.wait()
        output.finish()
        if status:
            raise PluginError(f"exit status {status}: running {json.dumps(command)}:\n{output.both}")
        return output.properties()


async def _feed(stdin: asyncio.StreamWriter, data: bytes) -> None:
    try:
        stdin.write(data)
        await stdin.drain()
    except ConnectionError:
        return  # the command did not want it
    finally:
        stdin.close()


async def _drain(reader: asyncio.StreamReader, stream: Stream, output: Output) -> None:
    while data := await reader.read(65536):
        output.add(stream, data)
