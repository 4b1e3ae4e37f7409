{
STEP='etcd-etcd-1 on etcd-1'
NAME=etcd-1
ADDRESS=10.0.1.100
CLUSTER=9d41515a0ff13d60d60d97a02c19593c4297665ab2be82c3b13b5ecbcc0c1702
INITIAL_CLUSTER=etcd-0=https://10.0.0.100:2380,etcd-1=https://10.0.1.100:2380,etcd-2=https://10.0.2.100:2380
OTHER_PEERS=https://10.0.0.100:2380,https://10.0.2.100:2380
ETCD_PKI=/etc/kubernetes/pki/etcd
ETCD_OWNER=root:root
STAGE=/run/etcd-member
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
      ((status == 86)) && fail "gave up waiting for $what: $(tail -n 1 <<<"$said")"
      fail "waited $limit s in vain for $what"
    fi
    sleep "${PAUSE:-0.5}"
  done
}
lock
#!/usr/bin/env bash
# Talking to etcd members with curl: etcd's JSON gateway on a client port, and the few paths of a peer port.
# ETCD_CA, ETCD_CERT, ETCD_KEY: the files of a certificate that members let in. Comes after common.sh.
set -euo pipefail

# CURL'S ARGUMENTS...: the answer; what the member says against it too. (A peer port speaks no HTTP/2, and closes on it.)
etcd_curl() {
  curl --silent --show-error --fail-with-body --http1.1 --connect-timeout 3 --max-time 15 \
    --cacert "$ETCD_CA" --cert "$ETCD_CERT" --key "$ETCD_KEY" "$@"
}

# URL PATH JSON: asks the member with this client URL, say, etcd_api https://10.0.0.10:2379 /v3/cluster/member/list '{}'.
etcd_api() {
  etcd_curl --data "$3" "$1$2"
}

# NAME: etcd's key, as the gateway wants it, for the machine that this member is on.
machine_key() {
  printf 'kubeadm-aws/etcd-members/%s' "$1" | base64 --wrap=0
}

# URL NAME MACHINE: notes in etcd which machine the member is on.
note_machine() {
  etcd_api "$1" /v3/kv/put "{\"key\": \"$(machine_key "$2")\", \"value\": \"$(printf %s "$3" | base64 --wrap=0)\"}" >/dev/null
}

