"""What wipe-node.sh leaves on a host: the script run by a real bash on folders of its own, where daemons are played."""

import fcntl
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from components.addons.installed import NETWORK
from components.host import script as node_script
from components.host.script import SCRIPTS, render

GOING = (
    "etc/default/etcd-health",
    "etc/etcd/pki/peer.key",
    "etc/kubernetes/admin.conf",
    "etc/kubernetes/pki/etcd/ca.key",
    "etc/cni/net.d/10-flannel.conflist",
    "etc/systemd/system/etcd.service",
    "etc/systemd/system/etcd.service.d/10.conf",
    "etc/systemd/system/kubelet.service.d/20-etcd-service-manager.conf",
    "run/flannel/subnet.env",
    "var/lib/cni/networks/cbr0/10.244.0.2",
    "var/lib/cni/results/cbr0-1",
    "var/lib/etcd/cluster",
    "var/lib/etcd/member/snap/db",
    "var/lib/kubelet/joined",
    "var/lib/kubelet/pods/1/volumes/token",
)
STAYING = (
    "etc/containerd/config.toml",
    "etc/default/grub",
    "etc/systemd/system/kubelet.service.d/10-kubeadm.conf",
    "usr/local/sbin/etcd-health",
    "var/lib/containerd/image",
)
FOLDERS = ("etc/cni/net.d", "etc/kubernetes", "var/lib/etcd", "var/lib/kubelet", "run/lock", "run/kubeadm-aws/kubeadm")
RULES = """\
*nat
:PREROUTING ACCEPT [0:0]
:KUBE-SERVICES - [0:0]
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A PREROUTING -p tcp -j REDIRECT
-A POSTROUTING -m comment --comment "flanneld masq" -j FLANNEL-POSTRTG
-A KUBE-SERVICES -j RETURN
-A CNI-HOSTPORT-DNAT -j RETURN
COMMIT
"""
FAKES = {
    "systemctl": """
echo "$*" >>"$FAKE/done"
case "$*" in
  *ActiveState*) cat "$FAKE/units/${@: -1}" 2>/dev/null || echo inactive ;;
  is-active*) true ;;
esac
""",
    "kubeadm": """echo "kubeadm $*" >>"$FAKE/done"; cat "$FAKE/kubeadm-fails" 2>/dev/null && exit 1 || true""",
    "crictl": """cat "$FAKE/pods" 2>/dev/null || true""",
    "ip": """echo "ip $*" >>"$FAKE/done"; exit 1""",
    "umount": """echo "umount $*" >>"$FAKE/done" """,
    "iptables-nft-save": """cat "$FAKE/rules" """,
    "iptables-nft-restore": """cat >"$FAKE/rules.new"; mv "$FAKE/rules.new" "$FAKE/rules" """,
    "ip6tables-nft-save": "echo '*filter'; echo COMMIT",
    "ip6tables-nft-restore": "echo 'nothing of ours is there' >&2; exit 1",
}


