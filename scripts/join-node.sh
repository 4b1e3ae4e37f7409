#!/usr/bin/env bash
# Joins a machine to the cluster, as a master or a worker; does nothing on a member and never founds a cluster.
# NODE_NAME, NODE_ADDRESS, ROLE (control-plane or worker), API_NAME. Needs a prepared node and a living API server.
set -euo pipefail

api_answers() {
  curl --silent --fail --max-time 5 --output /dev/null --cacert "$STAGE/ca.crt" "https://$API_NAME:6443/readyz"
}

# A Node left behind by the machine that had this name before: kubeadm refuses to join beside it while it looks Ready.
forget_predecessor() {
  kubectl --kubeconfig "$STAGE/admin.conf" delete node "$NODE_NAME" --ignore-not-found
}

if is_member; then
  echo "$NODE_NAME is a member already"
  exit 0
fi

undo_half_done
wait_for 300 "the API server behind https://$API_NAME:6443" api_answers
if [[ $ROLE == control-plane ]]; then
  forget_predecessor
fi
place_files
run_kubeadm join --config "$STAGE/kubeadm.yaml"
if [[ $ROLE == control-plane ]]; then
  wake_kubelet
fi
touch "$JOINED"
