"""The machine's kernel, as many hosts and their kubelets need it: modules and settings, put back at the end."""

import json
import shutil
import subprocess
from pathlib import Path

from region.paths import STATE

MODULES = ("overlay", "veth", "vxlan", "bridge", "br_netfilter", "nf_tables", "nf_conntrack", "nf_nat")

# A kubelet writes these when they differ, and a host may not; the limits are for ten systems in the place of one.
SETTINGS = {
    "vm.overcommit_memory": "1",
    "vm.panic_on_oom": "0",
    "kernel.panic": "10",
    "kernel.panic_on_oops": "1",
    "kernel.keys.root_maxkeys": "1000000",
    "kernel.keys.root_maxbytes": "25000000",
    "kernel.pid_max": "4194304",
    "fs.inotify.max_user_instances": "8192",
    "fs.inotify.max_user_watches": "1048576",
}
ORIGINALS = STATE / "kernel.json"


def load_modules() -> None:
    """Load what is not built in. A module that cannot be had is not an error here: preflight tries the feature."""
    if shutil.which("modprobe"):
        subprocess.run(["modprobe", "--all", "--quiet", *MODULES], capture_output=True)


def prepare() -> None:
    """Load the modules and make the settings, remembering what was there before. Raises PermissionError."""
    load_modules()
    if not ORIGINALS.exists():
        ORIGINALS.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        unfinished = ORIGINALS.with_suffix(".new")
        unfinished.write_text(json.dumps({name: _path(name).read_text().strip() for name in SETTINGS}))
        unfinished.rename(ORIGINALS)
    _write(SETTINGS)


def restore() -> None:
    """Put back what `prepare` found; nothing where it did not run."""
    if ORIGINALS.exists():
        _write(json.loads(ORIGINALS.read_text()))
        ORIGINALS.unlink()


def _path(name: str) -> Path:
    return Path("/proc/sys", *name.split("."))


def _write(settings: dict[str, str]) -> None:
    for name, value in settings.items():
        if _path(name).read_text().strip() != value:
            _path(name).write_text(value)
