#!/usr/bin/env bash
# Which API server to ask: the first of API_SERVERS (URLs by space, in order of preference) that is ready. Needs common.sh.
# API_CA: the file of the authority that all of them have their certificates from.
set -euo pipefail

is_ready() {
  curl --silent --show-error --fail --max-time 5 --output /dev/null --cacert "$API_CA" "$1/readyz"
}

# While no target is healthy yet, a balancer tries all of them. Several answers in a row mean that it knows who lives; of a
# server at an address of its own, one is enough.
is_ready_steadily() {
  is_ready "$1" || return
  [[ $1 != https://[0-9]* ]] || return 0
  for _ in {1..7}; do
    is_ready "$1" || return
  done
}

find_api_server() {
  local server
  for server in $API_SERVERS; do
    if is_ready_steadily "$server"; then
      echo "$server"
      return
    fi
  done
  return 1
}

# The choice is READY_SERVER, and kubectl's from here on.
choose_api_server() {
  local first=${API_SERVERS%% *}
  EXPLAIN="explain_port $(cut -d/ -f3 <<<"${first%:*}") ${first##*:} 'who may reach the masters and the API balancer on 6443'" \
    wait_for 300 "an API server at $API_SERVERS" find_api_server
  READY_SERVER=$(tail -n 1 <<<"$ANSWER")
}

kubectl() {
  command kubectl --server "$READY_SERVER" "$@"
}

# On a master: kubectl asks as the administrator. A machine that has taken another master's place is one when its join is done.
be_administrator() {
  wait_for 500 "this machine to be a master of the cluster" test -e /etc/kubernetes/admin.conf
  export KUBECONFIG=/etc/kubernetes/admin.conf API_CA=/etc/kubernetes/pki/ca.crt
  choose_api_server
}
