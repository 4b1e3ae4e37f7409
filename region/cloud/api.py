"""The AWS API of the region: moto's server, one request at a time, each change on disk before it is answered."""

import io
import os
import pickle
import re
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

os.environ.setdefault("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")

from moto.backends import get_backend
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from region.cloud import moto_patches, snapshot
from region.cloud.world import World

ACCOUNT = "123456789012"
REGION = "us-east-1"
BACKENDS = {"ec2": REGION, "elbv2": REGION, "route53": "aws"}
"""The services whose state is kept, with the region that moto files them under; the others only answer."""
READS = re.compile(r"^(Describe|Get|List)")


class Api:
    """Serves the API; `changed` is called after each request that may have changed something.

    Requests go through one lock, because moto's backends do not bear two at once. The state file is replaced in one
    step after each change and before the answer; requests that wait for the disk together share one write. What it
    holds is pickled by moto's own classes, so it is read by the same version only: it lives no longer than the region.
    """

    def __init__(self, state: Path, changed: Callable[[], None]) -> None:
        self._state = state
        self._changed = changed
        self._lock = threading.RLock()
        self._writing = threading.Lock()
        self._version = 0
        self._written = 0
        self._server: BaseWSGIServer | None = None
        self._thread: threading.Thread | None = None
        moto_patches.install()
        self._application = DomainDispatcherApplication(create_backend_app)
        self._load()

    def start(self, address: str, port: int) -> None:
        """Serve in a thread of its own from now on. Ends the process, saying so, when the port is taken."""
        self._server = make_server(address, port, self, threaded=True, request_handler=_QuietHandler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="api", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Returns when the port is free again: the serving thread closes its socket last of all."""
        if self._server and self._thread:
            self._server.shutdown()
            self._thread.join()

    @property
    def port(self) -> int:
        assert self._server is not None
        return self._server.server_port

    def world(self) -> World:
        """What there should be, as of now."""
        with self._lock:
            return snapshot.read(*(self._backend(service) for service in BACKENDS))

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        with self._lock:
            answer = [b"".join(self._application(environ, start_response))]
            mutating = _is_mutating(environ, body)
            if mutating:
                self._version += 1
            version = self._version
        if mutating:
            self._write(version)
            self._changed()
        return answer

    def _write(self, version: int) -> None:
        with self._writing:
            if self._written >= version:
                return
            with self._lock:
                holds = self._version
                content = pickle.dumps({service: self._backend(service) for service in BACKENDS})
            self._state.parent.mkdir(parents=True, exist_ok=True)
            fresh = self._state.with_suffix(".new")
            with fresh.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._state)
            self._written = holds

    def _load(self) -> None:
        if not self._state.exists():
            self._write(1)
            return
        for service, backend in pickle.loads(self._state.read_bytes()).items():
            dict.__setitem__(get_backend(service)[ACCOUNT], BACKENDS[service], backend)

    @staticmethod
    def _backend(service: str) -> Any:  # noqa: ANN401 (each service has a type of its own)
        return get_backend(service)[ACCOUNT][BACKENDS[service]]  # type: ignore[arg-type]


class _QuietHandler(WSGIRequestHandler):
    """Logs no request: the log is for what goes wrong."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


def _is_mutating(environ: WSGIEnvironment, body: bytes) -> bool:
    """Whether the request may change something: by its action's name, or its method where that is the action."""
    action = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2]
    if not action and (found := re.search(rb"(?:^|&)Action=(\w+)", body)):
        action = found[1].decode()
    if action:
        return not READS.match(action)
    return environ["REQUEST_METHOD"] not in ("GET", "HEAD")
