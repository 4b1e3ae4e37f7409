"""Hosts: one EC2 instance is one systemd-nspawn machine, booted from the image on a disk and a wire of its own."""

import subprocess
import threading
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from region.fabric import cgroups, cloud_init, disks, namespaces, processes
from region.fabric.cgroups import Cgroup, Limits
from region.fabric.disks import Disk, DiskFile
from region.fabric.host_link import HostLink
from region.fabric.processes import Process

CGROUP_PREFIX = "host-"

# The overlay and nspawn's own traces live in a mount namespace that ends with the host, however it ends.
_BOOT = """
umask 022
mount -t overlay overlay -o "$1" "$2"
mkdir -p /run/systemd/nspawn
mount -t tmpfs tmpfs /run/systemd/nspawn
shift 2
exec systemd-nspawn "$@"
"""

_locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)


@dataclass(frozen=True, kw_only=True)
class HostSpec:
    """One instance as the API describes it."""

    instance_id: str
    hostname: str
    private_address: str
    prefix_length: int
    gateway: str
    resolver: str
    router_namespace: str
    memory_bytes: int
    cpus: float
    user_data: str
    """Plain text, not base64."""


def start(spec: HostSpec, image: Path) -> None:
    """Boot it; one that runs is left alone, one that has a disk keeps it, whatever is half-made is made anew.

    Returns when the machine has been launched, not when it answers. Raises NamespaceError, CgroupError, ProcessError.
    """
    with _locks[spec.instance_id]:
        disk = Disk(spec.instance_id)
        if disk.switch.exists() and _process(spec.instance_id).running():
            return
        _power_off(spec.instance_id)
        if not disk.exists():
            disk.create(image, first_files(spec))
        HostLink(spec.instance_id).create(
            router=spec.router_namespace,
            address=spec.private_address,
            prefix_length=spec.prefix_length,
            gateway=spec.gateway,
        )
        disk.switch.touch()
        _process(spec.instance_id, Limits(memory_bytes=spec.memory_bytes, cpus=spec.cpus)).start()


def power_off(instance_id: str) -> None:
    """Pull its plug: processes and wire are gone, the disk stays. Raises CgroupError."""
    with _locks[instance_id]:
        _power_off(instance_id)


def stop(instance_id: str) -> None:
    """Take all of it away: processes, control groups, wire, mounts, disk. Raises CgroupError."""
    with _locks[instance_id]:
        _power_off(instance_id)
        Disk(instance_id).remove()


def running() -> set[str]:
    """Instance ids of the hosts that have power and processes."""
    return {name for name in _instance_ids(processes.running_names()) if Disk(name).switch.exists()}


def all_known() -> set[str]:
    """Instance ids of every host of which anything is left: disk, control group or wire."""
    wired = {name.removeprefix(namespaces.PREFIX) for name in namespaces.names()}
    return disks.known() | _instance_ids(cgroups.names()) | {name for name in wired if name.startswith("i-")}


def cgroup(instance_id: str) -> Cgroup:
    """The control group that bounds it."""
    return Cgroup(f"{CGROUP_PREFIX}{instance_id}")


def console(instance_id: str) -> Path:
    """The file with what the host has written to its console; not there before its first start."""
    return Disk(instance_id).console


def journal(instance_id: str, follow: bool) -> int:
    """Print the host's journal, dead or alive, on this terminal; give back journalctl's exit code."""
    folder = Disk(instance_id).upper / "var/log/journal"
    journalctl = ["journalctl", f"--directory={folder}", *(["--follow"] if follow else [])]
    return subprocess.run(["setpriv", "--pdeathsig", "TERM", "--", *journalctl]).returncode


def _instance_ids(names: set[str]) -> set[str]:
    return {name.removeprefix(CGROUP_PREFIX) for name in names if name.startswith(CGROUP_PREFIX)}


def first_files(spec: HostSpec) -> dict[str, DiskFile]:
    seed = cloud_init.seed(
        instance_id=spec.instance_id,
        hostname=spec.hostname,
        private_address=spec.private_address,
        user_data=spec.user_data,
    )
    files = {f"{cloud_init.FOLDER}/{name}": DiskFile(text, 0o600) for name, text in seed.items()}
    return {**files, "etc/resolv.conf": DiskFile(f"nameserver {spec.resolver}\n", 0o644)}


def _process(instance_id: str, limits: Limits | None = None) -> Process:
    disk = Disk(instance_id)
    nspawn = (
        *("--quiet", "--boot", "--keep-unit", "--register=no", "--settings=no", "--link-journal=no"),
        *("--private-users=no", "--capability=all", "--system-call-filter=@keyring bpf @mount"),
        *("--resolv-conf=off", "--timezone=off", "--bind=/dev/kmsg"),
        *(f"--bind={outside}:{inside}" for outside, inside in disk.binds().items()),
        *(f"--machine={instance_id}", f"--directory={disk.root}"),
    )
    options = disk.overlay_options() if disk.exists() else ""
    return Process(
        name=cgroup(instance_id).name,
        argv=("unshare", "--mount", "sh", "-euc", _BOOT, "sh", options, str(disk.root), *nspawn),
        netns=HostLink(instance_id).namespace,
        environment={"SYSTEMD_NSPAWN_API_VFS_WRITABLE": "network"},
        limits=limits,
        output=disk.console,
    )


def _power_off(instance_id: str) -> None:
    Disk(instance_id).switch.unlink(missing_ok=True)
    _process(instance_id).stop(timeout=0)
    HostLink(instance_id).remove()
