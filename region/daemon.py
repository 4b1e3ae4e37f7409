"""The region's one process, inside `ka-internet`: the AWS API and the controller that makes the world match it."""

import logging
import os
import signal
import threading
from pathlib import Path

from region.fabric.namespaces import API_ADDRESS, API_PORT
from region.paths import RUN, STATE

READY = RUN / "daemon.ready"
"""There while the API answers; holds the daemon's process id."""
API_STATE = STATE / "api" / "state.pickle"
CONSOLE_BYTES = 65536
"""GetConsoleOutput gives the last 64 KiB, as on AWS."""


def main() -> None:
    """Serve until SIGTERM. Killed at any moment, the next one goes on from the state on disk and what still runs."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # moto takes a second to import, which no other command of the region needs to wait for.
    from region.build import image
    from region.cloud import moto_patches
    from region.cloud.api import Api
    from region.cloud.controller import Controller
    from region.fabric import hosts

    os.umask(0o077)
    RUN.mkdir(parents=True, exist_ok=True)
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())

    root = image.folder()
    controller: Controller
    api = Api(API_STATE, changed=lambda: controller.wake())
    controller = Controller(api.world, hosts, root)
    moto_patches.hooks.target_state = controller.target_state
    moto_patches.hooks.console = lambda instance_id: _end_of(hosts.console(instance_id))
    worker = threading.Thread(target=controller.run, name="controller")
    worker.start()
    controller.wake()
    api.start(API_ADDRESS, API_PORT)
    READY.write_text(str(os.getpid()))
    stopping.wait()
    READY.unlink(missing_ok=True)
    api.stop()
    controller.stop()
    worker.join()


def _end_of(path: Path) -> str:
    if not path.exists():
        return ""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - CONSOLE_BYTES))
        return file.read().decode("utf-8", errors="replace")
