"""The flags of etcd that this program decides, alike for all members: one table, in the forms that managers take.

All other flags are a member's own, or those that kubeadm gives any etcd, which `scripts/etcd/etcd.service` repeats.
"""

from collections.abc import Mapping

from settings.values import EtcdSettings


def decided_flags(settings: EtcdSettings) -> Mapping[str, str]:
    """The table."""
    return {
        "heartbeat-interval": str(settings.heartbeat_milliseconds),
        "election-timeout": str(settings.election_milliseconds),
        "quota-backend-bytes": str(settings.quota_gib << 30),
        # API servers compact every five minutes; this is for when none does.
        "auto-compaction-mode": "periodic",
        "auto-compaction-retention": "1h",
    }


def command_line(flags: Mapping[str, str]) -> str:
    """For systemd: words of a command."""
    return " ".join(f"--{name}={value}" for name, value in flags.items())


def extra_arguments(flags: Mapping[str, str]) -> list[Mapping[str, str]]:
    """For kubeadm: the `extraArgs` of etcd, stacked or a static pod."""
    return [{"name": name, "value": value} for name, value in flags.items()]