@dataclass(frozen=True, kw_only=True)
class Host:
    folder: Path

    @property
    def traces(self) -> dict[str, str]:
        """What the network add-on leaves on this host."""
        return {**NETWORK.traces, "NETWORK_PATHS": " ".join(f"{self.folder}{path}" for path in NETWORK.paths)}

    def runs(self) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-s"],
            input=render(
                "wipe on master-0",
                "host/wipe-node.sh",
                settings={
                    **NETWORK.traces,
                    "NETWORK_PATHS": " ".join(f"{self.folder}{path}" for path in NETWORK.paths),
                },
                libraries=["lib/membership.sh"],
            ),
            env={"PATH": f"{self.folder / 'bin'}:/usr/bin:/bin", "FAKE": str(self.folder)},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    def did(self) -> list[str]:
        return (self.folder / "done").read_text().splitlines()


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    """A master with everything that any topology puts on a host."""
    for file in (*GOING, *STAYING):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("content")
    for folder in (*FOLDERS, "bin", "units", "scripts/lib", "scripts/host"):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    for name in ("lib/common.sh", "lib/membership.sh", "host/wipe-node.sh"):
        text = (SCRIPTS / name).read_text()
        for place in ("/var/lib/", "/etc/", "/run/"):
            text = text.replace(place, f"{tmp_path}{place}")
        mounts = tmp_path / "mounts"
        (tmp_path / "scripts" / name).write_text(text.replace("/proc/mounts", str(mounts)))
    (tmp_path / "mounts").write_text(
        "".join(
            f"tmpfs {tmp_path}/var/lib/{place} tmpfs rw 0 0\n"
            for place in ("etcd", "kubelet", "kubelet/pods/1", "kubelet/pods/1/volumes")
        )
    )
    monkeypatch.setattr(node_script, "SCRIPTS", tmp_path / "scripts")
    for name, script in FAKES.items():
        (tmp_path / "bin" / name).write_text(f"#!/usr/bin/env bash\n{script}")
        (tmp_path / "bin" / name).chmod(0o755)
    (tmp_path / "rules").write_text(RULES)
    return Host(folder=tmp_path)


def test_nothing_of_the_cluster_is_left_and_the_rest_stays(host: Host):
    for _ in range(2):
        done = host.runs()
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("wiped: ")
        assert [file for file in GOING if (host.folder / file).exists()] == []
        assert [file for file in (*STAYING, *FOLDERS[:5]) if not (host.folder / file).exists()] == []
    assert not any((host.folder / "etc/kubernetes").iterdir())
    assert "kubeadm reset --force --skip-phases=remove-etcd-member" in host.did()
    assert {"ip link delete cni0", "ip link delete flannel.1"} <= set(host.did())


def test_what_runs_is_stopped_before_anything_is_removed(host: Host):
    (host.folder / "units/etcd").write_text("activating")
    (host.folder / "units/kubelet").write_text("failed")
    assert host.runs().returncode == 0
    did = host.did()
    assert did.index("stop kubelet") < did.index("stop etcd") < did.index("daemon-reload")


def test_what_does_not_run_is_not_stopped(host: Host):
    assert host.runs().returncode == 0
    assert [line for line in host.did() if line.startswith("stop")] == []


def test_volumes_are_unmounted_from_within(host: Host):
    assert host.runs().returncode == 0
    pod = f"{host.folder}/var/lib/kubelet/pods/1"
    assert [line for line in host.did() if line.startswith("umount")] == [f"umount {pod}/volumes", f"umount {pod}"]


def test_only_the_clusters_packet_rules_go(host: Host):
    assert host.runs().returncode == 0
    left = "*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p tcp -j REDIRECT\nCOMMIT\n"
    assert (host.folder / "rules").read_text() == left


def test_an_etcd_machine_has_no_kubeadm(host: Host):
    for name in ("kubeadm", "crictl"):
        (host.folder / "bin" / name).unlink()
    assert host.runs().returncode == 0
    assert not any((host.folder / "var/lib/etcd").iterdir())


@pytest.mark.parametrize(
    ("file", "words"), [("kubeadm-fails", "kubeadm reset: cannot unmount"), ("pods", "containerd still runs pods")]
)
def test_data_stays_where_its_user_cannot_be_stopped(host: Host, file: str, words: str):
    (host.folder / file).write_text("cannot unmount")
    done = host.runs()
    assert done.returncode == 1
    assert f"FAILED: wipe on master-0: {words}" in done.stderr
    assert (host.folder / "var/lib/etcd/member/snap/db").exists()


def test_a_step_that_is_still_at_work_is_waited_for(host: Host):
    script = host.folder / "scripts/host/wipe-node.sh"
    script.write_text(script.read_text().replace("--wait 60", "--wait 0.2"))
    with (host.folder / "run/lock/kubeadm-join-master-0_on_master-0").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = host.runs()
    assert done.returncode == 1
    assert "a step of an interrupted run is still at work on this host" in done.stderr
    assert (host.folder / "var/lib/etcd/member/snap/db").exists()
