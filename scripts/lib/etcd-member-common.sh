#!/usr/bin/env bash
# How a host becomes an etcd member and stays one, whoever runs etcd on it. Needs common.sh, etcd-client.sh and
# etcd-admission.sh. What comes after it says how etcd is run: wanted_state, load_etcd, is_running, is_stopped, is_coming_up,
# has_come_up, start_etcd, stop_etcd, restart_etcd, show_etcd_log.
# NAME, ADDRESS: this member. CLUSTER: what tells this cluster from all others. INITIAL_CLUSTER: "name=https://address:2380,..."
# of all members. OTHER_ENDPOINTS: the other members' client URLs by comma (may be empty). ETCD_PKI: the folder of its
# certificates. STAGE: where new ones wait; ETCD_OWNER reads the member's keys.
set -euo pipefail

DATA=/var/lib/etcd
NOTES=/etc/etcd
PEER_URL=https://$ADDRESS:2380
CLIENT_URL=https://$ADDRESS:2379

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
  is_running && etcdctl --endpoints="$CLIENT_URL" --command-timeout=15s get kubeadm-aws >/dev/null 2>&1
}

# The other voters' client URLs, one a line, "-" for one that never started.
other_voters() {
  members "$CLIENT_URL" | awk -v url="$PEER_URL" '$4 != url && $6 == "false" {print $5}'
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

restart_or_fail() {
  restart_etcd || {
    show_etcd_log >&2
    fail "etcd does not start as wanted on this host, within 60 s"
  }
}

# WHAT ENDPOINTS: waits for a lock of that name in etcd, which the process HOLDER has then. It ends with this script however that
# ends, and when its lease has run out; so the lock outlives neither for long.
take_turn() {
  local turn
  exec {turn}< <(exec setpriv --pdeathsig KILL etcdctl --endpoints="$2" lock "kubeadm-aws/etcd-$1" --ttl 60 {LOCK}>&-)
  HOLDER=$!
  read -r -t 300 -u "$turn" ||
    fail "this host did not get its turn for etcd's $1 within 300 s: see above, or another member holds etcd's lock kubeadm-aws/etcd-$1"
}

# The members may all be told to restart at once. They take turns, and none goes down while the rest is no quorum: settings that
# no etcd starts with stop one member, not the cluster.
restart_in_turn() {
  take_turn restart "$CLIENT_URL,$OTHER_ENDPOINTS"
  wait_for 80 "enough of the other members to be healthy; until then etcd runs on here as it was: see its log on their hosts" \
    quorum_survives
  kill -0 "$HOLDER" 2>/dev/null || fail "this host lost its turn for etcd's restart: see above"
  restart_or_fail
  wait_for 60 "this member to serve again after its restart" is_healthy "$CLIENT_URL"
}

# Who is asked to end gives the lock back at once, but cannot while no member answers.
clean_up() {
  rm -rf "$STAGE"
  if kill "${HOLDER:-}" 2>/dev/null; then
    timeout 5 tail --pid="$HOLDER" --sleep-interval=0.1 --follow /dev/null || true
  fi
}

# A member that serves is one the others may count on; any other has nothing to lose. Nor has a learner, which has no vote.
bring_up() {
  local others
  load_etcd
  if serves; then
    others=$(other_voters) || fail "etcd on this host is healthy and does not list its members"
    if [[ -n $others ]]; then restart_in_turn; else restart_or_fail; fi
  else
    ! is_stopped || refuse_occupied_ports
    start_etcd
    EXPLAIN="show_etcd_log" wait_for 60 "etcd to listen on $ADDRESS:2380" has_come_up
  fi
}

become_member() {
  install_certificates
  be_etcd_client "$ETCD_PKI"
  has_data || prepare_birth
  check_data
  if ! is_running || ! wanted_state | cmp --silent - "$NOTES/applied"; then
    bring_up
    wanted_state | install_file "$NOTES/applied" 0644 root:root
  fi
  # A learner has no vote. It gets one when it has caught up with the others.
  if came_as_learner; then
    EXPLAIN="show_etcd_log" wait_for 300 "learner $NAME to catch up with the others" has_vote
    touch "$NOTES/voter"
  fi
  echo "etcd: $NAME at $ADDRESS is a member"
}
