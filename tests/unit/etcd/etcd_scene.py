"""A host of an etcd member on which the step's script is run by a real bash, where etcd and who runs it are played."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from components.etcd.static_pod import StaticPodManager
from components.etcd.systemd import SystemdManager
from components.host import script as node_script
from components.host.script import SCRIPTS, render

ADDRESSES = ["10.0.0.10", "10.0.0.11", "10.0.0.12"]
FAKES = {
    # An address is healthy when a file of its name is there; one of heals/ gets there when it has been asked twice.
    "curl": """
url=${@: -1}
address=$(sed -E 's,https://([^:/]+).*,\\1,' <<<"$url")
echo "$url" >>"$FAKE/asked"
case "$url" in
  */members)
    if [[ -e $FAKE/believes && $address == 10.0.0.10 ]]; then cat "$FAKE/believes"; exit; fi
    [[ -s $FAKE/members || $address == 10.0.0.10 ]] || exit 7
    [[ ! -s $FAKE/members ]] || cat "$FAKE/members" ;;
  */v3/lease/grant) echo '{"header":{"revision":"1"}, "ID":"147", "TTL":"180"}' ;;
  */v3/lock/lock) [[ ! -e $FAKE/locked ]] && touch "$FAKE/holds" && echo '{"key":"a2V5"}' ;;
  */v3/lease/revoke) rm -f "$FAKE/holds" ;;
  */members/promote/*) touch "$FAKE/promoted" ;;
  */v3/lease/keepalive) echo '{"result":{}}' ;;
  */downgrade/enabled)
    if [[ -e $FAKE/healthy/$address ]]; then
      echo false
    else
      if [[ -s $FAKE/heals/$address ]]; then
        mv "$FAKE/heals/$address" "$FAKE/healthy/"
      elif [[ -e $FAKE/heals/$address ]]; then
        echo asked >"$FAKE/heals/$address"
      fi
      exit 22
    fi ;;
  *) exit 7 ;;
esac
""",
    # Every certificate is as it should be.
    "openssl": """
case "$*" in
  *-pubkey* | pkey*) echo key ;;
  *-checkip*) echo "IP 10.0.0.10 does match certificate" ;;
esac
""",
    "ss": """[[ $* != *"src = "* ]] || echo "LISTEN 10.0.0.10:2380" """,
    "journalctl": "true",
    "id": "true",
    "install": """mkdir -p "${@: -1}" """,
    "stat": """[[ $* == *%U* ]] && echo nobody || exec /usr/bin/stat "$@" """,
}
SYSTEMD = {
    # The unit is active when a file says so; a restart makes it so.
    "systemctl": """
case "$*" in
  *is-active*) [[ -e $FAKE/active ]] ;;
  *is-failed*) false ;;
  "show --property NRestarts"*) echo 0 ;;
  "show --property ActiveState"*) [[ -e $FAKE/active ]] && echo active || echo inactive ;;
  restart*)
    touch "$FAKE/active" "$FAKE/healthy/10.0.0.10"
    [[ $* != *--no-block* ]] || touch "$FAKE/not-waited-for"
    [[ -e $FAKE/holds ]] && echo "in its turn" >>"$FAKE/restarts" || echo "at once" >>"$FAKE/restarts" ;;
esac
""",
    "systemd-analyze": "true",
}
STATIC_PODS = {
    "systemctl": """
case "$*" in
  *is-active*) true ;;
  "show --property NRestarts"*) echo 0 ;;
esac
""",
    # The containers of etcd there are, "ID STATE" a line; one that is stopped is started again by the kubelet.
    "crictl": """
case "$*" in
  ps*) state=$(sed -n 's/.*--state \\([A-Za-z]*\\).*/\\1/p' <<<"$*")
    [[ ! -e $FAKE/active ]] || awk -v state="$state" 'state == "" || $2 == state {print $1}' "$FAKE/active" ;;
  stop*) kubelet ;;
esac
""",
    "kubeadm": """
mkdir -p "$FAKE/etc/kubernetes/manifests"
new=$(cat "${@: -1}")
if [[ $new != "$(cat "$FAKE/etc/kubernetes/manifests/etcd.yaml" 2>/dev/null)" ]]; then
  echo "$new" >"$FAKE/etc/kubernetes/manifests/etcd.yaml"
  kubelet
fi
""",
    "kubelet": """
