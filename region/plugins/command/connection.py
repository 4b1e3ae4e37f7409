"""SSH connections as the `command` plugin makes them: retries, pinned host keys, one proxy (`connection.go`)."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import asyncssh

from region.plugins.base import Call, PluginError, Properties

FIRST_PAUSE_SECONDS, PAUSE_GROWTH, LONGEST_PAUSE_SECONDS = 0.1, 1.5, 5.0

Dialed = TypeVar("Dialed")


class HandshakeError(Exception):
    """The other side was reached, but not logged in to."""


@asynccontextmanager
async def connect(connection: Properties, call: Call) -> AsyncIterator[asyncssh.SSHClientConnection]:
    """A connection to the host, through the proxy if one is given; closed at the end. Raises PluginError.

    As upstream: a direct dial, handshake included, is tried again up to `dialErrorLimit`; through a proxy only the
    channel to the host is, because upstream repeats a failed handshake on a connection that is closed already. Nor does
    it ask whether a silent host still lives.
    """
    proxy = connection.get("proxy")
    if proxy is None:
        client = await _retried("Dial", connection, call, lambda: _dial(connection))
        async with client:
            yield client
        return
    try:
        bastion = await _retried("Dial proxy", proxy, call, lambda: _dial(proxy))
        async with bastion:
            client = await _retried("Dial from proxy", connection, call, lambda: _log_in(connection, tunnel=bastion))
            async with client:
                yield client
    except DialError as error:
        raise PluginError(f"proxy: {error}") from None


class DialError(PluginError):
    """No connection after all attempts."""


async def _retried(what: str, connection: Properties, call: Call, dial: Callable[[], Awaitable[Dialed]]) -> Dialed:
    limit = connection.get("dialErrorLimit", 10)
    pause = FIRST_PAUSE_SECONDS
    failed = 0
    where = f"{connection['host']}:{_port(connection)}"
    while True:
        try:
            return await dial()
        except HandshakeError as error:
            raise DialError(f"{where}: {error}") from None
        except (OSError, asyncssh.Error) as error:
            if limit != -1 and failed >= limit:
                raise DialError(f"after {failed} failed attempts: {where}: {_reason(error, connection)}") from None
            failed += 1
            call.log(f"{what} {failed}/{'inf' if limit == -1 else limit} failed: retrying", "debug")
        await asyncio.sleep(pause)
        pause = min(pause * PAUSE_GROWTH, LONGEST_PAUSE_SECONDS)


async def _dial(connection: Properties) -> asyncssh.SSHClientConnection:
    """A direct connection. `perDialTimeout` bounds the TCP connect only."""
    seconds = connection.get("perDialTimeout", 15)
    loop = asyncio.get_running_loop()
    addresses = await loop.getaddrinfo(connection["host"], _port(connection), type=socket.SOCK_STREAM)
    family, kind, protocol, _, address = addresses[0]
    opened = socket.socket(family, kind, protocol)
    opened.setblocking(False)
    try:
        await asyncio.wait_for(loop.sock_connect(opened, address), seconds or None)
        return await asyncssh.connect(sock=opened, options=_options(connection))
    except TimeoutError:
        opened.close()
        raise OSError(f"dial tcp {address[0]}:{address[1]}: i/o timeout") from None
    except BaseException:
        opened.close()
        raise


async def _log_in(connection: Properties, *, tunnel: asyncssh.SSHClientConnection) -> asyncssh.SSHClientConnection:
    try:
        options = _options(connection)
        return await asyncssh.connect(connection["host"], _port(connection), tunnel=tunnel, options=options)
    except asyncssh.ChannelOpenError:
        raise
    except (OSError, asyncssh.Error) as error:
        raise HandshakeError(_reason(error, connection)) from None


def _options(connection: Properties) -> asyncssh.SSHClientConnectionOptions:
    agent = connection.get("agentSocketPath") or os.environ.get("SSH_AUTH_SOCK") or None
    if agent:
        _require_agent(agent)
    host_key = connection.get("hostKey")
    return asyncssh.SSHClientConnectionOptions(
        config=None,
        username=connection.get("user", "root"),
        password=connection.get("password"),
        client_keys=[_private_key(connection)] if connection.get("privateKey") else None,
        agent_path=agent,
        known_hosts=([_public_key(host_key)], [], []) if host_key else None,
    )


def _require_agent(path: str) -> None:
    with socket.socket(socket.AF_UNIX) as agent:
        try:
            agent.connect(path)
        except OSError as error:
            raise PluginError(f"dial unix {path}: {error.strerror} (SSH agent; unset SSH_AUTH_SOCK)") from None


def _private_key(connection: Properties) -> asyncssh.SSHKey:
    try:
        return asyncssh.import_private_key(connection["privateKey"], connection.get("privateKeyPassword"))
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
        raise PluginError(f"the private key for {connection['host']} cannot be read: {error}") from None


def _public_key(line: str) -> asyncssh.SSHKey:
    try:
        return asyncssh.import_public_key(line)
    except asyncssh.KeyImportError as error:
        raise PluginError(f"failed to parse host key: {error}") from None


def _reason(error: Exception, connection: Properties) -> str:
    if isinstance(error, asyncssh.HostKeyNotVerifiable | asyncssh.KeyExchangeFailed) and connection.get("hostKey"):
        pinned = _public_key(connection["hostKey"])
        return (
            f"ssh: handshake failed: ssh: host key mismatch: {connection['host']} does not have the pinned key "
            f"{pinned.get_algorithm()} {pinned.get_fingerprint()}"
        )
    if isinstance(error, asyncssh.PermissionDenied):
        return f"ssh: handshake failed: ssh: unable to authenticate as {connection.get('user', 'root')}: {error.reason}"
    return f"{error.reason if isinstance(error, asyncssh.Error) else error}" or type(error).__name__


def _port(connection: Properties) -> int:
    return int(connection.get("port", 22))
