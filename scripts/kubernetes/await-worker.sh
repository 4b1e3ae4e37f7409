#!/usr/bin/env bash
# Waits until a worker does its work, so that another may be taken away. Runs on a master; needs api-server.sh.
# NODE_NAME, PROVIDER_ID, MADE_OF: the worker and the machine it is.
set -euo pipefail

is_in_service() {
  local seen
  seen=$(kubectl get node "$NODE_NAME" --output json) || {
    echo "$seen"
    return 1
  }
  jq --exit-status --arg machine "$PROVIDER_ID" '.spec.providerID == $machine
    and (.status.conditions | any(.type == "Ready" and .status == "True"))' <<<"$seen" >/dev/null || {
    jq --raw-output '"\(.metadata.name) is \(.spec.providerID): \(.status.conditions[] | select(.type == "Ready") | .message)"' <<<"$seen"
    return 1
  }
}

be_administrator
wait_for 300 "the node $NODE_NAME to be Ready" is_in_service
echo "$NODE_NAME ($MADE_OF) does its work"
