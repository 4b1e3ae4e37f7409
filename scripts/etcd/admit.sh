#!/usr/bin/env bash
# Makes a living etcd take a new machine in the place of a member; does nothing when etcd is not there yet, or on a member whose
# machine is the same as ever. Runs where clients of etcd may, with a client's certificate; needs common.sh and etcd-api.sh.
# MEMBER, MACHINE: the member's name and what tells its machine from the one before. PEER_URL, CLIENT_URL: its addresses.
# OTHER_ENDPOINTS: the other members' client URLs by comma (may be empty). CERTIFICATES: a folder of its own, gone afterwards.
set -euo pipefail

trap 'rm -rf "$CERTIFICATES"' EXIT
export ETCD_CA=$CERTIFICATES/ca.crt ETCD_CERT=$CERTIFICATES/client.crt ETCD_KEY=$CERTIFICATES/client.key

# The first of the others that takes part in a quorum.
find_endpoint() {
  local endpoint
  for endpoint in ${OTHER_ENDPOINTS//,/ }; do
    LISTED=$(etcd_api "$endpoint" /v3/cluster/member/list '{"linearizable": true}' 2>/dev/null | members_from_json) || true
    if [[ -n $LISTED ]]; then
      ENDPOINT=$endpoint
      return
    fi
  done
  return 1
}

known_machine() {
  etcd_api "$ENDPOINT" /v3/kv/range "{\"key\": \"$(machine_key "$MEMBER")\"}" | sed -n 's/.*"value": *"\([^"]*\)".*/\1/p' | base64 --decode
}

answers() {
  etcd_curl "$CLIENT_URL/health" >/dev/null 2>&1
}

# Without a quorum, or with certificates that have expired, a member still listens; a new machine does not.
listens() {
  local address=${CLIENT_URL#https://}
  [[ $(explain_port "${address%:*}" "${address##*:}" "masters reach etcd on 2379") == *"takes connections" ]]
}

# Both may have been done by an attempt whose answer was lost.
let_go() {
  local said
  said=$(etcd_api "$ENDPOINT" /v3/cluster/member/remove "{\"ID\": \"$1\"}" 2>&1) || [[ $said == *"member not found"* ]] || give_back "$said"
}

take() {
  local said
  said=$(etcd_api "$ENDPOINT" /v3/cluster/member/add "{\"peerURLs\": [\"$PEER_URL\"], \"isLearner\": true}" 2>&1) ||
    [[ $said == *"already exist"* ]] || give_back "$said"
}

give_back() {
  echo "$1"
  return 1
}

if ! find_endpoint; then
  if [[ -z $OTHER_ENDPOINTS || ! -e /etc/kubernetes/manifests/kube-apiserver.yaml ]]; then
    echo "no other member of etcd answers: the cluster is being born, and nobody needs to be let in"
  elif listens; then
    echo "$MEMBER is there, and no other member of etcd takes part in a quorum: nobody needs to be let in, or can be"
  else
    fail "no other member of etcd takes part in a quorum, and without one nobody can let $MEMBER in: bring the others back first ($OTHER_ENDPOINTS)"
  fi
  exit 0
fi
read -r id _ _ client learner < <(awk -v url="$PEER_URL" '$3 == url' <<<"$LISTED") || true
if [[ -n ${id:-} && $client == - && $learner == false ]]; then
  echo "$MEMBER is one of etcd's first members and has not started yet"
  exit 0
fi
known=$(known_machine) || fail "cannot read from etcd at $ENDPOINT which machine $MEMBER was on: run pulumi up again"
if [[ $known == "$MACHINE" && -n ${id:-} ]] || answers; then
  echo "$MEMBER is the member it was"
  exit 0
fi
if [[ -n ${id:-} ]]; then
  echo "the machine that was $MEMBER is gone: removing its member $id"
  wait_for 120 "etcd to let go of member $id" let_go "$id"
fi
wait_for 300 "etcd to take $MEMBER as a learner" take
note_machine "$ENDPOINT" "$MEMBER" "$MACHINE"
echo "$MEMBER may come as a learner"
