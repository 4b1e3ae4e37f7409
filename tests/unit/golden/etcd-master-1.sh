{
STEP='etcd-master-1 on master-1'
NAME=master-1
ADDRESS=10.0.1.10
ETCD_VERSION=3.7.1
MIRROR=http://mirror.test
INITIAL_CLUSTER=master-0=https://10.0.0.10:2380,master-1=https://10.0.1.10:2380,master-2=https://10.0.2.10:2380
OTHER_ENDPOINTS=https://10.0.0.10:2379,https://10.0.2.10:2379
#!/usr/bin/env bash
# What every step on a node shares; the renderer puts it before the step's own script. Needs root.
# STEP: what runs and where, for people.
set -euo pipefail
umask 022
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8

# Ends the step with a reason.
fail() {
  trap - ERR TERM
  echo "FAILED: $STEP: $*" >&2
  exit 1
}

# From here on a command that fails is named, and so is the time limit. (Not before: the files' content is no message.)
tell_failures() {
  set -E
  trap 'echo "FAILED: $STEP: status $? from: $BASH_COMMAND" >&2' ERR
  trap 'fail "stopped by its time limit, or from outside, during: $BASH_COMMAND"' TERM
}

# One run of a step at a time: an interrupted engine may have left one behind, still working.
# Children hold it too, so a step leaves daemons to systemd.
lock() {
  local file=/run/lock/${STEP//[^a-zA-Z0-9-]/_}
  exec {LOCK}>"$file"
  if ! flock --wait 300 "$LOCK"; then
    fail "another run of it has been at work on this host for more than 300 s: fuser -v $file"
  fi
}

# Installs stdin as a file: PATH MODE OWNER [DECODER...]. Nobody ever sees half of it, or its content under a wider mode.
# A file that is as wanted is not touched.
install_file() {
  local path=$1 mode=$2 owner=$3
  shift 3
  mkdir -p "$(dirname "$path")"
  rm -f "$path.new"
  (umask 077 && "${@:-cat}" >"$path.new")
  chown "$owner" "$path.new"
  chmod "$mode" "$path.new"
  if [[ -f $path && ! -L $path && $(stat --format '%a %U:%G' "$path") == $(stat --format '%a %U:%G' "$path.new") ]] &&
    cmp --silent "$path" "$path.new"; then
    rm -f "$path.new"
  else
    mv --force --no-target-directory "$path.new" "$path"
  fi
}

# The last lines that a unit logged.
show_journal() {
  echo "--- last lines of $1 (more: journalctl -u $1)"
  journalctl --unit "$1" --lines "${2:-15}" --no-pager --output cat 2>/dev/null | cut -c1-300 || true
}

# Why HOST's PORT does not answer, in words. RULE names the firewall row that should let it through.
explain_port() {
  local host=$1 port=$2 rule=$3 message
  # shellcheck disable=SC2016
  if message=$(timeout 5 bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$host" "$port" 2>&1); then
    echo "$host:$port takes connections"
  elif [[ $message == *refused* ]]; then
    echo "$host:$port refused: the host is there and reachable, but nothing listens on that port"
  elif [[ $message == *"not known"* || $message == *"resolution"* || $message == *"No address"* ]]; then
    echo "$host: no such name for this host's resolver"
  else
    echo "$host:$port timed out: the host is down, or no firewall row lets this host in (look at: $rule)"
  fi
}

# In a command of wait_for: it can never succeed any more, and this is why.
give_up() {
  echo "$*" >&2
  exit 86
}

# wait_for SECONDS WHAT COMMAND...: until the command succeeds. When it does not, fails with WHAT, the last attempt's
# words and, if the variable EXPLAIN is set, what that command prints (say, EXPLAIN="show_journal etcd" wait_for ...).
# PAUSE: seconds between attempts, if half a second is too short.
wait_for() {
  local limit=$1 what=$2 end=$((SECONDS + $1)) said status
  shift 2
  while true; do
    status=0
    said=$("$@" 2>&1) || status=$?
    if ((status == 0)); then
      return 0
    elif ((status == 86 || SECONDS >= end)); then
      {
        [[ -z $said ]] || printf -- '--- last answer\n%s\n' "$(tail -n 10 <<<"$said" | cut -c1-300)"
        eval "${EXPLAIN:-}"
      } >&2
      ((status == 86)) && fail "gave up waiting for $what"
      fail "waited $limit s in vain for $what"
    fi
    sleep "${PAUSE:-0.5}"
  done
}
lock
#!/usr/bin/env bash
# What etcd's steps share: the user that owns the files, and etcdctl with this host's health check certificate.
# Needs common.sh; comes before the files are installed.

if ! id etcd >/dev/null 2>&1; then
  useradd --system --user-group --home-dir /var/lib/etcd --no-create-home --shell /usr/sbin/nologin etcd
fi

export ETCDCTL_CACERT=/etc/etcd/pki/ca.crt
export ETCDCTL_CERT=/etc/etcd/pki/healthcheck-client.crt
export ETCDCTL_KEY=/etc/etcd/pki/healthcheck-client.key

# What etcd complains of; its log is one JSON object a line.
show_etcd_log() {
  echo "--- last complaints of etcd on this host (more: journalctl -u etcd)"
  journalctl --unit etcd --lines 200 --no-pager --output cat 2>/dev/null |
    sed -n -E 's/^\{"level":"(warn|error|fatal)".*"msg":"([^"]*)"(.*"error":"([^"]*)")?.*/\1: \2: \4/p' |
    tail -n 10 | cut -c1-300 || true
}
install_file /etc/etcd/pki/ca.crt 0644 root:root base64 --decode <<'END_OF_FILE'
Y2VydGlmaWNhdGUgcGtpLWNh
END_OF_FILE
install_file /etc/etcd/pki/server.crt 0644 etcd:etcd base64 --decode <<'END_OF_FILE'
Y2VydGlmaWNhdGUgcGtpLW1hc3Rlci0xLXNlcnZlcg==
END_OF_FILE
install_file /etc/etcd/pki/server.key 0600 etcd:etcd base64 --decode <<'END_OF_FILE'
S0VZIE9GIHBraS1tYXN0ZXItMS1zZXJ2ZXIta2V5
END_OF_FILE
install_file /etc/etcd/pki/peer.crt 0644 etcd:etcd base64 --decode <<'END_OF_FILE'
Y2VydGlmaWNhdGUgcGtpLW1hc3Rlci0xLXBlZXI=
END_OF_FILE
install_file /etc/etcd/pki/peer.key 0600 etcd:etcd base64 --decode <<'END_OF_FILE'
S0VZIE9GIHBraS1tYXN0ZXItMS1wZWVyLWtleQ==
END_OF_FILE
install_file /etc/etcd/pki/healthcheck-client.crt 0644 root:root base64 --decode <<'END_OF_FILE'
Y2VydGlmaWNhdGUgcGtpLWhlYWx0aGNoZWNrLWNsaWVudA==
END_OF_FILE
install_file /etc/etcd/pki/healthcheck-client.key 0600 root:root base64 --decode <<'END_OF_FILE'
S0VZIE9GIHBraS1oZWFsdGhjaGVjay1jbGllbnQta2V5
END_OF_FILE
install_file /etc/etcd/etcd.env 0644 root:root base64 --decode <<'END_OF_FILE'
TkFNRT1tYXN0ZXItMQpBRERSRVNTPTEwLjAuMS4xMApDTFVTVEVSX1RPS0VOPWRlbW8KSEVBUlRC
RUFUX01JTExJU0VDT05EUz0xMDAKRUxFQ1RJT05fTUlMTElTRUNPTkRTPTEwMDAK
END_OF_FILE
install_file /etc/systemd/system/etcd.service 0644 root:root base64 --decode <<'END_OF_FILE'
IyBPbmUgbWVtYmVyIG9mIHRoZSBjbHVzdGVyJ3MgZXRjZC4gVGhlIGZsYWdzIGFyZSB0aG9zZSBr
dWJlYWRtIGdpdmVzIGl0cyBvd24gZXRjZDsgd2hhdCBkaWZmZXJzIGJldHdlZW4gbWVtYmVycyBp
cyBpbgojIGV0Y2QuZW52LiBiaXJ0aC5lbnYgY291bnRzIG9ubHkgd2hpbGUgdGhlIGRhdGEgZGly
ZWN0b3J5IGlzIGVtcHR5LCBzbyBpdCBtYXkgZ28gc3RhbGUuCltVbml0XQpEZXNjcmlwdGlvbj1l
dGNkLCBhIG1lbWJlciBvZiB0aGUgY2x1c3RlcidzIGRhdGFiYXNlCkRvY3VtZW50YXRpb249aHR0
cHM6Ly9ldGNkLmlvL2RvY3MvCldhbnRzPW5ldHdvcmstb25saW5lLnRhcmdldApBZnRlcj1uZXR3
b3JrLW9ubGluZS50YXJnZXQgbG9jYWwtZnMudGFyZ2V0IHRpbWUtc3luYy50YXJnZXQKU3RhcnRM
aW1pdEludGVydmFsU2VjPTAKCltTZXJ2aWNlXQojIFJlYWR5IG1lYW5zIHRoYXQgdGhlcmUgaXMg
YSBxdW9ydW0sIHNvIHRoZXJlIGlzIG5vIGxpbWl0IHRvIGhvdyBsb25nIGEgZmlyc3Qgc3RhcnQg
dGFrZXMuClR5cGU9bm90aWZ5ClRpbWVvdXRTdGFydFNlYz1pbmZpbml0eQpFbnZpcm9ubWVudEZp
bGU9L2V0Yy9ldGNkL2V0Y2QuZW52CkVudmlyb25tZW50RmlsZT0vZXRjL2V0Y2QvYmlydGguZW52
CkV4ZWNTdGFydD0vdXNyL2xvY2FsL2Jpbi9ldGNkIFwKICAtLW5hbWU9JHtOQU1FfSBcCiAgLS1k
YXRhLWRpcj0vdmFyL2xpYi9ldGNkIFwKICAtLWxpc3Rlbi1jbGllbnQtdXJscz1odHRwczovLzEy
Ny4wLjAuMToyMzc5LGh0dHBzOi8vJHtBRERSRVNTfToyMzc5IFwKICAtLWFkdmVydGlzZS1jbGll
bnQtdXJscz1odHRwczovLyR7QUREUkVTU306MjM3OSBcCiAgLS1saXN0ZW4tcGVlci11cmxzPWh0
dHBzOi8vJHtBRERSRVNTfToyMzgwIFwKICAtLWluaXRpYWwtYWR2ZXJ0aXNlLXBlZXItdXJscz1o
dHRwczovLyR7QUREUkVTU306MjM4MCBcCiAgLS1pbml0aWFsLWNsdXN0ZXI9JHtJTklUSUFMX0NM
VVNURVJ9IFwKICAtLWluaXRpYWwtY2x1c3Rlci1zdGF0ZT0ke0lOSVRJQUxfQ0xVU1RFUl9TVEFU
RX0gXAogIC0taW5pdGlhbC1jbHVzdGVyLXRva2VuPSR7Q0xVU1RFUl9UT0tFTn0gXAogIC0tY2Vy
dC1maWxlPS9ldGMvZXRjZC9wa2kvc2VydmVyLmNydCBcCiAgLS1rZXktZmlsZT0vZXRjL2V0Y2Qv
cGtpL3NlcnZlci5rZXkgXAogIC0tdHJ1c3RlZC1jYS1maWxlPS9ldGMvZXRjZC9wa2kvY2EuY3J0
IFwKICAtLWNsaWVudC1jZXJ0LWF1dGg9dHJ1ZSBcCiAgLS1wZWVyLWNlcnQtZmlsZT0vZXRjL2V0
Y2QvcGtpL3BlZXIuY3J0IFwKICAtLXBlZXIta2V5LWZpbGU9L2V0Yy9ldGNkL3BraS9wZWVyLmtl
eSBcCiAgLS1wZWVyLXRydXN0ZWQtY2EtZmlsZT0vZXRjL2V0Y2QvcGtpL2NhLmNydCBcCiAgLS1w
ZWVyLWNsaWVudC1jZXJ0LWF1dGg9dHJ1ZSBcCiAgLS1saXN0ZW4tbWV0cmljcy11cmxzPWh0dHA6
Ly8xMjcuMC4wLjE6MjM4MSBcCiAgLS1oZWFydGJlYXQtaW50ZXJ2YWw9JHtIRUFSVEJFQVRfTUlM
TElTRUNPTkRTfSBcCiAgLS1lbGVjdGlvbi10aW1lb3V0PSR7RUxFQ1RJT05fTUlMTElTRUNPTkRT
fSBcCiAgLS1zbmFwc2hvdC1jb3VudD0xMDAwMCBcCiAgLS13YXRjaC1wcm9ncmVzcy1ub3RpZnkt
aW50ZXJ2YWw9NXMgXAogIC0tZmVhdHVyZS1nYXRlcz1Jbml0aWFsQ29ycnVwdENoZWNrPXRydWUK
UmVzdGFydD1hbHdheXMKUmVzdGFydFNlYz0zCgpVc2VyPWV0Y2QKR3JvdXA9ZXRjZApVTWFzaz0w
MDc3CkxpbWl0Tk9GSUxFPTY1NTM2Ck9PTVNjb3JlQWRqdXN0PS05OTkKTmljZT0tMTAKSU9TY2hl
ZHVsaW5nQ2xhc3M9YmVzdC1lZmZvcnQKSU9TY2hlZHVsaW5nUHJpb3JpdHk9MAoKQ2FwYWJpbGl0
eUJvdW5kaW5nU2V0PQpMb2NrUGVyc29uYWxpdHk9dHJ1ZQpNZW1vcnlEZW55V3JpdGVFeGVjdXRl
PXRydWUKTm9OZXdQcml2aWxlZ2VzPXRydWUKUHJpdmF0ZURldmljZXM9dHJ1ZQpQcml2YXRlVG1w
PXRydWUKUHJvdGVjdENsb2NrPXRydWUKUHJvdGVjdENvbnRyb2xHcm91cHM9dHJ1ZQpQcm90ZWN0
SG9tZT10cnVlClByb3RlY3RIb3N0bmFtZT10cnVlClByb3RlY3RLZXJuZWxMb2dzPXRydWUKUHJv
dGVjdEtlcm5lbE1vZHVsZXM9dHJ1ZQpQcm90ZWN0S2VybmVsVHVuYWJsZXM9dHJ1ZQpQcm90ZWN0
UHJvYz1pbnZpc2libGUKUHJvdGVjdFN5c3RlbT1zdHJpY3QKUmVhZFdyaXRlUGF0aHM9L3Zhci9s
aWIvZXRjZApSZXN0cmljdEFkZHJlc3NGYW1pbGllcz1BRl9JTkVUIEFGX0lORVQ2IEFGX1VOSVgK
UmVzdHJpY3ROYW1lc3BhY2VzPXRydWUKUmVzdHJpY3RSZWFsdGltZT10cnVlClJlc3RyaWN0U1VJ
RFNHSUQ9dHJ1ZQpTeXN0ZW1DYWxsQXJjaGl0ZWN0dXJlcz1uYXRpdmUKU3lzdGVtQ2FsbEZpbHRl
cj1Ac3lzdGVtLXNlcnZpY2UKCltJbnN0YWxsXQpXYW50ZWRCeT1tdWx0aS11c2VyLnRhcmdldAo=
END_OF_FILE
tell_failures
#!/usr/bin/env bash
# Makes this host an etcd member under systemd, and leaves it starting: a quorum is for etcd-health.sh to wait for.
# NAME, ADDRESS: this member. ETCD_VERSION, MIRROR (may be empty). INITIAL_CLUSTER: "name=https://address:2380,..." of all.
# OTHER_ENDPOINTS: the other members' client URLs by comma (may be empty). Needs certificates, unit and etcd.env in place.
set -euo pipefail

DATA=/var/lib/etcd
APPLIED=/etc/etcd/applied
CLIENT_URL=https://$ADDRESS:2379
PEER_URL=https://$ADDRESS:2380

install_etcd() {
  local target=/usr/local/lib/etcd-$ETCD_VERSION source archive folder binary
  if [[ ! -d $target ]]; then
    source=${MIRROR:+$MIRROR/etcd}
    source=${source:-https://github.com/etcd-io/etcd/releases/download}/v$ETCD_VERSION
    archive=etcd-v$ETCD_VERSION-linux-$(dpkg --print-architecture).tar.gz
    folder=$target.new
    rm -rf "$folder"
    mkdir -p "$folder"
    fetch "$source/SHA256SUMS" "$folder/SHA256SUMS"
    fetch "$source/$archive" "$folder/$archive"
    (cd "$folder" && grep " $archive\$" SHA256SUMS | sha256sum --check --quiet -) ||
      fail "$source/$archive is not what SHA256SUMS beside it says; broken download or mirror"
    tar --extract --gzip --file "$folder/$archive" --directory "$folder" --strip-components=1 --no-same-owner
    rm -f "$folder/$archive" "$folder/SHA256SUMS"
    mv --no-target-directory "$folder" "$target"
  fi
  for binary in etcd etcdctl etcdutl; do
    ln --symbolic --force --no-dereference "$target/$binary" "/usr/local/bin/$binary.new"
    mv --force --no-target-directory "/usr/local/bin/$binary.new" "/usr/local/bin/$binary"
  done
}

fetch() {
  curl --silent --show-error --fail --location --connect-timeout 10 --retry 3 --retry-connrefused --output "$2" "$1" ||
    fail "cannot get $1"
}

# etcdctl takes its whole time limit even when all ports refuse, as they do while a cluster is born.
anybody_listens() {
  local endpoint place
  for endpoint in ${OTHER_ENDPOINTS//,/ }; do
    place=${endpoint#https://}
    if timeout 2 bash -c "exec 3<>/dev/tcp/${place%:*}/${place##*:}" 2>/dev/null; then
      return 0
    fi
  done
  return 1
}

# What the others say of the cluster: "ID, status, name, peer URLs, client URLs, is learner" a line; nothing when nobody
# answers. From one member's own knowledge, because a cluster being born has no quorum yet.
listed_members() {
  anybody_listens || return 0
  etcdctl member list --consistency=s --endpoints "$OTHER_ENDPOINTS" --dial-timeout 2s --command-timeout 4s 2>/dev/null || true
}

# How this member comes to life, once, on an empty data directory. Writes birth.env, which the unit reads.
prepare_birth() {
  local members own id client learner state=existing cluster=$INITIAL_CLUSTER
  members=$(listed_members)
  own=$(awk -F', ' -v url="$PEER_URL" '$4 == url' <<<"$members")
  IFS=, read -r id _ _ _ client learner <<<"${own//, /,}"
  if [[ -z $members || (-n $own && -z $client && $learner == false) ]]; then
    state=new
  else
    if [[ -n $own && $learner == false ]]; then
      echo "the member that had this place, $id, is gone with its data: removing it"
      wait_for 120 "etcd to let go of member $id" etcdctl member remove "$id" --endpoints "$OTHER_ENDPOINTS"
    fi
    if [[ -z $own || $learner == false ]]; then
      wait_for 120 "etcd to take $NAME as a learner" \
        etcdctl member add "$NAME" --learner --peer-urls "$PEER_URL" --endpoints "$OTHER_ENDPOINTS"
    fi
    cluster=$(awk -F', ' -v url="$PEER_URL" '$4 != url {print ($3 == "" ? "unnamed-" $1 : $3) "=" $4}' <<<"$members" | paste --serial --delimiters=,)
    cluster=${cluster:+$cluster,}$NAME=$PEER_URL
  fi
  echo "empty data directory: initial cluster state is $state"
  printf 'INITIAL_CLUSTER=%s\nINITIAL_CLUSTER_STATE=%s\n' "$cluster" "$state" | install_file /etc/etcd/birth.env 0644 root:root
}

# All that a running etcd does not read again by itself. (Certificates it does, with every connection.)
wanted_state() {
  echo "$ETCD_VERSION"
  sha256sum /etc/systemd/system/etcd.service /etc/etcd/etcd.env /etc/etcd/pki/ca.crt
}

refuse_occupied_ports() {
  local holders
  holders=$(ss --no-header --listening --tcp --numeric --processes '( sport = :2379 or sport = :2380 )')
  [[ -z $holders ]] || fail "another process holds etcd's port on this host: $holders"
}

# Well before there is a quorum a sound etcd listens to its peers; a bad one has been restarted by then.
is_listening() {
  if [[ $(systemctl show --property NRestarts --value etcd) != 0 ]] || systemctl is-failed --quiet etcd; then
    give_up "etcd does not stay up on this host"
  fi
  ss --no-header --listening --tcp --numeric "src = $ADDRESS and sport = :2380" | grep --quiet .
}

load_unit() {
  systemctl daemon-reload
  if [[ $(systemctl show --property LoadState --value etcd) != loaded ]]; then
    journalctl --boot --identifier systemd --grep 'etcd\.service' --lines 5 --no-pager --output cat >&2 || true
    fail "systemd does not take /etc/systemd/system/etcd.service: see above"
  fi
  systemctl enable --quiet etcd
  systemctl reset-failed etcd 2>/dev/null || true
}

start_etcd() {
  if [[ $(systemctl show --property ActiveState --value etcd) == inactive ]]; then
    refuse_occupied_ports
  fi
  systemctl restart --no-block etcd
  EXPLAIN="show_etcd_log" wait_for 60 "etcd to listen on $ADDRESS:2380" is_listening
}

# Does this member take part in a quorum, which a restart would take it from? An election in the meantime is waited out.
serves() {
  systemctl is-active --quiet etcd && etcdctl endpoint health --endpoints "$CLIENT_URL" --command-timeout 15s >/dev/null 2>&1
}

# The other voters' client URLs, one a line. One that never started has none: its peer URL, where nobody is healthy.
other_voters() {
  etcdctl member list --endpoints "$CLIENT_URL" | awk -F', ' -v url="$PEER_URL" '$4 != url && $6 == "false" {print $5 == "" ? $4 : $5}'
}

# Are the healthy ones among the other voters more than half of all, without this member?
quorum_survives() {
  local others count needed said healthy
  others=$(other_voters) || return
  count=$(wc --lines <<<"$others")
  needed=$(((count + 1) / 2 + 1))
  said=$(etcdctl endpoint health --endpoints "${others//$'\n'/,}" --command-timeout 5s 2>&1) || true
  healthy=$(grep --count ' is healthy: ' <<<"$said") || true
  grep ' is unhealthy: ' <<<"$said" || true
  echo "of the $count other members $healthy healthy; $needed must be, for a quorum while this one restarts"
  ((healthy >= needed))
}

restart_now() {
  wait_for 80 "enough of the other members to be healthy; until then etcd runs on here as it was: journalctl -u etcd on their hosts" \
    quorum_survives
  timeout 60 systemctl restart etcd || {
    show_etcd_log >&2
    fail "etcd does not start as wanted on this host, within 60 s"
  }
}

# The members may all be told to restart at once. They take turns by a lock in etcd itself, held through the others, and
# none goes down while the rest is no quorum: settings that no etcd starts with stop one member, not the cluster.
restart_in_turn() {
  local status=0
  export STEP CLIENT_URL PEER_URL
  export -f fail wait_for show_etcd_log other_voters quorum_survives restart_now
  timeout 300 etcdctl lock --ttl 30 --endpoints "${1//$'\n'/,}" kubeadm-aws/etcd-restart -- \
    bash -euo pipefail -c restart_now || status=$?
  ((status != 124)) || fail "it was not this host's turn to restart etcd within 300 s: another holds etcd's lock kubeadm-aws/etcd-restart"
  ((status == 0)) || fail "etcd was not restarted in its turn on this host: the reason is above"
}

# A member that serves is one the others may count on; any other has nothing to lose.
restart_etcd() {
  local others=""
  load_unit
  if serves; then
    others=$(other_voters) || fail "etcd on this host is healthy and does not list its members"
  fi
  if [[ -n $others ]]; then
    restart_in_turn "$others"
  else
    start_etcd
  fi
}

# A learner has no vote. It gets one when it has caught up with the others.
promote_learner() {
  local id
  id=$(listed_members | awk -F', ' -v url="$PEER_URL" '$4 == url && $6 == "true" {print $1}')
  if [[ -n $id ]]; then
    EXPLAIN="show_etcd_log" wait_for 300 "learner $NAME ($id) to catch up with the others" \
      etcdctl member promote "$id" --endpoints "$OTHER_ENDPOINTS"
  fi
}

install_etcd
install -d -o etcd -g etcd -m 0700 "$DATA"
if [[ ! -d $DATA/member ]]; then
  prepare_birth
fi
if ! systemctl is-active --quiet etcd || ! wanted_state | cmp --silent - "$APPLIED"; then
  restart_etcd
  wanted_state >"$APPLIED.new"
  mv "$APPLIED.new" "$APPLIED"
fi
promote_learner
echo "etcd $ETCD_VERSION: member $NAME at $ADDRESS is $(systemctl is-active etcd || true)"
exit 0
} </dev/null
