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
  rm -f "$NOTES/voter"
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
  restart_or_fail
}

restart_or_fail() {
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
  local others learner
  load_etcd
  if serves; then
    others=$(other_voters) || fail "etcd on this host is healthy and does not list its members"
    learner=$(own_place) || fail "etcd on this host is healthy and does not say whether it votes"
    if [[ -n $others && $learner != true ]]; then
      restart_in_turn
    else
      restart_or_fail
    fi
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

# It was let in as a learner, and nobody has seen yet that it votes.
came_as_learner() {
  grep --quiet '^INITIAL_CLUSTER_STATE=existing$' "$NOTES/birth.env" && [[ ! -e $NOTES/voter ]]
}

# By what the others know: its own knowledge is of the past as long as it has not caught up.
has_vote() {
  local id learner peer said
  read -r id _ _ _ learner < <(listed_members | awk -v url="$PEER_URL" '$3 == url') || true
  if [[ ${learner:-} == false ]]; then
    return
  elif [[ -z ${id:-} ]]; then
    echo "no other member lists it"
    return 1
  fi
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
  if came_as_learner; then
    EXPLAIN="show_etcd_log" wait_for 300 "learner $NAME to catch up with the others" has_vote
    touch "$NOTES/voter"
  fi
  echo "etcd: $NAME at $ADDRESS is a member"
}
