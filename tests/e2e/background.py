"""A `make up` that is interrupted: in a process group of its own, as a terminal would run it."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from region.paths import CHECKOUT

START_SECONDS = 300


@contextlib.contextmanager
def background_up(log: Path, checkout: Path = CHECKOUT) -> Iterator[subprocess.Popen[bytes]]:
    """`region up` for the default stack, killed at the end."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "region", "up"],
            cwd=checkout,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_until(condition: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait while `up` goes on; one that ends by itself has its log shown."""
    deadline = time.monotonic() + START_SECONDS
    while not condition():
        assert process.poll() is None, log.read_text()[-5000:]
        assert time.monotonic() < deadline, f"not within {START_SECONDS} s"
        time.sleep(0.2)