sed -i 's/ Running/ Exited/' "$FAKE/active" 2>/dev/null
touch "$FAKE/healthy/10.0.0.10" "$FAKE/not-waited-for"
echo "$RANDOM$RANDOM $([[ -e $FAKE/crashes ]] && echo Exited || echo Running)" >>"$FAKE/active"
[[ -e $FAKE/holds ]] && echo "in its turn" >>"$FAKE/restarts" || echo "at once" >>"$FAKE/restarts"
""",
}
PLACES = ("/var/lib/", "/etc/etcd", "/etc/systemd", "/etc/kubernetes", "/usr/local/", "/run/lock", "/var/log/pods")


@dataclass(frozen=True, kw_only=True)
class Host:
    """The first member's host, with its folder for the fakes and the paths that the script knows as absolute ones."""

    folder: Path
    manager: type[SystemdManager] | type[StaticPodManager]

    @property
    def restarts(self) -> list[str]:
        """How etcd was started or restarted, each time: in its turn among the members, or at once."""
        file = self.folder / "restarts"
        return file.read_text().splitlines() if file.exists() else []

    def has_members(self, healthy: list[str], voters: list[str], learners: list[str]) -> None:
        members = [
            {
                "id": ordinal,
                "peerURLs": [f"https://{address}:2380"],
                **({"isLearner": True} if address in learners else {}),
                "name": f"master-{ordinal}",
                "clientURLs": [f"https://{address}:2379"],
            }
            for ordinal, address in enumerate([*voters, *learners])
        ]
        (self.folder / "members").write_text(json.dumps(members, separators=(",", ":")))
        for file in (self.folder / "healthy").iterdir():
            file.unlink()
        for address in healthy:
            (self.folder / "healthy" / address).touch()

    def sets_heartbeat(self, milliseconds: int) -> None:
        (self.folder / "heartbeat").write_text(f"{milliseconds}\n")

    def is_stopped(self) -> None:
        (self.folder / "active").unlink()

    def runs(self, others: list[str]) -> subprocess.CompletedProcess[str]:
        """The step, with 6 s of patience for the other members instead of 80 and 300."""
        text = render(
            "etcd on master-0",
            self.manager.script,
            settings={
                "NAME": "master-0",
                "ADDRESS": ADDRESSES[0],
                "ETCD_VERSION": "3.7.3",
                "MIRROR": "",
                "INITIAL_CLUSTER": "master-0=https://10.0.0.10:2380",
                "OTHER_PEERS": ",".join(f"https://{address}:2380" for address in others),
                "CLUSTER": "0123",
                "ETCD_PKI": str(self.folder / "etc/etcd/pki"),
                "ETCD_OWNER": f"{os.getuid()}:{os.getgid()}",
                "STAGE": str(self.folder / "run/kubeadm-aws/etcd-member"),
            },
            libraries=self.manager.libraries,
        )
        self._stage()
        for real, played in {"wait_for 80 ": "wait_for 6 ", "wait_for 300 ": "wait_for 6 "}.items():
            assert real in text
            text = text.replace(real, played)
        path = f"{self.folder / 'bin'}:/usr/bin:/bin"
        return subprocess.run(
            ["bash", "-s"],
            input=text,
            env={"PATH": path, "FAKE": str(self.folder)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def _stage(self) -> None:
        """What the step would install before its script."""
        stage = self.folder / "run/kubeadm-aws/etcd-member/pki"
        stage.mkdir(parents=True)
        (stage / "ca.crt").write_text("some")
        for name in ("server", "peer", "healthcheck-client"):
            for kind in ("crt", "key"):
                (stage / f"{name}.{kind}").write_text("some")
        heartbeat = (self.folder / "heartbeat").read_text()
        (self.folder / "etc/etcd/etcd.env").write_text(heartbeat)
        (stage.parent / "kubeadmcfg.yaml").write_text(f"- name: initial-cluster-state\n  value: new\n# {heartbeat}")


def make_host(
    folder: Path, manager: type[SystemdManager] | type[StaticPodManager], monkeypatch: pytest.MonkeyPatch
) -> Host:
    """A host with etcd's binaries and files in place on which nothing ever ran, and nobody answers."""
    scripts = folder / "scripts"
    for name in ("scripts", "bin", "healthy", "heals", "run/lock", "usr/local/bin", "usr/local/lib/etcd-3.7.3"):
        (folder / name).mkdir(parents=True)
    for name in ("lib/common.sh", *manager.libraries, manager.script):
        text = (SCRIPTS / name).read_text().replace("root:root", f"{os.getuid()}:{os.getgid()}")
        for place in PLACES:
            text = text.replace(place, f"{folder}{place}")
        (scripts / name).parent.mkdir(exist_ok=True)
        (scripts / name).write_text(text)
    monkeypatch.setattr(node_script, "SCRIPTS", scripts)
    for name, script in {**FAKES, **(SYSTEMD if manager is SystemdManager else STATIC_PODS)}.items():
        (folder / "bin" / name).write_text(f"#!/usr/bin/env bash\n{script}")
        (folder / "bin" / name).chmod(0o755)
    for name in (
        "etc/systemd/system/etcd.service",
        "etc/systemd/system/kubelet.service.d/20-etcd-service-manager.conf",
        "var/lib/kubelet/config.yaml",
        "etc/etcd/pki/ca.crt",
        "members",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    made = Host(folder=folder, manager=manager)
    made.sets_heartbeat(100)
    return made
