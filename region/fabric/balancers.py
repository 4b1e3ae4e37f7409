"""Network load balancers: one haproxy each, listening on the balancer's address in every subnet.

Like an NLB without client-IP preservation: what reaches a target comes from the balancer's address; each address checks
the targets for itself; without cross-zone balancing it knows those of its own zone only; when a target is found
unhealthy its connections are cut, or kept until it is gone, as its group wants; when no target is healthy all of them
get connections (it fails *open*: the frontend then uses a second backend of the same servers without checks). A failed
connection is not tried elsewhere.
"""

import csv
import io
import socket
import time
from collections.abc import Iterator
from pathlib import Path

from region.cloud.world import Balancer, BalancerAddress, HealthCheck, Listener, Target
from region.errors import ExpectedError
from region.fabric import router
from region.fabric.processes import Process
from region.paths import RUN

PREFIX = "balancer-"
FOLDER = RUN / "balancers"
RELOAD_SECONDS = 5
SOCKET_SECONDS = 2


class BalancerError(ExpectedError):
    """haproxy does not take what it was given; the message has its words."""


def process(balancer_id: str, vpc_id: str = "") -> Process:
    files = _Files(balancer_id)
    return Process(
        name=f"{PREFIX}{balancer_id}",
        argv=("haproxy", "-W", "-S", f"{files.master},mode,600", "-f", str(files.config)),
        netns=router.namespace(vpc_id),
    )


def apply(balancer: Balancer, vpc_id: str) -> None:
    """Run haproxy as the balancer says, reloading without a break when that changed. Raises BalancerError."""
    files, text = _Files(balancer.balancer_id), render(balancer)
    haproxy = process(balancer.balancer_id, vpc_id)
    running = haproxy.running()
    if not balancer.listeners:
        if running:
            haproxy.stop()
        return
    if running and files.applied.exists() and files.applied.read_text() == text:
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    known = _server_names(balancer.balancer_id) if running else set()
    if running:
        files.state.write_text(_ask(files.stats, "show servers state"))
    files.config.write_text(text)
    if running:
        _reload(files.master)
    else:
        files.state.write_text("1\n")
        haproxy.start()
    _start_unproven(balancer, known)
    files.applied.write_text(text)


def remove(balancer_id: str) -> None:
    process(balancer_id).stop()
    for path in FOLDER.glob(f"{balancer_id}.*"):
        path.unlink(missing_ok=True)


def states(balancer: Balancer) -> dict[tuple[str, str], str]:
    """How each target fares, by target group and target id: `healthy`, `unhealthy`, or `initial` before any check.

    A target is healthy when every address of the balancer that checks it finds it so.
    """
    groups = {str(listener.port): listener.target_group.arn for listener in balancer.listeners}
    found: dict[tuple[str, str], set[str]] = {}
    for row in _statistics(balancer.balancer_id):
        if not row["pxname"].endswith("-open"):
            arn = groups.get(row["pxname"].partition("-")[0], "")
            found.setdefault((arn, row["svname"]), set()).add(_state(row))
    return {key: min(ways, key=("unhealthy", "initial", "healthy").index) for key, ways in found.items()}


def render(balancer: Balancer) -> str:
    """The haproxy configuration."""
    files = _Files(balancer.balancer_id)
    lines = [
        f"# {balancer.name}",
        "global",
        "  nbthread 1",
        "  maxconn 4000",
        f"  stats socket {files.stats} mode 600 level admin expose-fd listeners",
        f"  server-state-file {files.state}",
        # Connections of a configuration that is no longer in force; a network load balancer leaves them too.
        "  hard-stop-after 10m",
        "",
        "defaults",
        "  mode tcp",
        "  retries 0",
        "  balance roundrobin",
        "  timeout connect 10s",
        "  load-server-state-from-file global",
    ]
    for listener in balancer.listeners:
        for address in balancer.addresses:
            lines += _proxies(balancer, listener, address)
    return "\n".join(lines) + "\n"


class _Files:
    def __init__(self, balancer_id: str) -> None:
        self.config = FOLDER / f"{balancer_id}.cfg"
        self.applied = FOLDER / f"{balancer_id}.applied"
        self.stats = FOLDER / f"{balancer_id}.stats"
        self.master = FOLDER / f"{balancer_id}.master"
        self.state = FOLDER / f"{balancer_id}.state"


