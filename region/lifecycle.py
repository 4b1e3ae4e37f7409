"""A region's life: what it needs built, started, found again after a crash, and taken away."""

import sys
import time
from concurrent.futures import ThreadPoolExecutor

from region.build import image, mirror, packages, toolchain
from region.daemon import READY
from region.errors import ExpectedError
from region.fabric import kernel, leftovers, namespaces
from region.fabric.processes import Process
from region.paths import LOGS, STATE
from region.progress import Progress

START_SECONDS = 60


class RegionError(ExpectedError):
    """The region does not start or is not there; the message says what to do."""


def daemon() -> Process:
    """The one process that is AWS: its API and the controller that makes the world match."""
    return Process(name="daemon", argv=(sys.executable, "-m", "region", "daemon"), netns=namespaces.INTERNET)


def lacking() -> list[str]:
    """All that is made once and not there yet, part by part."""
    return [*packages.lacking(), *image.lacking(), *toolchain.lacking(), *mirror.lacking()]


def build(progress: Progress) -> None:
    """Make what is made once into the cache: what Debian's packages give beside the toolchain, then the rest."""
    with ThreadPoolExecutor(1) as pool:
        debian = pool.submit(mirror.build_debian, progress)
        tools = toolchain.build(progress)
        debian.result()
    mirror.build(tools, progress)


def start(progress: Progress) -> None:
    """Bring the region up, or back up: whatever of it still runs is kept. Raises RegionError with the daemon's log."""
    if not daemon().running() and not exists():
        leftovers.remove()
    STATE.mkdir(parents=True, exist_ok=True, mode=0o700)
    kernel.prepare()
    namespaces.create_internet()
    mirror.start(mirror.build(toolchain.Toolchain(), progress))
    if daemon().running():
        return
    progress("region: starting the AWS API and the controller")
    READY.unlink(missing_ok=True)
    daemon().start()
    deadline = time.monotonic() + START_SECONDS
    while not READY.exists():
        if not daemon().running() or time.monotonic() > deadline:
            raise RegionError(f"the region's daemon did not start within {START_SECONDS} s:\n{_log_end('daemon')}")
        time.sleep(0.05)


def exists() -> bool:
    """Whether there is a region whose API remembers something: running, or killed and able to go on."""
    return (STATE / "api").exists()


def remove(progress: Progress) -> None:
    """Take away every process, mount, namespace, cgroup, link and file of the region; the cache stays."""
    progress("region: removing hosts, networks, daemons and state")
    daemon().stop(timeout=10)
    mirror.stop()
    leftovers.remove()


def _log_end(name: str) -> str:
    log = LOGS / f"{name}.log"
    return "\n".join(log.read_text(errors="replace").splitlines()[-20:]) if log.exists() else "(no log)"
