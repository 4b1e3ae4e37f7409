#!/usr/bin/env bash
# How a living etcd takes this host as a member: as a learner first, which gets its vote when it has caught up. Needs common.sh,
# etcd-client.sh and etcd-member-common.sh, whose settings it has. MAY_FOUND: true on a machine that may be one of the first members.
set -euo pipefail

# How this member comes to life, once, on an empty data directory: in birth.env, for whoever starts etcd.
prepare_birth() {
  local state=new initial=$INITIAL_CLUSTER listed=""
  if find_quorum; then listed=$ANSWER; fi
  if has_data; then
    echo "an attempt that was interrupted has started $NAME"
    return
  elif [[ -n $listed ]]; then
    admit "$listed"
  else
    echo "no other member takes part in a quorum: the cluster is being born"
  fi
  echo "empty data directory: initial cluster state is $state"
  rm -f "$NOTES/voter"
  printf 'INITIAL_CLUSTER=%s\nINITIAL_CLUSTER_STATE=%s\n' "$initial" "$state" | install_file "$NOTES/birth.env" 0644 root:root
  install --directory --owner="$(stat --format %U "$DATA")" --mode=0700 "$DATA/member"
  install_file "$DATA/member/cluster" 0644 root:root <<<"$CLUSTER"
}

# Only a machine that may found, and on which no member ever ran, does without a quorum. ANSWER: what the others know.
find_quorum() {
  if [[ -n $OTHER_ENDPOINTS ]] && ANSWER=$(members "$OTHER_ENDPOINTS"); then
    return
  elif may_found; then
    return 1
  elif [[ -z $OTHER_ENDPOINTS ]]; then
    fail "the data of the only member is gone from $DATA, and all of the cluster's with it. Bring a backup back, or start over: python -m operate reset"
  fi
  wait_for 120 "another member of etcd that takes part in a quorum: without one nobody can let $NAME in. Bring the others back first ($OTHER_ENDPOINTS)" \
    members "$OTHER_ENDPOINTS"
}

may_found() {
  [[ $MAY_FOUND == true && ! -e $NOTES/applied ]]
}

# MEMBERS: has a living etcd take this machine as a learner, in the place of the member that was at its address. That one has
# lost what it voted for, so it never comes back under its ID. Sets prepare_birth's state and initial.
admit() {
  local listed id status client learner
  read -r id status _ _ client learner <<<"$(awk -v url="$PEER_URL" '$4 == url' <<<"$1")" || true
  # etcd knows the first members' names from the beginning, and so calls them started.
  if [[ $status == started && $client == - && $learner == false ]] && may_found; then
    echo "$NAME is one of the first members and has not started yet"
    return
  fi
  # One at a time: etcd starts only with the members that there are, and takes no learner beside another. One that an attempt
  # left is started and promoted by its own step, which may need the turn.
  wait_for 300 "the learner beside $NAME to get its vote" others_vote
  take_turn admission "$OTHER_ENDPOINTS"
  wait_for 60 "etcd to list its members" members "$OTHER_ENDPOINTS"
  listed=$ANSWER
  if [[ -n $id && ($status == started || $learner == false) ]]; then
    echo "the machine or the data that was $NAME is gone: removing its member $id"
    # As long as it serves without its data, the quorum counts on it. It ends by itself a second after its removal.
    serves || stop_etcd
    wait_for 120 "etcd to let go of member $id" let_go "$id"
    id=""
  fi
  if [[ -z $id ]]; then
    # Started again by whoever runs it, it would make data under the ID that was removed, and never start on them.
    stop_etcd
    wait_for 300 "etcd to take $NAME as a learner" take
  fi
  state=existing
  initial=$(awk -v url="$PEER_URL" '$4 != url {print ($3 == "-" ? "unnamed-" $1 : $3) "=" $4}' <<<"$listed" | paste --serial --delimiters=,)
  initial=${initial:+$initial,}$NAME=$PEER_URL
}

others_vote() {
  local listed
  listed=$(members "$OTHER_ENDPOINTS") || give_back "$listed" || return
  ! awk -v url="$PEER_URL" '$4 != url && $6 == "true"' <<<"$listed" | grep .
}

# Both may have been done by an attempt whose answer was lost.
let_go() {
  local said
  said=$(etcdctl --endpoints="$OTHER_ENDPOINTS" member remove "$1" 2>&1) ||
    [[ $said == *"ember not found"* ]] || give_back "$said"
}

take() {
  local said
  said=$(etcdctl --endpoints="$OTHER_ENDPOINTS" member add "$NAME" --learner --peer-urls="$PEER_URL" 2>&1) ||
    [[ $said == *"already exist"* ]] || give_back "$said"
}

# It was let in as a learner, and nobody has seen yet that it votes.
came_as_learner() {
  grep --quiet '^INITIAL_CLUSTER_STATE=existing$' "$NOTES/birth.env" && [[ ! -e $NOTES/voter ]]
}

# By what the others know: its own knowledge is of the past as long as it has not caught up.
has_vote() {
  local listed id learner
  listed=$(members "$OTHER_ENDPOINTS") || give_back "$listed" || return
  read -r id _ _ _ _ learner <<<"$(awk -v url="$PEER_URL" '$4 == url' <<<"$listed")" || true
  if [[ -z $id ]]; then
    echo "no other member lists it"
    return 1
  fi
  [[ $learner == false ]] || etcdctl --endpoints="$OTHER_ENDPOINTS" member promote "$id"
}
