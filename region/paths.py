"""Where the region keeps what it makes; no other file knows a location."""

import os
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
CACHE = Path(os.environ.get("KUBEADM_AWS_CACHE", "/var/cache/kubeadm-aws"))
"""Built once and kept: toolchain, image, mirror. Every entry carries the key of its content."""
STATE = Path("/var/lib/kubeadm-aws")
"""A running region: API state, hosts' disks, Pulumi's state, logs. Gone after `down`."""
RUN = Path("/run/kubeadm-aws")
"""Sockets, generated configuration, locks. Gone after `down`."""
LOGS = STATE / "logs"
