"""SSH servers on loopback for the tests of the `command` plugin: a host and a bastion in one."""

import asyncio
import subprocess
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import asyncssh

from region.plugins.base import Properties


@dataclass
class Server:
    """Accepts `user`'s key, runs commands with bash, forwards connections."""

    refuse_logins: int = 0
    host_key: asyncssh.SSHKey = field(default_factory=lambda: asyncssh.generate_private_key("ssh-ed25519"))
    user_key: asyncssh.SSHKey = field(default_factory=lambda: asyncssh.generate_private_key("ssh-ed25519"))
    port: int = 0
    logins: int = 0
    forwarded: int = 0
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _listener: Any = None

    def start(self) -> "Server":
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self.listen()
        return self

    def listen(self) -> None:
        self._run(self._listen())

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._listener.close)
        self._loop.call_soon_threadsafe(self._loop.stop)

    def pause(self) -> None:
        """Stop listening; `listen` goes on at the same port."""
        self._loop.call_soon_threadsafe(self._listener.close)

    def later(self, seconds: float, action: Callable[[], Any]) -> None:
        threading.Timer(seconds, action).start()

    @property
    def connection(self) -> Properties:
        return {
            "host": "127.0.0.1",
            "port": self.port,
            "user": "admin",
            "privateKey": self.user_key.export_private_key().decode(),
            "hostKey": self.host_key.export_public_key().decode(),
            "dialErrorLimit": 2,
            "perDialTimeout": 15,
        }

    def _run(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    async def _listen(self) -> None:
        server = self

        class Login(asyncssh.SSHServer):
            def public_key_auth_supported(self) -> bool:
                return True

            def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
                server.logins += 1
                if server.refuse_logins > 0:
                    server.refuse_logins -= 1
                    return False
                return username == "admin" and key.public_data == server.user_key.public_data

            def connection_requested(self, dest_host: str, dest_port: int, orig_host: str, orig_port: int) -> bool:
                server.forwarded += 1
                return True

        self._listener = await asyncssh.listen(
            "127.0.0.1",
            self.port,
            server_factory=Login,
            server_host_keys=[self.host_key],
            process_factory=self._execute,
            encoding=None,
        )
        self.port = self._listener.get_port()

    async def _execute(self, process: "asyncssh.SSHServerProcess[bytes]") -> None:
        child = await asyncio.create_subprocess_exec(
            "bash",
            "-c",
            process.command or "",
            env={"PATH": "/usr/bin:/bin"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert child.stdin
        assert child.stdout
        assert child.stderr
        feeding = asyncio.create_task(_feed(process, child.stdin))
        await asyncio.gather(_pump(child.stdout, process.stdout), _pump(child.stderr, process.stderr))
        status = await child.wait()
        feeding.cancel()
        if status < 0:
            process.exit_with_signal("KILL")
        else:
            process.exit(status)


async def _feed(process: "asyncssh.SSHServerProcess[bytes]", stdin: asyncio.StreamWriter) -> None:
    while data := await process.stdin.read(65536):
        stdin.write(data)
        with suppress(ConnectionError):
            await stdin.drain()
    stdin.close()


async def _pump(source: asyncio.StreamReader, target: "asyncssh.SSHWriter[bytes]") -> None:
    while data := await source.read(65536):
        target.write(data)
