"""A host of an etcd member on which the step's script is run by a real bash, where etcd and who runs it are played."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from components.etcd.manager import LIBRARIES
from components.etcd.static_pod import StaticPodManager
from components.etcd.systemd import SystemdManager
from components.host import script as node_script
from components.host.script import SCRIPTS, render

ADDRESSES = ["10.0.0.10", "10.0.0.11", "10.0.0.12"]
# etcd is `members`, as etcdctl prints them; a member takes part in a quorum when a file of its address is in healthy/.
# One of heals/ gets there when it has been asked twice. What is done to members and to this host's etcd becomes a line
# of `events`.
ETCDCTL = r"""
words=()
for word in "$@"; do
  case $word in
    --endpoints=*) endpoints=${word#*=} ;;
    --peer-urls=*) url=${word#*=} ;;
    -*) ;;
    *) words+=("$word") ;;
  esac
done
echo "${words[*]} at $endpoints" >>"$FAKE/asked"
refuse() {
  echo '{"level":"warn","msg":"retrying of unary invoker failed","error":"rpc error, started, a, b"}' >&2
  echo "Error: $*" >&2
  exit 1
}
lists() { awk -F ', ' -v url="https://$1:2380" '$4 == url {print $6}' "$FAKE/members"; }
heal() {
  if [[ -s $FAKE/heals/$1 ]]; then
    mv "$FAKE/heals/$1" "$FAKE/healthy/"
  elif [[ -e $FAKE/heals/$1 ]]; then
    echo asked >"$FAKE/heals/$1"
  fi
}
# The first of the members asked that takes part in a quorum.
find_member() {
  local url reason="context deadline exceeded"
  for url in ${endpoints//,/ }; do
    address=${url#https://}
    address=${address%:2379}
    if [[ $(lists "$address") == true ]]; then
      reason="etcdserver: rpc not supported for learner"
    elif [[ -e $FAKE/healthy/$address ]]; then
      return
    fi
    heal "$address"
  done
  refuse "$reason"
}
answer() {
  if [[ -e $FAKE/loses-answers ]]; then
    rm "$FAKE/loses-answers"
    refuse "context deadline exceeded"
  fi
  echo "$*"
}
id=${words[2]:-}
[[ ${words[0]} != lock ]] || id=${words[1]}
turn=$(cat "$FAKE/holds" 2>/dev/null || echo none)
case "${words[*]}" in
  "member list") find_member && cat "$FAKE/members" ;;
  "get "*) find_member ;;
  "member add "*)
    find_member
    ! grep --quiet ", $url," "$FAKE/members" || refuse "etcdserver: Peer URLs already exists"
    echo "ad0, unstarted, , $url, , true" >>"$FAKE/members"
    [[ $* == *--learner* ]] && echo "added $id at $url, turn: $turn" >>"$FAKE/events"
    answer "Member ad0 added as learner to cluster c0" ;;
  "member remove "*)
    find_member
    grep --quiet "^$id, " "$FAKE/members" || refuse "etcdserver: member not found"
    sed -i "/^$id, /d" "$FAKE/members"
    echo "removed $id, turn: $turn" >>"$FAKE/events"
    answer "Member $id removed from cluster c0" ;;
  "member promote "*)
    find_member
    grep --quiet "^$id, started, .*true$" "$FAKE/members" || refuse "etcdserver: can only promote a learner member"
    if [[ -e $FAKE/lags ]] && read -r left <"$FAKE/lags" && ((left)); then
      echo $((left - 1)) >"$FAKE/lags"
      refuse "etcdserver: can only promote a learner member which is in sync with leader"
    fi
    sed -i "/^$id, /s/true$/false/" "$FAKE/members"
    echo "promoted $id, turn: $turn" >>"$FAKE/events" ;;
  "lock kubeadm-aws/etcd-restart "* | "lock kubeadm-aws/etcd-admission "*)
    [[ ! -e $FAKE/lockless ]] || refuse "etcdserver: no leader"
    find_member
    trap 'rm -f "$FAKE/holds"; exit' TERM
    if [[ ! -e $FAKE/locked ]]; then
      basename "$id" >"$FAKE/holds"
      [[ ! -e $FAKE/members-when-locked ]] || mv "$FAKE/members-when-locked" "$FAKE/members"
      printf '%s/1f86\n\n' "$id"
      if [[ -e $FAKE/loses-turn ]]; then rm "$FAKE/holds"; refuse "session expired"; fi
    fi
    if [[ -e $FAKE/hangs ]]; then trap '' TERM; echo $$ >"$FAKE/hanging"; fi
    for _ in {1..600}; do sleep 0.1; done ;;
  *) refuse "unknown command" ;;
esac
"""
FAKES = {
    "etcdctl": ETCDCTL,
    # This host's etcd begins to run: it makes its data, and the others hear of it.
    "begin-etcd": r"""
