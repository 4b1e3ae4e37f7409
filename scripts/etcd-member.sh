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
