"""Questions to the engine that may be answered with an error, which then is the program's to judge."""

from asyncio import Future
from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi.runtime.settings import SETTINGS


class AskingError(Exception):
    """The engine did not answer; the message is its own."""


def ask(token: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Call a function of the engine's or a plugin's. Raises AskingError."""
    try:
        return pulumi.runtime.invoke(token, arguments).value
    except Exception as error:
        _forgive()
        raise AskingError(str(error)) from error


def _forgive() -> None:
    """The SDK ends a program in the end for any call that failed, whoever caught it."""
    calls = SETTINGS.rpc_manager  # pyright: ignore[reportAttributeAccessIssue] (a property made by a decorator)
    calls.unhandled_exception = calls.exception_traceback = None
    calls.rpcs = [rpc for rpc in calls.rpcs if not (isinstance(rpc, Future) and rpc.done() and rpc.exception())]