# The members in a gateway's answer (IDs are texts there) or in a peer port's /members (numbers), one a line:
# ID, name, peer URL, client URL, whether it is a learner. A member that never started has "-" for name and client URL.
members_from_json() {
  sed 's/.*"members" *: *//' | { grep --only-matching '{[^{}]*"peerURLs"[^{}]*}' || true; } | awk '
    function value(key) {
      if (!match($0, "\"" key "\" *: *\\[? *\"?[^][\",}]+")) return "-"
      found = substr($0, RSTART, RLENGTH)
      sub(/^[^:]*: *\[? *"?/, "", found)
      return found
    }
    { print value("[iI][dD]"), value("name"), value("peerURLs"), value("clientURLs"), value("isLearner") == "true" ? "true" : "false" }'
}
#!/usr/bin/env bash
# How a host becomes an etcd member and stays one, whoever runs etcd on it. Needs common.sh and etcd-api.sh. What comes after
# it says how etcd is run: wanted_state, load_etcd, is_running, is_stopped, is_coming_up, has_come_up, start_etcd,
# restart_etcd, show_etcd_log.
# NAME, ADDRESS: this member. CLUSTER: what tells this cluster from all others. INITIAL_CLUSTER: "name=https://address:2380,..."
# of all members. OTHER_PEERS: the other members' peer URLs by comma (may be empty). ETCD_PKI: the folder of its certificates.
# STAGE: where new ones wait; ETCD_OWNER reads the member's keys.
# Others are asked at their peer ports: the firewall may let masters only to the client ports.
set -euo pipefail

DATA=/var/lib/etcd
NOTES=/etc/etcd
PEER_URL=https://$ADDRESS:2380
trap 'rm -rf "$STAGE"' EXIT

# URL PATH [CURL'S OPTIONS...]: what the member behind a peer port says.
ask_peer() {
  ETCD_CA=$ETCD_PKI/ca.crt ETCD_CERT=$ETCD_PKI/peer.crt ETCD_KEY=$ETCD_PKI/peer.key \
    etcd_curl --connect-timeout 2 --max-time 5 "${@:3}" "$1$2"
}

# PATH JSON [CURL'S OPTIONS...]: this host's own member, at its client port.
ask_own() {
  ETCD_CA=$ETCD_PKI/ca.crt ETCD_CERT=$ETCD_PKI/healthcheck-client.crt ETCD_KEY=$ETCD_PKI/healthcheck-client.key \
    etcd_curl --data "$2" "${@:3}" "https://$ADDRESS:2379$1"
}

# What the first of the others that answers knows of the members, as etcd-api.sh puts it; nothing when nobody answers. It is
# that one's own knowledge, because a cluster being born has no quorum yet.
listed_members() {
  local peer said
  for peer in ${OTHER_PEERS//,/ }; do
    if said=$(ask_peer "$peer" /members 2>/dev/null); then
      members_from_json <<<"$said"
      return
    fi
  done
}

# A linearizable read: it succeeds on a member that takes part in a quorum.
is_healthy() {
  ask_peer "$1" /downgrade/enabled "${@:2}" >/dev/null 2>&1
}

# Is the certificate NAME there, with its own key, from etcd's authority, valid today and, if ADDRESS is told, for that?
check_certificate() {
  local certificate=$STAGE/pki/$1.crt key=$STAGE/pki/$1.key said
  [[ -s $certificate && -s $key ]] || fail "etcd's $1 certificate or its key is missing: they would become $ETCD_PKI/$1.crt and $1.key"
  said=$(openssl x509 -in "$certificate" -noout -pubkey 2>&1) || fail "etcd's $1 certificate is none: $said"
  [[ $said == "$(openssl pkey -in "$key" -pubout 2>/dev/null)" ]] || fail "etcd's $1 certificate has another key than its own"
  said=$(openssl verify -partial_chain -CAfile "$STAGE/pki/ca.crt" "$certificate" 2>&1) || {
    echo "$said" >&2
    fail "etcd's $1 certificate is not from etcd's authority, or not valid on $(date --utc '+%F %T'): see above"
  }
  if [[ -n ${2:-} ]]; then
    said=$(openssl x509 -in "$certificate" -noout -checkip "$2" 2>&1) || true
    [[ $said == *"does match"* ]] || fail "etcd's $1 certificate is not for this host's address: $said"
  fi
}

# etcd reads them again with every connection, so a bad one would end a living member's.
install_certificates() {
  local file owner mode
  check_certificate server "$ADDRESS"
  check_certificate peer "$ADDRESS"
  check_certificate healthcheck-client
  for file in ca.crt {server,peer,healthcheck-client}.{crt,key}; do
    if [[ $file == *.key ]]; then mode=0600; else mode=0644; fi
    if [[ $file == ca.* || $file == healthcheck* ]]; then owner=root:root; else owner=$ETCD_OWNER; fi
    install_file "$ETCD_PKI/$file" "$mode" "$owner" <"$STAGE/pki/$file"
  done
}

# The complaints in etcd's log, one JSON object a line, whatever a container runtime puts before each.
complaints_in() {
  sed -n -E 's/^(.* )?\{"level":"(warn|error|fatal)".*"msg":"([^"]*)"(.*"error":"([^"]*)")?.*/\2: \3: \5/p' | cut -c1-300
}

has_data() {
  [[ -d $DATA/member/wal ]]
}

check_data() {
  [[ $(cat "$DATA/member/cluster" 2>/dev/null || true) == "$CLUSTER" ]] ||
    fail "the data in $DATA/member is another cluster's; etcd does not start on it. If nobody needs it, remove that folder on this host"
}

# How this member comes to life, once, on an empty data directory: in birth.env, for whoever starts etcd.
prepare_birth() {
  local members own client learner state=existing initial=$INITIAL_CLUSTER
  members=$(listed_members)
  own=$(awk -v url="$PEER_URL" '$3 == url' <<<"$members")
  read -r _ _ _ client learner <<<"$own" || true
  if [[ -z $members || ($client == - && $learner == false) ]]; then
    state=new
  elif [[ $client == - ]]; then
    initial=$(awk -v url="$PEER_URL" '$3 != url {print ($2 == "-" ? "unnamed-" $1 : $2) "=" $3}' <<<"$members" | paste --serial --delimiters=,)
    initial=${initial:+$initial,}$NAME=$PEER_URL
  elif [[ -z $own ]]; then
    fail "the other members do not know $NAME at $PEER_URL, so they would not let it in; the step etcd-admit of this member adds it"
  else
    fail "the other members count on $NAME, but its data in $DATA is gone. Replace this machine: pulumi up --replace with its URN"
  fi
  echo "empty data directory: initial cluster state is $state"
  printf 'INITIAL_CLUSTER=%s\nINITIAL_CLUSTER_STATE=%s\n' "$initial" "$state" | install_file "$NOTES/birth.env" 0644 root:root
  install --directory --owner="$(stat --format %U "$DATA")" --mode=0700 "$DATA/member"
  install_file "$DATA/member/cluster" 0644 root:root <<<"$CLUSTER"
}

refuse_occupied_ports() {
  local holders
  holders=$(ss --no-header --listening --tcp --numeric --processes '( sport = :2379 or sport = :2380 )')
  [[ -z $holders ]] || fail "another process of this host is at etcd's address: $holders"
}

# Well before there is a quorum a sound etcd listens to its peers.
is_listening() {
  is_coming_up
  ss --no-header --listening --tcp --numeric "src = $ADDRESS and sport = :2380" | grep --quiet .
}

# Does this member take part in a quorum, which a restart would take it from? An election in the meantime is waited out.
serves() {
  is_running && is_healthy "$PEER_URL" --max-time 15
}

# The other voters' peer URLs, one a line.
other_voters() {
  ask_peer "$PEER_URL" /members | members_from_json | awk -v url="$PEER_URL" '$3 != url && $5 == "false" {print $3}'
}

# Are the healthy ones among the other voters more than half of all, without this member?
quorum_survives() {
  local others count needed voter healthy=0
  others=$(other_voters) || return
  count=$(wc --lines <<<"$others")
  needed=$(((count + 1) / 2 + 1))
  for voter in $others; do
    if is_healthy "$voter"; then healthy=$((healthy + 1)); else echo "$voter is not healthy"; fi
  done
  echo "of the $count other members $healthy healthy; $needed must be, for a quorum while this one restarts"
  ((healthy >= needed))
}

restart_now() {
  wait_for 80 "enough of the other members to be healthy; until then etcd runs on here as it was: see its log on their hosts" \
    quorum_survives
  restart_etcd || {
    show_etcd_log >&2
    fail "etcd does not start as wanted on this host, within 60 s"
  }
}

# With the lease fresh: a turn, waiting for the others included, is shorter than it.
take_turn() {
  ask_own /v3/lease/keepalive "{\"ID\": \"$1\"}" >/dev/null
  ask_own /v3/lock/lock "{\"name\": \"$(printf %s kubeadm-aws/etcd-restart | base64)\", \"lease\": \"$1\"}" --max-time 20 >/dev/null
}

# The members may all be told to restart at once. They take turns by a lock in etcd itself, and none goes down while the rest
# is no quorum: settings that no etcd starts with stop one member, not the cluster. A holder that never comes back loses the
# lock with its lease.
restart_in_turn() {
  local lease
  lease=$(ask_own /v3/lease/grant '{"TTL": 180}' | sed -n 's/.*"ID": *"\([0-9]*\)".*/\1/p')
  wait_for 300 "this host's turn to restart etcd: another member holds etcd's lock kubeadm-aws/etcd-restart" take_turn "$lease"
  restart_now
  wait_for 60 "this member to serve again after its restart" is_healthy "$PEER_URL"
  # It may have ended by itself.
  ask_own /v3/lease/revoke "{\"ID\": \"$lease\"}" >/dev/null || true
}

# A member that serves is one the others may count on; any other has nothing to lose. Nor has a learner, which has no vote and
# may not take a lock: the step that started it may have been killed before it was promoted.
bring_up() {
  local others="" learner=false
  load_etcd
  if serves; then
    others=$(other_voters) || fail "etcd on this host is healthy and does not list its members"
    learner=$(own_place) || fail "etcd on this host is healthy and does not say whether it votes"
  fi
  if [[ -n $others && $learner == false ]]; then
    restart_in_turn
  else
    ! is_stopped || refuse_occupied_ports
    start_etcd
    EXPLAIN="show_etcd_log" wait_for 60 "etcd to listen on $ADDRESS:2380" has_come_up
  fi
}

# This member's own knowledge, which it has as soon as it listens.
own_place() {
  ask_peer "$PEER_URL" /members | members_from_json | awk -v url="$PEER_URL" '$3 == url {print $5}'
}

is_learner() {
  local learner
  wait_for 30 "etcd on this host to list its members" own_place
  learner=$(own_place)
  [[ $learner == true ]]
}

promote() {
  local id peer said
  id=$(listed_members | awk -v url="$PEER_URL" '$3 == url {print $1}')
  for peer in ${OTHER_PEERS//,/ }; do
    if said=$(ask_peer "$peer" "/members/promote/$id" --request POST 2>&1); then
      return
    fi
    echo "$said"
  done
  return 1
}

become_member() {
  install_certificates
  if has_data; then
    check_data
  else
    prepare_birth
  fi
  if ! is_running || ! wanted_state | cmp --silent - "$NOTES/applied"; then
    bring_up
    wanted_state | install_file "$NOTES/applied" 0644 root:root
  fi
  # A learner has no vote. It gets one when it has caught up with the others.
  if is_learner; then
    EXPLAIN="show_etcd_log" wait_for 300 "learner $NAME to catch up with the others" promote
  fi
  echo "etcd: $NAME at $ADDRESS is a member"
}
install_file /run/etcd-member/pki/ca.crt 0644 root:root base64 --decode <<'END_OF_FILE'
Y2VydGlmaWNhdGUgcGtpLWNh
END_OF_FILE
install_file /run/etcd-member/pki/server.crt 0644 root:root base64 --decode <<'END_OF_FILE'
Y2VydGlmaWNhdGUgcGtpLWV0Y2QtMS1zZXJ2ZXI=
END_OF_FILE
install_file /run/etcd-member/pki/server.key 0600 root:root base64 --decode <<'END_OF_FILE'
S0VZIE9GIHBraS1ldGNkLTEtc2VydmVyLWtleQ==
END_OF_FILE
install_file /run/etcd-member/pki/peer.crt 0644 root:root base64 --decode <<'END_OF_FILE'
Y2VydGlmaWNhdGUgcGtpLWV0Y2QtMS1wZWVy
END_OF_FILE
install_file /run/etcd-member/pki/peer.key 0600 root:root base64 --decode <<'END_OF_FILE'
S0VZIE9GIHBraS1ldGNkLTEtcGVlci1rZXk=
END_OF_FILE
install_file /run/etcd-member/pki/healthcheck-client.crt 0644 root:root base64 --decode <<'END_OF_FILE'
Y2VydGlmaWNhdGUgcGtpLWhlYWx0aGNoZWNrLWNsaWVudA==
END_OF_FILE
install_file /run/etcd-member/pki/healthcheck-client.key 0600 root:root base64 --decode <<'END_OF_FILE'
S0VZIE9GIHBraS1oZWFsdGhjaGVjay1jbGllbnQta2V5
END_OF_FILE
install_file /etc/kubernetes/pki/apiserver-etcd-client.crt 0644 root:root base64 --decode <<'END_OF_FILE'
Y2VydGlmaWNhdGUgcGtpLWFwaXNlcnZlci1jbGllbnQ=
END_OF_FILE
install_file /etc/kubernetes/pki/apiserver-etcd-client.key 0600 root:root base64 --decode <<'END_OF_FILE'
S0VZIE9GIHBraS1hcGlzZXJ2ZXItY2xpZW50LWtleQ==
END_OF_FILE
install_file /var/lib/kubelet/config.yaml 0644 root:root base64 --decode <<'END_OF_FILE'
YXBpVmVyc2lvbjoga3ViZWxldC5jb25maWcuazhzLmlvL3YxYmV0YTEKa2luZDogS3ViZWxldENv
bmZpZ3VyYXRpb24KYWRkcmVzczogMTI3LjAuMC4xCmF1dGhlbnRpY2F0aW9uOgogIGFub255bW91
czoKICAgIGVuYWJsZWQ6IGZhbHNlCiAgd2ViaG9vazoKICAgIGVuYWJsZWQ6IGZhbHNlCmF1dGhv
cml6YXRpb246CiAgbW9kZTogQWx3YXlzQWxsb3cKY2dyb3VwRHJpdmVyOiBzeXN0ZW1kCmNvbnRh
aW5lclJ1bnRpbWVFbmRwb2ludDogdW5peDovLy9ydW4vY29udGFpbmVyZC9jb250YWluZXJkLnNv
Y2sKc3RhdGljUG9kUGF0aDogL2V0Yy9rdWJlcm5ldGVzL21hbmlmZXN0cwo=
END_OF_FILE
install_file /etc/systemd/system/kubelet.service.d/20-etcd-service-manager.conf 0644 root:root base64 --decode <<'END_OF_FILE'
IyBUaGUga3ViZWxldCBhcyB0aGUgc2VydmljZSBtYW5hZ2VyIG9mIGV0Y2Q6IG5vIEFQSSBzZXJ2
ZXIsIG9ubHkgc3RhdGljIHBvZHMuCltTZXJ2aWNlXQpFeGVjU3RhcnQ9CkV4ZWNTdGFydD0vdXNy
L2Jpbi9rdWJlbGV0IC0tY29uZmlnPS92YXIvbGliL2t1YmVsZXQvY29uZmlnLnlhbWwKUmVzdGFy
dD1hbHdheXMK
END_OF_FILE
install_file /run/etcd-member/kubeadmcfg.yaml 0600 root:root base64 --decode <<'END_OF_FILE'
YXBpVmVyc2lvbjoga3ViZWFkbS5rOHMuaW8vdjFiZXRhNApraW5kOiBJbml0Q29uZmlndXJhdGlv
bgpub2RlUmVnaXN0cmF0aW9uOgogIG5hbWU6IGV0Y2QtMQogIGNyaVNvY2tldDogdW5peDovLy9y
dW4vY29udGFpbmVyZC9jb250YWluZXJkLnNvY2sKbG9jYWxBUElFbmRwb2ludDoKICBhZHZlcnRp
c2VBZGRyZXNzOiAxMC4wLjEuMTAwCnRpbWVvdXRzOgogIGNvbnRyb2xQbGFuZUNvbXBvbmVudEhl
YWx0aENoZWNrOiA4bTBzCi0tLQphcGlWZXJzaW9uOiBrdWJlYWRtLms4cy5pby92MWJldGE0Cmtp
bmQ6IENsdXN0ZXJDb25maWd1cmF0aW9uCmt1YmVybmV0ZXNWZXJzaW9uOiB2MS4zNy4xCmVuY3J5
cHRpb25BbGdvcml0aG06IEVDRFNBLVAyNTYKZXRjZDoKICBsb2NhbDoKICAgIGltYWdlVGFnOiAz
LjcuMC0wCiAgICBzZXJ2ZXJDZXJ0U0FOczoKICAgIC0gMTAuMC4xLjEwMAogICAgcGVlckNlcnRT
QU5zOgogICAgLSAxMC4wLjEuMTAwCiAgICBleHRyYUFyZ3M6CiAgICAtIG5hbWU6IGluaXRpYWwt
Y2x1c3RlcgogICAgICB2YWx1ZTogZXRjZC0wPWh0dHBzOi8vMTAuMC4wLjEwMDoyMzgwLGV0Y2Qt
MT1odHRwczovLzEwLjAuMS4xMDA6MjM4MCxldGNkLTI9aHR0cHM6Ly8xMC4wLjIuMTAwOjIzODAK
ICAgIC0gbmFtZTogaW5pdGlhbC1jbHVzdGVyLXN0YXRlCiAgICAgIHZhbHVlOiBuZXcKICAgIC0g
bmFtZTogaW5pdGlhbC1jbHVzdGVyLXRva2VuCiAgICAgIHZhbHVlOiBmY2MwM2Y2ZGY0NzEzNDgw
MjBiYjk3YjkzODEyYzlmZTY5OWM5MmY5MDVlMWU3M2FhYjNkMDVjYjNjN2YzNDMxCiAgICAtIG5h
bWU6IG5hbWUKICAgICAgdmFsdWU6IGV0Y2QtMQogICAgLSBuYW1lOiBsaXN0ZW4tcGVlci11cmxz
CiAgICAgIHZhbHVlOiBodHRwczovLzEwLjAuMS4xMDA6MjM4MAogICAgLSBuYW1lOiBsaXN0ZW4t
Y2xpZW50LXVybHMKICAgICAgdmFsdWU6IGh0dHBzOi8vMTI3LjAuMC4xOjIzNzksaHR0cHM6Ly8x
MC4wLjEuMTAwOjIzNzkKICAgIC0gbmFtZTogYWR2ZXJ0aXNlLWNsaWVudC11cmxzCiAgICAgIHZh
bHVlOiBodHRwczovLzEwLjAuMS4xMDA6MjM3OQogICAgLSBuYW1lOiBpbml0aWFsLWFkdmVydGlz
ZS1wZWVyLXVybHMKICAgICAgdmFsdWU6IGh0dHBzOi8vMTAuMC4xLjEwMDoyMzgwCiAgICAtIG5h
bWU6IGhlYXJ0YmVhdC1pbnRlcnZhbAogICAgICB2YWx1ZTogJzEwMCcKICAgIC0gbmFtZTogZWxl
Y3Rpb24tdGltZW91dAogICAgICB2YWx1ZTogJzEwMDAnCiAgICAtIG5hbWU6IHF1b3RhLWJhY2tl
bmQtYnl0ZXMKICAgICAgdmFsdWU6ICc4NTg5OTM0NTkyJwogICAgLSBuYW1lOiBhdXRvLWNvbXBh
Y3Rpb24tbW9kZQogICAgICB2YWx1ZTogcGVyaW9kaWMKICAgIC0gbmFtZTogYXV0by1jb21wYWN0
aW9uLXJldGVudGlvbgogICAgICB2YWx1ZTogMWgK
END_OF_FILE
install_file /usr/local/sbin/etcd-health 0755 root:root base64 --decode <<'END_OF_FILE'
IyEvdXNyL2Jpbi9lbnYgYmFzaAojIElzIGV0Y2QgaGVhbHRoeT8gQXNrcyBldmVyeSBtZW1iZXIg
YXQgb25jZSwgZnJvbSBhbnkgbWFzdGVyIG9yIGV0Y2QgbWFjaGluZTsgb24gaG9zdHMgaXQgaXMg
L3Vzci9sb2NhbC9zYmluL2V0Y2QtaGVhbHRoLgojIE1FTUJFUlM6ICJuYW1lPWh0dHBzOi8vYWRk
cmVzczoyMzc5IC4uLiIsIGluIHRoZSBlbnZpcm9ubWVudCBvciBpbiAvZXRjL2RlZmF1bHQvZXRj
ZC1oZWFsdGguIE5lZWRzIHJvb3QsIGN1cmwgYW5kIGF3ay4Kc2V0IC1ldW8gcGlwZWZhaWwKZXhw
b3J0IExDX0FMTD1DLlVURi04CgpDT05ORUNUX1NFQ09ORFM9MwpTRUNPTkRTX1RPX0FOU1dFUj01
CkxPR1M9ImpvdXJuYWxjdGwgLXUgZXRjZCB0aGVyZSwgb3IgY3JpY3RsIGxvZ3Mgb2YgaXRzIGNv
bnRhaW5lciBldGNkIgoKdXNhZ2UoKSB7CiAgY2F0IDw8VVNBR0UKdXNhZ2U6IGV0Y2QtaGVhbHRo
IFstLWhlbHBdCgpBc2tzIGV2ZXJ5IG1lbWJlciBvZiB0aGUgY2x1c3RlcidzIGV0Y2Qgd2hldGhl
ciBpdCB0YWtlcyBwYXJ0IGluIHRoZSBxdW9ydW0sIHByaW50cyBhIGxpbmUgZm9yIGVhY2ggYW5k
IG9uZSBzZW50ZW5jZSBmb3IKYWxsLCBhbmQgZW5kcyB3aXRoIDAgaWYgZXRjZCBpcyBoZWFsdGh5
LCB3aXRoIDEgaWYgbm90LiBOZWVkcyByb290LiBUaGUgbWVtYmVycyBhcmUgdGhvc2Ugb2YgL2V0
Yy9kZWZhdWx0L2V0Y2QtaGVhbHRoLgoKV2hlcmUgdGhpcyBob3N0IGlzIGEgbWVtYmVyIChpdCBo
YXMgYSBwZWVyIGNlcnRpZmljYXRlKSwgdGhlIG90aGVycyBhcmUgYXNrZWQgb24gdGhlaXIgcGVl
ciBwb3J0LCAyMzgwOiBtZW1iZXJzIG5lZWQgbm8KbW9yZSBvZiBlYWNoIG90aGVyLCBzbyBhIGZp
cmV3YWxsIGxldHMgbm8gbW9yZSB0aHJvdWdoLiBFbHNld2hlcmUgYWxsIGFyZSBhc2tlZCBvbiB0
aGVpciBjbGllbnQgcG9ydCwgMjM3OSwgd2l0aCB0aGUgQVBJCnNlcnZlcidzIGNlcnRpZmljYXRl
LgpVU0FHRQp9CgpkaWUoKSB7CiAgZWNobyAiZXRjZC1oZWFsdGg6ICQqIiA+JjIKICBleGl0IDEK
fQoKcmVhZF9tZW1iZXJzKCkgewogIGxvY2FsIHNldHRpbmdzPS9ldGMvZGVmYXVsdC9ldGNkLWhl
YWx0aCBtZW1iZXIKICAjIHNoZWxsY2hlY2sgZGlzYWJsZT1TQzEwOTAKICBbWyAtbiAke01FTUJF
UlM6LX0gfHwgISAtciAkc2V0dGluZ3MgXV0gfHwgc291cmNlICIkc2V0dGluZ3MiCiAgW1sgLW4g
JHtNRU1CRVJTOi19IF1dIHx8IGRpZSAibm8gbWVtYmVyczogJHNldHRpbmdzIHNob3VsZCBzYXkg
TUVNQkVSUz1cIm5hbWU9aHR0cHM6Ly9hZGRyZXNzOjIzNzkgLi4uXCIiCiAgZm9yIG1lbWJlciBp
biAkTUVNQkVSUzsgZG8KICAgIFtbICRtZW1iZXIgPX4gXihbXj1dKyk9aHR0cHM6Ly8oW146L10r
KToyMzc5JCBdXSB8fCBkaWUgIm5vdCBuYW1lPWh0dHBzOi8vYWRkcmVzczoyMzc5OiAkbWVtYmVy
IgogICAgTkFNRVMrPSgiJHtCQVNIX1JFTUFUQ0hbMV19IikKICAgIEFERFJFU1NFUys9KCIke0JB
U0hfUkVNQVRDSFsyXX0iKQogIGRvbmUKfQoKIyBBIGhvc3Qgd2l0aCBhIHBlZXIgY2VydGlmaWNh
dGUgaXMgYSBtZW1iZXIsIGFuZCBldmVyeSBtZW1iZXIgbWF5IHJlYWNoIGV2ZXJ5IHBlZXIgcG9y
dCwgd2hlcmV2ZXIgZXRjZCBydW5zLiBBIG1hc3RlcgojIGJlc2lkZSBkZWRpY2F0ZWQgbWVtYmVy
cyBoYXMgdGhlIEFQSSBzZXJ2ZXIncyBjZXJ0aWZpY2F0ZSBhbG9uZS4KY2hvb3NlX3dheSgpIHsK
ICBsb2NhbCBmb2xkZXIKICBmb3IgZm9sZGVyIGluIC9ldGMvZXRjZC9wa2kgL2V0Yy9rdWJlcm5l
dGVzL3BraS9ldGNkOyBkbwogICAgaWYgW1sgLWUgJGZvbGRlci9wZWVyLmNydCBdXTsgdGhlbgog
ICAgICBXQVk9cGVlciBDQT0kZm9sZGVyL2NhLmNydCBDRVJUSUZJQ0FURT0kZm9sZGVyL3BlZXIu
Y3J0IEtFWT0kZm9sZGVyL3BlZXIua2V5CiAgICAgIFJPVz0iZXRjZC1wZWVyLCBtZW1iZXJzIGFt
b25nIHRoZW1zZWx2ZXMgb24gMjM4MCIKICAgICAgYnJlYWsKICAgIGZpCiAgZG9uZQogIGlmIFtb
IC16ICR7V0FZOi19IF1dOyB0aGVuCiAgICBXQVk9Y2xpZW50IENBPS9ldGMva3ViZXJuZXRlcy9w
a2kvZXRjZC9jYS5jcnQKICAgIENFUlRJRklDQVRFPS9ldGMva3ViZXJuZXRlcy9wa2kvYXBpc2Vy
dmVyLWV0Y2QtY2xpZW50LmNydCBLRVk9L2V0Yy9rdWJlcm5ldGVzL3BraS9hcGlzZXJ2ZXItZXRj
ZC1jbGllbnQua2V5CiAgICBST1c9ImV0Y2QtY2xpZW50LCBtYXN0ZXJzIHRvIGV0Y2Qgb24gMjM3
OSIKICBmaQogIFtbIC1lICRDRVJUSUZJQ0FURSBdXSB8fCBkaWUgInRoaXMgaG9zdCBoYXMgbm8g
Y2VydGlmaWNhdGUgZm9yIGV0Y2Q6IGl0IGlzIG5vIG1hc3RlciBhbmQgbm8gZXRjZCBtYWNoaW5l
LCBvciBub3QgbWFkZSBvbmUgeWV0IgogIFtbIC1yICRLRVkgXV0gfHwgZGllICIkS0VZIGNhbm5v
dCBiZSByZWFkOiBydW4gaXQgYXMgcm9vdCAoc3VkbyBldGNkLWhlYWx0aCkiCn0KCiMgYXNrIE5B
TUUgVVJMIFtDVVJMJ1MgQVJHVU1FTlRTLi4uXTogdGhlIGJvZHkgZ29lcyB0byBOQU1FLmJvZHks
IGhvdyBpdCB3ZW50IHRvIE5BTUUucmVzdWx0LCBhbmQgd2h5IHRvIE5BTUUuc2FpZC4KIyAoZXRj
ZCdzIHBlZXIgcG9ydCBvZmZlcnMgSFRUUC8yIGFuZCB0aGVuIGRvZXMgbm90IHNwZWFrIGl0LikK
YXNrKCkgewogIGxvY2FsIGZpbGU9JFdPUksvJDEgdXJsPSQyCiAgc2hpZnQgMgogIGN1cmwgLS1z
aWxlbnQgLS12ZXJib3NlIC0taHR0cDEuMSAtLW5vcHJveHkgJyonIC0tY29ubmVjdC10aW1lb3V0
ICIkQ09OTkVDVF9TRUNPTkRTIiAtLW1heC10aW1lICIkU0VDT05EU19UT19BTlNXRVIiIFwKICAg
IC0tY2FjZXJ0ICIkQ0EiIC0tY2VydCAiJENFUlRJRklDQVRFIiAtLWtleSAiJEtFWSIgLS1vdXRw
dXQgIiRmaWxlLmJvZHkiIFwKICAgIC0td3JpdGUtb3V0ICcle2V4aXRjb2RlfSAle2h0dHBfY29k
ZX0gJXt0aW1lX2FwcGNvbm5lY3R9ICV7ZXJyb3Jtc2d9JyAiJEAiICIkdXJsIiA+IiRmaWxlLnJl
c3VsdCIgMj4iJGZpbGUuc2FpZCIgfHwgdHJ1ZQogIHRvdWNoICIkZmlsZS5ib2R5Igp9Cgphc2tf
Y2xpZW50KCkgewogIGFzayAiJDEuaGVhbHRoIiAiaHR0cHM6Ly8kMjoyMzc5L2hlYWx0aCIgJgog
IGFzayAiJDEuc3RhdHVzIiAiaHR0cHM6Ly8kMjoyMzc5L3YzL21haW50ZW5hbmNlL3N0YXR1cyIg
LS1kYXRhICd7fScgJgp9CgojIEEgbGluZWFyaXphYmxlIHJlYWQgb24gdGhlIG1lbWJlciBpdHNl
bGYgaXMgd2hhdCBwcm92ZXMgdGhhdCBpdCB0YWtlcyBwYXJ0IGluIHRoZSBxdW9ydW0uIE9mIGFs
YXJtcyBvbmx5IHRoaXMgaG9zdCdzCiMgb3duIGNsaWVudCBwb3J0IHRlbGxzLCBhbmQgdGhleSBh
cmUgdGhlIHdob2xlIGNsdXN0ZXIncy4KYXNrX2FsbCgpIHsKICBsb2NhbCBpCiAgZm9yIGkgaW4g
IiR7IU5BTUVTW0BdfSI7IGRvCiAgICBpZiBbWyAkV0FZID09IHBlZXIgXV07IHRoZW4KICAgICAg
YXNrICIkaS5yZWFkIiAiaHR0cHM6Ly8ke0FERFJFU1NFU1tpXX06MjM4MC9kb3duZ3JhZGUvZW5h
YmxlZCIgJgogICAgICBhc2sgIiRpLmxpc3QiICJodHRwczovLyR7QUREUkVTU0VTW2ldfToyMzgw
L21lbWJlcnMiICYKICAgICAgYXNrICIkaS52ZXJzaW9uIiAiaHR0cHM6Ly8ke0FERFJFU1NFU1tp
XX06MjM4MC92ZXJzaW9uIiAmCiAgICAgIGlmIFtbICQoaXAgcm91dGUgZ2V0ICIke0FERFJFU1NF
U1tpXX0iIDI+L2Rldi9udWxsKSA9PSBsb2NhbCogXV07IHRoZW4KICAgICAgICBhc2tfY2xpZW50
ICIkaSIgIiR7QUREUkVTU0VTW2ldfSIKICAgICAgZmkKICAgIGVsc2UKICAgICAgYXNrX2NsaWVu
dCAiJGkiICIke0FERFJFU1NFU1tpXX0iCiAgICAgIGFzayAiJGkubGlzdCIgImh0dHBzOi8vJHtB
RERSRVNTRVNbaV19OjIzNzkvdjMvY2x1c3Rlci9tZW1iZXIvbGlzdCIgLS1kYXRhICd7fScgJgog
ICAgZmkKICBkb25lCiAgd2FpdAp9CgojIFRoZSB2YWx1ZSBvZiBhIGZpZWxkIGluIGFuIGFuc3dl
ciwgaWYgaXQgd2FzIGFza2VkIGZvci4gZXRjZCdzIGdhdGV3YXkgd3JpdGVzIGJsYW5rcyBiZXR3
ZWVuIHRoZSBwYXJ0cywgb3IgZG9lcyBub3QuCmZpZWxkKCkgewogIFtbICEgLWUgJFdPUksvJDEu
Ym9keSBdXSB8fCBzZWQgLW4gLUUgJ3MvLioiJyIkMiInIjogKiI/KFteIix9XSopLiovXDEvcCcg
IiRXT1JLLyQxLmJvZHkiCn0KCiMgV2h5IGFuIGFuc3dlciBpcyBubyBnb29kLCBpbiB3b3Jkczsg
bm90aGluZyB3aGVuIGl0IGlzIGdvb2QuCmZhdWx0KCkgewogIGxvY2FsIHBvcnQ9JDIgY29kZSBz
dGF0dXMgZW5jcnlwdGVkIG1lc3NhZ2Ugc2FpZAogIHJlYWQgLXIgY29kZSBzdGF0dXMgZW5jcnlw
dGVkIG1lc3NhZ2UgPCIkV09SSy8kMS5yZXN1bHQiIHx8IHRydWUKICBzYWlkPSQodHIgLWQgJ1xu
JyA8IiRXT1JLLyQxLmJvZHkiKQogIGNhc2UgJGNvZGU6JHN0YXR1cyBpbgogICAgMDoyMDApIDs7
CiAgICAwOjUwMCB8IDA6NTAzKQogICAgICBtZXNzYWdlPSQoZmllbGQgIiQxIiByZWFzb24pCiAg
ICAgIG1lc3NhZ2U9JHttZXNzYWdlOi0kc2FpZH0KICAgICAgY2FzZSAkbWVzc2FnZSBpbgogICAg
ICAgIEFMQVJNKikgZWNobyAiYWxhcm0gJHttZXNzYWdlI0FMQVJNIH0iIDs7CiAgICAgICAgKikg
ZWNobyAibm8gcXVvcnVtOiAke21lc3NhZ2U6MDoxMjB9IiA7OwogICAgICBlc2FjCiAgICAgIDs7
CiAgICAwOiopIGVjaG8gIiRwb3J0IGFuc3dlcmVkIEhUVFAgJHN0YXR1czogJHtzYWlkOjA6MTIw
fSIgOzsKICAgIDc6KikKICAgICAgaWYgZ3JlcCAtLXF1aWV0IHJlZnVzZWQgIiRXT1JLLyQxLnNh
aWQiOyB0aGVuCiAgICAgICAgZWNobyAiJHBvcnQgcmVmdXNlZDogdGhlIGhvc3QgaXMgdGhlcmUs
IGV0Y2QgZG9lcyBub3QgcnVuOyAkTE9HUyIKICAgICAgZWxzZQogICAgICAgIGVjaG8gIiRwb3J0
IGNhbm5vdCBiZSByZWFjaGVkOiAke21lc3NhZ2U6MDoxMjB9IgogICAgICBmaQogICAgICA7Owog
ICAgMjg6KikKICAgICAgaWYgW1sgJGVuY3J5cHRlZCA9fiBbMS05XSBdXTsgdGhlbgogICAgICAg
IGVjaG8gIm5vIHF1b3J1bTogbm8gYW5zd2VyIHdpdGhpbiAkU0VDT05EU19UT19BTlNXRVIgcyIK
ICAgICAgZWxpZiBncmVwIC0tcXVpZXQgLS1pZ25vcmUtY2FzZSAnY2xpZW50IGhlbGxvJyAiJFdP
UksvJDEuc2FpZCI7IHRoZW4KICAgICAgICBlY2hvICIkcG9ydCB0YWtlcyBjb25uZWN0aW9ucyBh
bmQgdGhlbiBzYXlzIG5vdGhpbmc6IGV0Y2QgaGFuZ3M7ICRMT0dTIgogICAgICBlbHNlCiAgICAg
ICAgZWNobyAiJHBvcnQgdGltZWQgb3V0OiB0aGUgaG9zdCBpcyBkb3duLCBvciB0aGUgZmlyZXdh
bGwgZG9lcyBub3QgbGV0IHRoaXMgb25lIGluIChsb29rIGF0OiAkUk9XKSIKICAgICAgZmkKICAg
ICAgOzsKICAgICopIGVjaG8gIlRMUzogJHttZXNzYWdlOjA6MjAwfSIgOzsKICBlc2FjCn0KCiMg
IklEIG5hbWUgYWRkcmVzcyBpcy1sZWFybmVyIiBhIGxpbmUsIGFzIG9uZSBtZW1iZXIgbGlzdHMg
dGhlbTsgb25lIHRoYXQgbmV2ZXIgc3RhcnRlZCBoYXMgbm8gbmFtZSB5ZXQuCmxpc3RlZF9ieSgp
IHsKICB0ciAtZCAnIFxuJyA8IiRXT1JLLyQxLmxpc3QuYm9keSIgfCBhd2sgLXYgUlM9J3snICcK
ICAgIGZ1bmN0aW9uIGZvdW5kKHBhdHRlcm4sIGJlZm9yZSwgYWZ0ZXIpIHsKICAgICAgcmV0dXJu
IG1hdGNoKCQwLCBwYXR0ZXJuKSA/IHN1YnN0cigkMCwgUlNUQVJUICsgYmVmb3JlLCBSTEVOR1RI
IC0gYmVmb3JlIC0gYWZ0ZXIpIDogIiIKICAgIH0KICAgIC8icGVlclVSTHMiOi8gewogICAgICBp
ZCA9IGZvdW5kKCJcIihJRHxpZClcIjpcIj9bMC05XSsiLCA1LCAwKQogICAgICBzdWIoIlwiIiwg
IiIsIGlkKQogICAgICBuYW1lID0gZm91bmQoIlwibmFtZVwiOlwiW15cIl0qXCIiLCA4LCAxKQog
ICAgICBhZGRyZXNzID0gZm91bmQoIlwicGVlclVSTHNcIjpcXFtcImh0dHBzOi8vW146XCJdKiIs
IDIxLCAwKQogICAgICBwcmludCBpZCwgKG5hbWUgPT0gIiIgPyAidW5uYW1lZCIgOiBuYW1lKSwg
YWRkcmVzcywgKCQwIH4gLyJpc0xlYXJuZXIiOnRydWUvID8gImxlYXJuZXIiIDogInZvdGVyIikK
ICAgIH0nCn0KCmp1ZGdlX21lbWJlcnMoKSB7CiAgbG9jYWwgaSB3aHkKICBmb3IgaSBpbiAiJHsh
TkFNRVNbQF19IjsgZG8KICAgIHdoeT0iIgogICAgaWYgW1sgJFdBWSA9PSBwZWVyIF1dOyB0aGVu
CiAgICAgIHdoeT0kKGZhdWx0ICIkaS5yZWFkIiAyMzgwKQogICAgZmkKICAgIGlmIFtbIC16ICR3
aHkgJiYgLWUgJFdPUksvJGkuaGVhbHRoLnJlc3VsdCBdXTsgdGhlbgogICAgICB3aHk9JChmYXVs
dCAiJGkuaGVhbHRoIiAyMzc5KQogICAgZmkKICAgIFdIWVtpXT0kd2h5CiAgZG9uZQp9CgojIFdo
YXQgdGhlIG1lbWJlcnMgc2F5IG9mIGVhY2ggb3RoZXI6IHRoZSBsaXN0IG9mIG9uZSB0aGF0IGlz
IGhlYWx0aHksIGVsc2Ugb2YgYW55IHRoYXQgaGFzIG9uZS4KY2hvb3NlX2xpc3QoKSB7CiAgbG9j
YWwgaSBsaXN0cz0oKQogIGZvciBpIGluICIkeyFOQU1FU1tAXX0iOyBkbwogICAgaWYgW1sgLW4g
JChsaXN0ZWRfYnkgIiRpIikgXV07IHRoZW4KICAgICAgaWYgW1sgLXogJHtXSFlbaV19IF1dOyB0
aGVuIGxpc3RzPSgiJGkiICIke2xpc3RzW0BdfSIpOyBlbHNlIGxpc3RzKz0oIiRpIik7IGZpCiAg
ICBmaQogIGRvbmUKICBbWyAkeyNsaXN0c1tAXX0gPT0gMCBdXSB8fCBMSVNUPSQobGlzdGVkX2J5
ICIke2xpc3RzWzBdfSIpCn0KCmxlYWRlcigpIHsKICBsb2NhbCBpIGlkCiAgZm9yIGkgaW4gIiR7
IU5BTUVTW0BdfSI7IGRvCiAgICBpZD0kKGZpZWxkICIkaS5zdGF0dXMiIGxlYWRlcikKICAgIGlm
IFtbIC1uICRpZCBdXTsgdGhlbgogICAgICBlY2hvICIkaWQiCiAgICAgIHJldHVybgogICAgZmkK
ICBkb25lCn0KCnJvbGVfb2YoKSB7CiAgbG9jYWwgaWQgcm9sZQogIHJlYWQgLXIgaWQgXyBfIHJv
bGUgPDw8IiQoYXdrIC12IGFkZHJlc3M9IiQxIiAnJDMgPT0gYWRkcmVzcycgPDw8IiRMSVNUIiki
CiAgaWYgW1sgLW4gJGlkICYmICRpZCA9PSAiJExFQURFUiIgXV07IHRoZW4gcm9sZT1sZWFkZXI7
IGZpCiAgZWNobyAiJHtyb2xlOi0tfSIKfQoKcHJpbnRfdGFibGUoKSB7CiAgbG9jYWwgaSB2ZXJz
aW9uIGhlYWx0aAogIHsKICAgIGVjaG8gIk5BTUV8QUREUkVTU3xIRUFMVEh8VkVSU0lPTnxST0xF
fFdIWSIKICAgIGZvciBpIGluICIkeyFOQU1FU1tAXX0iOyBkbwogICAgICB2ZXJzaW9uPSQoZmll
bGQgIiRpLnZlcnNpb24iIGV0Y2RzZXJ2ZXIpCiAgICAgIHZlcnNpb249JHt2ZXJzaW9uOi0kKGZp
ZWxkICIkaS5zdGF0dXMiIHZlcnNpb24pfQogICAgICBpZiBbWyAteiAke1dIWVtpXX0gXV07IHRo
ZW4gaGVhbHRoPWhlYWx0aHk7IGVsc2UgaGVhbHRoPXVuaGVhbHRoeTsgZmkKICAgICAgZWNobyAi
JHtOQU1FU1tpXX18JHtBRERSRVNTRVNbaV19fCRoZWFsdGh8JHt2ZXJzaW9uOi0tfXwkKHJvbGVf
b2YgIiR7QUREUkVTU0VTW2ldfSIpfCR7V0hZW2ldfSIKICAgIGRvbmUKICB9IHwgYXdrIC1GJ3wn
ICcKICAgIHsgZm9yIChpID0gMTsgaSA8PSBORjsgaSsrKSB7IGNlbGxbTlIsIGldID0gJGk7IGlm
IChsZW5ndGgoJGkpID4gd2lkdGhbaV0pIHdpZHRoW2ldID0gbGVuZ3RoKCRpKSB9IH0KICAgIEVO
RCB7CiAgICAgIGZvciAocm93ID0gMTsgcm93IDw9IE5SOyByb3crKykgewogICAgICAgIGxpbmUg
PSAiIgogICAgICAgIGZvciAoaSA9IDE7IGkgPD0gNjsgaSsrKSBsaW5lID0gbGluZSBzcHJpbnRm
KCIlLSIgd2lkdGhbaV0gInMgICIsIGNlbGxbcm93LCBpXSkKICAgICAgICBzdWIoLyArJC8sICIi
LCBsaW5lKQogICAgICAgIHByaW50IGxpbmUKICAgICAgfQogICAgfScKfQoKIyBXaGF0IGlzIHdy
b25nIHdpdGggd2hvIGlzIGEgbWVtYmVyLCBvbmUgc2VudGVuY2UgYSBsaW5lLgp3cm9uZ19tZW1i
ZXJzaGlwKCkgewogIGxvY2FsIGkgaWQgbmFtZSBhZGRyZXNzIHJvbGUKICBbWyAtbiAkTElTVCBd
XSB8fCByZXR1cm4gMAogIGZvciBpIGluICIkeyFOQU1FU1tAXX0iOyBkbwogICAgaWYgISBhd2sg
LXYgYWRkcmVzcz0iJHtBRERSRVNTRVNbaV19IiAnJDMgPT0gYWRkcmVzcyB7Zm91bmQgPSAxfSBF
TkQge2V4aXQgIWZvdW5kfScgPDw8IiRMSVNUIjsgdGhlbgogICAgICBlY2hvICIke05BTUVTW2ld
fSAoJHtBRERSRVNTRVNbaV19KSBpcyBub3QgYW1vbmcgZXRjZCdzIG1lbWJlcnM6IHJlcGxhY2Ug
aXRzIG1hY2hpbmUsIHB1bHVtaSB1cCAtLXJlcGxhY2Ugd2l0aCBpdHMgVVJOIgogICAgZmkKICBk
b25lCiAgd2hpbGUgcmVhZCAtciBpZCBuYW1lIGFkZHJlc3Mgcm9sZTsgZG8KICAgIGlmIFtbICIg
JHtBRERSRVNTRVNbKl19ICIgIT0gKiIgJGFkZHJlc3MgIiogXV07IHRoZW4KICAgICAgZWNobyAi
JG5hbWUgKCRhZGRyZXNzLCBJRCAkaWQpIGlzIGEgbWVtYmVyIG9mIGV0Y2QgYW5kIG5vIG1hY2hp
bmUgb2YgdGhpcyBjbHVzdGVyOiByZW1vdmUgaXQgZnJvbSBldGNkIgogICAgZWxpZiBbWyAkcm9s
ZSA9PSBsZWFybmVyIF1dOyB0aGVuCiAgICAgIGVjaG8gIiRuYW1lICgkYWRkcmVzcykgaXMgYSBs
ZWFybmVyLCB3aXRob3V0IGEgdm90ZTogaXRzIHN0ZXAgcHJvbW90ZXMgaXQgd2hlbiBpdCBoYXMg
Y2F1Z2h0IHVwOyBpZiBpdCBzdGF5cyBvbmUsIHJlcGxhY2UgaXRzIG1hY2hpbmUsIHB1bHVtaSB1
cCAtLXJlcGxhY2Ugd2l0aCBpdHMgVVJOIgogICAgZmkKICBkb25lIDw8PCIkTElTVCIKfQoKIyBP
bmUgc2VudGVuY2UgZm9yIGFsbDsgc3VjY2VlZHMgd2hlbiBldGNkIGlzIGhlYWx0aHkuIEEgbWVt
YmVyIHRoYXQgb25seSBoYXMgbm8gcXVvcnVtIGlzIHdob2xlIHdoZW4gdGhlIG90aGVycyBhcmUu
Cmp1ZGdlX2V0Y2QoKSB7CiAgbG9jYWwgaSB0b3RhbD0keyNOQU1FU1tAXX0gaGVhbHRoeT0wIGFs
YXJtPSIiIHNpY2s9IiIgd2FpdGluZz0iIiB3cm9uZyBuZWVkZWQKICBmb3IgaSBpbiAiJHshTkFN
RVNbQF19IjsgZG8KICAgIGNhc2UgJHtXSFlbaV19IGluCiAgICAgICIiKSBoZWFsdGh5PSQoKGhl
YWx0aHkgKyAxKSkgOzsKICAgICAgYWxhcm0qKSBhbGFybT0ke1dIWVtpXX0gOzsKICAgICAgIm5v
IHF1b3J1bSIqKSB3YWl0aW5nKz0iLCAke05BTUVTW2ldfSIgOzsKICAgICAgKikgc2ljays9Iiwg
JHtOQU1FU1tpXX0iIDs7CiAgICBlc2FjCiAgZG9uZQogIHNpY2s9JHtzaWNrOi0kd2FpdGluZ30K
ICBuZWVkZWQ9JCgodG90YWwgLyAyICsgMSkpCiAgd3Jvbmc9JCh3cm9uZ19tZW1iZXJzaGlwKQog
IGlmIFtbICRoZWFsdGh5ID09ICIkdG90YWwiICYmIC16ICR3cm9uZyBdXTsgdGhlbgogICAgZWNo
byAiZXRjZCBpcyBoZWFsdGh5OiAkdG90YWwgb2YgJHRvdGFsIG1lbWJlcnMiCiAgICByZXR1cm4K
ICBmaQogIGlmIFtbIC1uICRhbGFybSBdXTsgdGhlbgogICAgZWNobyAiZXRjZCBpcyBOT1QgaGVh
bHRoeTogJGFsYXJtOiB0aGUgd2hvbGUgY2x1c3RlciBpcyBsaW1pdGVkIHVudGlsIHRoZSBjYXVz
ZSBpcyBnb25lIGFuZCB0aGUgYWxhcm0gZGlzYXJtZWQiCiAgZWxpZiAoKGhlYWx0aHkgPCBuZWVk
ZWQpKTsgdGhlbgogICAgZWNobyAiZXRjZCBpcyBOT1QgaGVhbHRoeTogJGhlYWx0aHkgb2YgJHRv
dGFsIG1lbWJlcnMsIGFuZCBhIHF1b3J1bSBpcyAkbmVlZGVkOiByZXBhaXIgJHtzaWNrIywgfSB1
bnRpbCAkbmVlZGVkIGFyZSBoZWFsdGh5IgogIGVsaWYgKChoZWFsdGh5IDwgdG90YWwpKTsgdGhl
bgogICAgZWNobyAiZXRjZCBpcyBOT1QgaGVhbHRoeTogJGhlYWx0aHkgb2YgJHRvdGFsIG1lbWJl
cnM7IGEgcXVvcnVtIGlzICRuZWVkZWQsIHNvIGl0IHdvcmtzOiByZXBhaXIgJHtzaWNrIywgfSBi
ZWZvcmUgeW91IHRvdWNoIGFub3RoZXIiCiAgZWxzZQogICAgZWNobyAiZXRjZCBpcyBOT1QgaGVh
bHRoeTogYWxsICR0b3RhbCBtZW1iZXJzIGFuc3dlciwgYnV0ICR7d3JvbmcvLyQnXG4nLzsgfSIK
ICAgIHJldHVybiAxCiAgZmkKICBbWyAteiAkd3JvbmcgXV0gfHwgZWNobyAiJHdyb25nIgogIHJl
dHVybiAxCn0KCmNhc2UgJHsxOi19IGluCiAgIiIpIDs7CiAgLWggfCAtLWhlbHApCiAgICB1c2Fn
ZQogICAgZXhpdCAwCiAgICA7OwogICopCiAgICB1c2FnZSA+JjIKICAgIGV4aXQgMgogICAgOzsK
ZXNhYwoKZGVjbGFyZSAtYSBOQU1FUz0oKSBBRERSRVNTRVM9KCkgV0hZPSgpCkxJU1Q9IiIKcmVh
ZF9tZW1iZXJzCmNob29zZV93YXkKV09SSz0kKG1rdGVtcCAtLWRpcmVjdG9yeSkKdHJhcCAncm0g
LXJmICIkV09SSyInIEVYSVQKYXNrX2FsbApqdWRnZV9tZW1iZXJzCmNob29zZV9saXN0CkxFQURF
Uj0kKGxlYWRlcikKcHJpbnRfdGFibGUKanVkZ2VfZXRjZAo=
END_OF_FILE
install_file /etc/default/etcd-health 0644 root:root base64 --decode <<'END_OF_FILE'
TUVNQkVSUz0iZXRjZC0wPWh0dHBzOi8vMTAuMC4wLjEwMDoyMzc5IGV0Y2QtMT1odHRwczovLzEw
LjAuMS4xMDA6MjM3OSBldGNkLTI9aHR0cHM6Ly8xMC4wLjIuMTAwOjIzNzkiCg==
END_OF_FILE
tell_failures
#!/usr/bin/env bash
# Makes this host an etcd member as a static pod of a kubelet that serves nothing else, and leaves it starting.
# What etcd-member-common.sh wants, and in STAGE kubeadm's configuration as for a birth. Needs a prepared machine with the
# kubelet's configuration and its drop-in in place.
set -euo pipefail

CONFIGURATION=/etc/kubernetes/kubeadmcfg.yaml
KUBELET=(/var/lib/kubelet/config.yaml /etc/systemd/system/kubelet.service.d/20-etcd-service-manager.conf)
MANIFEST=/etc/kubernetes/manifests/etcd.yaml

# kubeadm's configuration with the way in which this member was born, which etcd ignores ever after.
configuration() {
  # shellcheck source=/dev/null
  source "$NOTES/birth.env"
  sed --expression "/name: initial-cluster\$/{n;s|value: .*|value: $INITIAL_CLUSTER|}" \
    --expression "/name: initial-cluster-state\$/{n;s|value: .*|value: $INITIAL_CLUSTER_STATE|}" "$STAGE/kubeadmcfg.yaml"
}

# All that a running etcd does not read again by itself.
wanted_state() {
  configuration | sha256sum
  sha256sum "${KUBELET[@]}" "$ETCD_PKI/ca.crt"
}

containers() {
  crictl ps --all --quiet --name '^etcd$' "$@"
}

load_etcd() {
  configuration | install_file "$CONFIGURATION" 0600 root:root
  systemctl daemon-reload
  systemctl enable --quiet kubelet
  systemctl reset-failed kubelet 2>/dev/null || true
  if ! sha256sum "${KUBELET[@]}" | cmp --silent - "$NOTES/kubelet-applied" || ! systemctl is-active --quiet kubelet; then
    systemctl restart kubelet
    sha256sum "${KUBELET[@]}" | install_file "$NOTES/kubelet-applied" 0644 root:root
  fi
}

is_running() {
  [[ -e $MANIFEST && -n $(containers --state Running) ]]
}

is_stopped() {
  [[ -z $(containers --state Running) ]]
}

# A container that ended since etcd was told to start is one that the kubelet starts again and again.
is_coming_up() {
  local ended
  if [[ $(systemctl show --property NRestarts --value kubelet) != 0 ]]; then
    show_journal kubelet >&2
    give_up "the kubelet, which runs etcd here, ends by itself"
  fi
  ended=$(containers --state Exited | grep --invert-match --line-regexp --fixed-strings "${BEFORE:-none}" || true)
  [[ -z $ended ]] || give_up "etcd ends by itself on this host: $(etcd_complaints | tail -n 1)"
}

# The kubelet looks at the manifest and does the rest. While that stays the same, a running etcd would stay too, and one that
# ended again and again would be waited for up to five minutes: a kubelet that starts anew counts anew.
start_etcd() {
  local manifest
  BEFORE=$(containers)
  manifest=$(sha256sum "$MANIFEST" 2>/dev/null || true)
  kubeadm init phase etcd local --config "$CONFIGURATION" >/dev/null || fail "kubeadm makes no manifest of $CONFIGURATION; see above"
  if [[ $(sha256sum "$MANIFEST") == "$manifest" ]]; then
    containers --state Running | xargs --no-run-if-empty crictl stop --timeout 20 >/dev/null
    systemctl restart kubelet
  fi
}

has_come_up() {
  is_coming_up
  containers --state Running | grep --quiet --invert-match --line-regexp --fixed-strings "${BEFORE:-none}" && is_listening
}

restart_etcd() {
  start_etcd
  EXPLAIN="show_etcd_log" wait_for 60 "the kubelet to run etcd as wanted" has_come_up
}

etcd_complaints() {
  local log
  log=$(find /var/log/pods -path '*_etcd-*/etcd/*.log' -printf '%T@ %p\n' 2>/dev/null | sort --numeric-sort | tail -n 1 | cut -d ' ' -f 2- || true)
  [[ -n $log ]] || return 0
  tail -n 200 "$log" | complaints_in
}

show_etcd_log() {
  echo "--- last complaints of etcd on this host (more: crictl logs, of the container that crictl ps --all --name etcd shows)"
  etcd_complaints | tail -n 10
  show_journal kubelet 5
}

install --directory --mode=0700 "$DATA"
become_member
exit 0
} </dev/null
