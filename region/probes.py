"""Whether the machine's kernel does what hosts need: each thing is tried, in namespaces that end with the try."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from region.fabric.cgroups import Cgroup, CgroupError, Limits, hierarchies
from region.fabric.processes import Process, ProcessError

PROBE = "preflight"
NSPAWN_SECONDS = 20

# What it is, and a command that fails without it. $1 is an empty folder where the hosts' disks will be.
KERNEL_FEATURES = {
    "veth links (CONFIG_VETH)": "ip link add p0 type veth peer name p1",
    "bridges (CONFIG_BRIDGE)": "ip link add p0 type bridge",
    "VXLAN (CONFIG_VXLAN)": "ip link add p0 type vxlan id 1 dstport 8472 dev lo",
    "bridge netfilter (CONFIG_BRIDGE_NETFILTER)": "test -e /proc/sys/net/bridge/bridge-nf-call-iptables",
    "nftables with NAT (CONFIG_NF_TABLES, CONFIG_NFT_NAT)": (
        "nft 'add table ip p; add chain ip p c { type nat hook postrouting priority 100; }; add rule ip p c masquerade'"
    ),
    "connection tracking (CONFIG_NF_CONNTRACK, CONFIG_NFT_CT)": (
        "nft 'add table ip p; add chain ip p c { type filter hook forward priority 0; };"
        " add rule ip p c ct state established accept'"
    ),
    "overlay filesystems on the disk of STATE (CONFIG_OVERLAY_FS)": (
        'cd "$1" && mkdir low up work root && mount -t overlay p -o lowerdir=low,upperdir=up,workdir=work root'
    ),
    "the kernel's log, /dev/kmsg": "test -c /dev/kmsg",
}
CONTROLLERS = ("cpu", "cpuset", "memory", "pids")


def namespaces() -> Iterator[str]:
    done = subprocess.run(["unshare", "--net", "--mount", "--pid", "--fork", "true"], capture_output=True, text=True)
    if done.returncode:
        said = done.stderr.strip()
        yield f"network, mount and process namespaces cannot be made ({said}): run on a machine or VM of your own"


def control_groups() -> Iterator[str]:
    if lacking := [name for name in CONTROLLERS if not has_controller(name, hierarchies())]:
        yield f"control group controllers are missing below /sys/fs/cgroup: {', '.join(lacking)}"
    cgroup = Cgroup(PROBE)
    try:
        cgroup.create(Limits(memory_bytes=1 << 30, cpus=1))
        cgroup.end()
    except (CgroupError, OSError) as error:
        yield str(error)


def has_controller(name: str, mounted: tuple[Path, ...]) -> bool:
    """In a v1 hierarchy of its own, or offered by a v2 one."""
    offers = (path / "cgroup.controllers" for path in mounted)
    return any(path.name == name for path in mounted) or any(
        name in offer.read_text().split() for offer in offers if offer.exists()
    )


def kernel_features(state: Path) -> Iterator[str]:
    """Everything the kernel lacks; `state` is a folder on the disk where hosts will live."""
    for feature, command in KERNEL_FEATURES.items():
        with TemporaryDirectory(dir=state) as folder:
            alone = ["unshare", "--net", "--mount", "sh", "-ec", command, "sh", folder]
            done = subprocess.run(alone, capture_output=True, text=True)
        if done.returncode:
            yield f"the kernel has no {feature}: {done.stderr.strip() or command}"


def nspawn(state: Path) -> Iterator[str]:
    """A machine over this machine's own /usr that says one word."""
    with TemporaryDirectory(dir=state) as folder:
        output = Path(folder, "output")
        machine = ["--quiet", "--register=no", "--keep-unit", "--directory=/", "--volatile=yes", f"--machine={PROBE}"]
        command = ["unshare", "--net", "--mount", "systemd-nspawn", *machine, "/usr/bin/echo", "works"]
        process = Process(name=PROBE, argv=command, output=output)
        try:
            process.start()
            deadline = time.monotonic() + NSPAWN_SECONDS
            while process.running() and time.monotonic() < deadline:
                time.sleep(0.02)
            process.stop(timeout=0)
        except (ProcessError, CgroupError) as error:
            yield f"systemd-nspawn cannot be tried: {error}"
            return
        said = output.read_text(errors="replace").strip()
        if "works" not in said.split():
            yield f"systemd-nspawn does not start a machine here: {said or f'silent for {NSPAWN_SECONDS} s'}"
