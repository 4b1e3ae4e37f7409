"""`command:remote:CopyToRemote`: a file, a text or a folder copied over SFTP (`copyController.go`)."""

import secrets
from pathlib import Path, PurePosixPath

import asyncssh

from region.plugins.base import UNKNOWN, Call, Checked, PluginError, Properties, Resource
from region.plugins.command.connection import connect


class CopyToRemote(Resource):
    """Copies again when the source's content or the path changes; deletes nothing."""

    replace_on = frozenset({"triggers"})

    def check(self, call: Call, old_inputs: Properties, inputs: Properties) -> Checked:
        wanted = ("connection", "remotePath", "source")
        failures = [(name, f"Missing required property '{name}'") for name in wanted if name not in inputs]
        source = inputs.get("source")
        if source == UNKNOWN:
            failures.append(("asset", "either asset or archive must be set"))
        elif isinstance(source, dict) and not source.keys() & {"path", "text"}:
            failures.append(("asset", "asset must be a path-based file asset or a text asset"))
        return Checked(inputs=inputs, failures=failures)

    async def create(self, call: Call, inputs: Properties) -> tuple[str, Properties]:
        await self.copy(call, inputs)
        return secrets.token_hex(4), {}

    async def update(
        self, call: Call, id: str, old_inputs: Properties, state: Properties, inputs: Properties
    ) -> Properties:
        before, after = ((side["source"]["hash"], side["remotePath"]) for side in (old_inputs, inputs))
        if before != after:
            await self.copy(call, inputs)
        return {}

    async def delete(self, call: Call, id: str, inputs: Properties, state: Properties) -> None:
        return

    async def copy(self, call: Call, inputs: Properties) -> None:
        source, target = inputs["source"], PurePosixPath(inputs["remotePath"])
        async with connect(inputs["connection"], call) as client, client.start_sftp_client() as sftp:
            try:
                await _copy(sftp, source, target)
            except (OSError, asyncssh.SFTPError) as error:
                raise PluginError(f"failed to copy to remote path {target}: {error}") from None


async def _copy(sftp: asyncssh.SFTPClient, source: Properties, target: PurePosixPath) -> None:
    await sftp.makedirs(target.parent, exist_ok=True)
    is_folder = await sftp.isdir(target)
    if "text" in source:
        if is_folder:
            raise PluginError(f"remote path {target} is a directory; with a text asset it must be a file path")
        async with sftp.open(target, "wb") as file:
            await file.write(source["text"].encode())
        return
    local = Path(source["path"])
    if local.is_dir():
        if not is_folder:
            await sftp.mkdir(target)
        contents = [str(path) for path in local.iterdir()] if source["path"].endswith("/") else [str(local)]
        await sftp.put(contents, target, recurse=True)
    else:
        await sftp.put(str(local), target)