def _proxies(balancer: Balancer, listener: Listener, address: BalancerAddress) -> Iterator[str]:
    name = f"{listener.port}-{address.address}"
    targets = [t for t in listener.target_group.targets if balancer.cross_zone or t.zone == address.zone]
    check = listener.target_group.health_check
    yield from (
        "",
        f"frontend {name}",
        f"  bind {address.address}:{listener.port}",
        f"  timeout client {listener.idle_timeout}s",
        f"  use_backend {name}-open if {{ nbsrv({name}) eq 0 }}",
        f"  default_backend {name}",
        "",
        f"backend {name}",
        f"  source {address.address}",
        f"  timeout server {listener.idle_timeout}s",
        f"  timeout check {check.timeout}s",
        *_check(check),
    )
    yield from (f"  {_server(target)}{f' port {check.port}' if check.port else ''}" for target in targets)
    yield from (
        "",
        f"backend {name}-open",
        f"  source {address.address}",
        f"  timeout server {listener.idle_timeout}s",
    )
    yield from (f"  {_server(target)}" for target in targets)


def _check(check: HealthCheck) -> Iterator[str]:
    tls = " check-ssl verify none" if check.protocol == "HTTPS" else ""
    if check.protocol in ("HTTP", "HTTPS"):
        yield "  option httpchk"
        yield f"  http-check send meth GET uri {check.path} ver HTTP/1.1 hdr Host balancer hdr Connection close"
        yield "  http-check expect status 200-399"
    cut = " on-marked-down shutdown-sessions" if check.cuts_unhealthy else ""
    yield (
        f"  default-server check{tls} inter {check.interval}s fall {check.unhealthy_threshold} "
        f"rise {check.healthy_threshold}{cut}"
    )


def _server(target: Target) -> str:
    return f"server {target.target_id} {target.address}:{target.port}"


def _start_unproven(balancer: Balancer, known: set[tuple[str, str]]) -> None:
    """haproxy trusts a new server until its first check fails; an NLB sends it nothing until a check has passed."""
    files, deadline = _Files(balancer.balancer_id), time.monotonic() + RELOAD_SECONDS
    wanted = {
        (f"{listener.port}-{address.address}", target.target_id)
        for listener in balancer.listeners
        for address in balancer.addresses
        for target in listener.target_group.targets
        if balancer.cross_zone or target.zone == address.zone
    }
    while not wanted <= _server_names(balancer.balancer_id):
        if time.monotonic() > deadline:
            log = process(balancer.balancer_id).log
            last = "\n".join(log.read_text(errors="replace").splitlines()[-5:]) if log.exists() else ""
            raise BalancerError(f"balancer {balancer.name} did not take its configuration {files.config}:\n{last}")
        time.sleep(0.02)
    for backend, server in sorted(wanted - known):
        _ask(files.stats, f"set server {backend}/{server} health down")


def _reload(master: Path) -> None:
    """The master does not listen for a moment while it takes an earlier reload."""
    deadline = time.monotonic() + RELOAD_SECONDS
    while True:
        try:
            _ask(master, "reload")
        except OSError as error:
            if time.monotonic() > deadline:
                raise BalancerError(f"haproxy does not take a reload on {master}: {error}") from error
            time.sleep(0.05)
        else:
            return


def _server_names(balancer_id: str) -> set[tuple[str, str]]:
    return {(row["pxname"], row["svname"]) for row in _statistics(balancer_id)}


def _statistics(balancer_id: str) -> list[dict[str, str]]:
    """One row per server; none when haproxy does not answer."""
    try:
        text = _ask(_Files(balancer_id).stats, "show stat -1 4 -1")
    except OSError:
        return []
    return list(csv.DictReader(io.StringIO(text.removeprefix("# "))))


def _state(row: dict[str, str]) -> str:
    if row["check_status"].lstrip("* ") in ("INI", ""):
        return "initial"
    return "healthy" if row["status"].startswith("UP") else "unhealthy"


def _ask(path: Path, command: str) -> str:
    """One command on a haproxy socket. Raises OSError when nobody answers."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(SOCKET_SECONDS)
        connection.connect(str(path))
        connection.sendall(f"{command}\n".encode())
        parts = []
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts).decode()
