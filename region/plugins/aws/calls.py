"""Calls of the API as a resource makes them: what is gone, what is waited for, what is told to the user."""

import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from region.plugins.base import PluginError

T = TypeVar("T")

MISSING = re.compile(r"NotFound$|^NoSuch|^InvalidTarget$")
IN_USE = ("DependencyViolation", "ResourceInUse", "ResourceInUseException", "InvalidIPAddress.InUse")
DEPENDENCY_SECONDS = 60
"""How long a deletion is repeated while something still depends on it. The real plugin takes up to 20 minutes, which
AWS needs; in the region everything is gone within seconds, and a wrong order should fail soon."""


def code(error: ClientError) -> str:
    return error.response.get("Error", {}).get("Code", "")


@contextmanager
def reported(subject: str) -> Iterator[None]:
    """Turn what the API says into an error for the user, with the subject in front."""
    try:
        yield
    except ClientError as error:
        text = error.response.get("Error", {}).get("Message", "")
        raise PluginError(f"{subject}: {error.operation_name}: {code(error)}: {text}") from error
    except BotoCoreError as error:
        raise PluginError(f"{subject}: {error}") from error
    except TimeoutError as error:
        raise PluginError(f"{subject}: {error}") from error


def unless_missing(call: Callable[[], T]) -> T | None:
    """The call's result, None when the API says that there is no such thing."""
    try:
        return call()
    except ClientError as error:
        if MISSING.search(code(error)):
            return None
        raise


def retrying(call: Callable[[], T], codes: Sequence[str], seconds: float) -> T:
    """Repeat the call while it fails with one of the codes; the last failure is raised when time is up."""
    end = time.monotonic() + seconds
    pause = 0.2
    while True:
        try:
            return call()
        except ClientError as error:
            if code(error) not in codes or time.monotonic() > end:
                raise
        time.sleep(pause)
        pause = min(pause * 1.5, 3)


def wait_until(what: str, look: Callable[[], str], wanted: Sequence[str], seconds: float) -> None:
    """Look until the state is a wanted one. Raises TimeoutError, which says what was seen last."""
    end = time.monotonic() + seconds
    pause = 0.1
    while (seen := look()) not in wanted:
        if time.monotonic() > end:
            raise TimeoutError(f"waited {seconds:.0f} s for {what} to be {' or '.join(wanted)}; it is {seen or 'gone'}")
        time.sleep(pause)
        pause = min(pause * 1.5, 2)