touch "$FAKE/healthy/10.0.0.10"
mkdir -p "$FAKE/var/lib/etcd/member/wal"
own="started, master-0, https://10.0.0.10:2380, https://10.0.0.10:2379"
sed -i -E "/10.0.0.10:2380/s|^([^,]+), .*, |\1, $own, |" "$FAKE/members"
turn=$(cat "$FAKE/holds" 2>/dev/null)
[[ $turn == etcd-restart ]] && echo "started in its turn" >>"$FAKE/events" || echo "started at once" >>"$FAKE/events"
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
  stop*) rm "$FAKE/active" && echo stopped >>"$FAKE/events" ;;
  restart* | start*)
    condition=$(sed -n "s|^ConditionPathExists=|$FAKE|p" "$FAKE/etc/systemd/system/etcd.service")
    [[ -z $condition || -e $condition ]] || exit 0
    touch "$FAKE/active"
    [[ $* != *--no-block* ]] || touch "$FAKE/not-waited-for"
    begin-etcd ;;
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
    # The containers of etcd there are, "ID STATE" a line; one that is stopped is started again by the kubelet, which
    # looks at the manifest all the time.
    "crictl": """
if [[ ! -e $FAKE/etc/kubernetes/manifests/etcd.yaml ]] && grep --quiet Running "$FAKE/active" 2>/dev/null; then
  sed -i 's/ Running/ Exited/' "$FAKE/active" && echo stopped >>"$FAKE/events"
fi
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
touch "$FAKE/not-waited-for"
echo "$RANDOM$RANDOM $([[ -e $FAKE/crashes ]] && echo Exited || echo Running)" >>"$FAKE/active"
begin-etcd
""",
}
PLACES = ("/var/lib/", "/etc/etcd", "/etc/systemd", "/etc/kubernetes", "/usr/local/", "/run/lock", "/var/log/pods")
ARGUMENTS = "- name: initial-cluster\n  value: any\n- name: initial-cluster-state\n  value: new\n"


@dataclass(frozen=True, kw_only=True)
class Host:
    """The first member's host, with its folder for the fakes and the paths that the script knows as absolute ones."""

    folder: Path
    manager: type[SystemdManager] | type[StaticPodManager]

    @property
    def events(self) -> list[str]:
        """What became of this host's etcd and of the members, in order."""
        file = self.folder / "events"
        return file.read_text().splitlines() if file.exists() else []

    @property
    def starts(self) -> list[str]:
        """How etcd was started or restarted, each time: in its turn among the members, or at once."""
        return [event.removeprefix("started ") for event in self.events if event.startswith("started ")]

    @property
    def birth(self) -> dict[str, str]:
        lines = (self.folder / "etc/etcd/birth.env").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)

    def has(self, file: str) -> bool:
        return (self.folder / file).exists()

    def has_members(self, healthy: list[str], voters: list[str], learners: list[str]) -> None:
        """All of them started; IDs are 0, 1, ..."""
        known = enumerate([*voters, *learners])
        self.lists_members(*(started(f"{n}", address, learner=address in learners) for n, address in known))
        for file in (self.folder / "healthy").iterdir():
            file.unlink()
        for address in healthy:
            (self.folder / "healthy" / address).touch()

    def lists_members(self, *lines: str, file: str = "members") -> None:
        (self.folder / file).write_text("".join(f"{line}\n" for line in lines))

    def sets_heartbeat(self, milliseconds: int) -> None:
        (self.folder / "heartbeat").write_text(f"{milliseconds}\n")

    def is_stopped(self) -> None:
        (self.folder / "active").unlink()

    def loses_its_data(self) -> None:
        shutil.rmtree(self.folder / "var/lib/etcd/member")

    def forgets_events(self) -> None:
        (self.folder / "events").unlink(missing_ok=True)

    def runs(self, others: list[str], *, may_found: bool = True) -> subprocess.CompletedProcess[str]:
        """The step, with a few seconds of patience for the other members instead of minutes."""
        text = render(
            "etcd on master-0",
            self.manager.script,
            settings={
                "NAME": "master-0",
                "ADDRESS": ADDRESSES[0],
                "ETCD_VERSION": "3.7.3",
                "MIRROR": "",
                "INITIAL_CLUSTER": "master-0=https://10.0.0.10:2380",
                "OTHER_ENDPOINTS": ",".join(f"https://{address}:2379" for address in others),
                "MAY_FOUND": "true" if may_found else "false",
                "CLUSTER": "0123",
                "ETCD_PKI": str(self.folder / "etc/etcd/pki"),
                "ETCD_OWNER": f"{os.getuid()}:{os.getgid()}",
                "STAGE": str(self.folder / "run/kubeadm-aws/etcd-member"),
            },
            libraries=LIBRARIES,
        )
        self._stage()
        for real in ("wait_for 80 ", "wait_for 120 ", "wait_for 300 ", "read -r -t 300 "):
            assert real in text
            text = text.replace(real, re.sub(r"\d+", "6", real))
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
        stage.mkdir(parents=True, exist_ok=True)
        (stage / "ca.crt").write_text("some")
        for name in ("server", "peer", "healthcheck-client"):
            for kind in ("crt", "key"):
                (stage / f"{name}.{kind}").write_text("some")
        heartbeat = (self.folder / "heartbeat").read_text()
        (self.folder / "etc/etcd/etcd.env").write_text(heartbeat)
        (stage.parent / "kubeadmcfg.yaml").write_text(f"{ARGUMENTS}# {heartbeat}")


def started(identity: str, address: str, *, learner: bool = False) -> str:
    """How etcdctl prints the member of a host: the last part of its address is the host's number, from 10."""
    name, urls = f"master-{int(address.rpartition('.')[2]) - 10}", f"https://{address}:2380, https://{address}:2379"
    return f"{identity}, started, {name}, {urls}, {str(learner).lower()}"


def make_host(
    folder: Path, manager: type[SystemdManager] | type[StaticPodManager], monkeypatch: pytest.MonkeyPatch
) -> Host:
    """A host with etcd's binaries and files in place on which nothing ever ran, and nobody answers."""
    scripts = folder / "scripts"
    for name in ("scripts", "bin", "healthy", "heals", "run/lock", "usr/local/bin", "usr/local/lib/etcd-3.7.3"):
        (folder / name).mkdir(parents=True)
    for name in ("lib/common.sh", *LIBRARIES, manager.script):
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
    (folder / "etc/systemd/system/etcd.service").write_text((SCRIPTS / "etcd/etcd.service").read_text())
    made = Host(folder=folder, manager=manager)
    made.sets_heartbeat(100)
    return made
