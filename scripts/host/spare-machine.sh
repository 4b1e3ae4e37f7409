#!/usr/bin/env bash
# Before a master or an etcd machine is stopped or replaced: whether the others can do without it. Runs on the machine itself,
# where it is noted what it is made of. Needs etcd-client.sh. NODE_NAME. WANTED: what it shall be made of.
# ETCD_PKI: the folder of etcd's certificates, empty without a member here. MEMBER: its client URL, OTHER_MEMBERS: those of the
# others by comma. OTHER_API_SERVERS: their URLs by space. Both may be empty: then there is nobody to do without it.
set -euo pipefail

NOTE=/etc/kubeadm-aws/made-of

others_are_a_quorum() {
  local other healthy=0 count=1
  for other in ${OTHER_MEMBERS//,/ }; do
    count=$((count + 1))
    if is_healthy "$other"; then healthy=$((healthy + 1)); else echo "$other is not healthy"; fi
  done
  echo "of $((count - 1)) other members $healthy are healthy, $((count / 2 + 1)) must be"
  ((healthy > count / 2))
}

# Otherwise there is none for as long as it takes the others to miss it, and nobody can write meanwhile.
hand_over_leadership() {
  local status voters successor
  if ! status=$(etcdctl --endpoints="$MEMBER" endpoint status --write-out fields); then
    echo "the member of $NODE_NAME does not answer, and leads nobody"
    return
  fi
  [[ $(sed -n 's/^"MemberID" : //p' <<<"$status") == $(sed -n 's/^"Leader" : //p' <<<"$status") ]] || return 0
  voters=$(members "$MEMBER" | awk -v url="$MEMBER" '$5 != url && $6 == "false" {print $1}')
  for successor in $voters; do
    if etcdctl --endpoints="$MEMBER" move-leader "$successor"; then return; fi
  done
  fail "etcd's leader is on $NODE_NAME and no other member takes its place; see above"
}

another_is_ready() {
  local server
  for server in $OTHER_API_SERVERS; do
    if curl --silent --show-error --fail --max-time 5 --output /dev/null --cacert /etc/kubernetes/pki/ca.crt "$server/readyz"; then
      return
    fi
  done
  return 1
}

# A machine without a note is new, unless something runs on it.
is_new() {
  [[ ! -e $NOTE && ! -e /etc/kubernetes/kubelet.conf && ! -e /var/lib/etcd/member/wal ]]
}

if ! is_new && [[ $(cat "$NOTE" 2>/dev/null) != "$WANTED" ]]; then
  echo "$NODE_NAME is $(cat "$NOTE" 2>/dev/null || echo "something not noted") and shall be $WANTED"
  if [[ -n $ETCD_PKI && -n $OTHER_MEMBERS ]]; then
    be_etcd_client "$ETCD_PKI"
    wait_for 120 "the other members to be a quorum without $NODE_NAME; until then it stays as it is" others_are_a_quorum
    hand_over_leadership
  fi
  if [[ -n $OTHER_API_SERVERS ]]; then
    wait_for 120 "an API server other than that of $NODE_NAME, which stays as it is until then" another_is_ready
  fi
fi
