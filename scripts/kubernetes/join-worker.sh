#!/usr/bin/env bash
# Joins a machine to the cluster as a worker; does nothing on a member. Needs a prepared node, a living API server, kubeadm.sh,
# membership.sh and api-server.sh. NODE_NAME: this worker.
set -euo pipefail

# A worker may not delete its Node. If an attempt of its own left one, that Node stops looking Ready before long.
predecessor_is_silent() {
  [[ $(kubectl get node "$NODE_NAME" --ignore-not-found \
    --output 'jsonpath={.status.conditions[?(@.type=="Ready")].status}') != True ]]
}

trap clean_up EXIT
finish_if_member

undo_half_done
export KUBECONFIG=$STAGE/bootstrap.conf API_CA=$STAGE/ca.crt
choose_api_server
sed --in-place "s,server: https://.*,server: $READY_SERVER," "$KUBECONFIG"
place_files
wait_for 180 "the Node $NODE_NAME of an earlier attempt to be NotReady" predecessor_is_silent
run_kubeadm join --config "$STAGE/kubeadm.yaml"
touch "$JOINED"
