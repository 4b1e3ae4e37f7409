#!/usr/bin/env bash
# How any node finds the API server that it joins by. Needs common.sh and kubeadm.sh.
# API_SERVERS: URLs to join by, in order of preference.
set -euo pipefail

is_ready() {
  curl --silent --show-error --fail --max-time 5 --output /dev/null --cacert "$STAGE/ca.crt" "$1/readyz"
}

# While no target is healthy yet, a balancer tries all of them. Several answers in a row mean that it knows who lives.
is_ready_steadily() {
  for _ in {1..8}; do
    is_ready "$1" || return
  done
}

find_api_server() {
  local server
  for server in $API_SERVERS; do
    if is_ready_steadily "$server"; then
      echo "$server" >"$STAGE/api-server"
      return
    fi
  done
  return 1
}

# Its choice is CHOSEN, and where the bootstrap kubeconfig leads.
choose_api_server() {
  local first=${API_SERVERS%% *}
  EXPLAIN="explain_port $(cut -d/ -f3 <<<"${first%:*}") ${first##*:} 'who may reach the masters and the API balancer on 6443'" \
    wait_for 300 "an API server at $API_SERVERS" find_api_server
  CHOSEN=$(<"$STAGE/api-server")
  sed --in-place "s,server: https://.*,server: $CHOSEN," "$STAGE/bootstrap.conf"
}
