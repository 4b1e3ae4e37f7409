#!/usr/bin/env bash
# Joins a machine to the cluster, as a master or a worker; does nothing on a member and never founds a cluster.
# NODE_NAME, ROLE (control-plane or worker), API_NAME: the balancer's name. Needs a prepared node and a living API server.
set -euo pipefail

# While no target is healthy yet, a balancer tries all of them. Several answers in a row mean that it knows who lives.
api_answers_steadily() {
  local url=https://$API_NAME:6443/readyz
  for _ in {1..8}; do
    curl --silent --show-error --fail --max-time 5 --output /dev/null --cacert "$STAGE/ca.crt" "$url" || return
  done
}

# kubeadm refuses to join beside a Node of this name that still looks Ready: the one of the machine that was here before.
forget_predecessor() {
  kubectl --kubeconfig "$STAGE/admin.conf" delete node "$NODE_NAME" --ignore-not-found
}

# The kubelet of a master talks to its own API server, which does not exist when the kubelet starts. Left alone, its
# watches come back only after a back-off of up to half a minute.
wake_kubelet() {
  systemctl restart kubelet
}

if is_member; then
  place_leaves
  echo "$NODE_NAME is a member already"
  exit 0
fi

undo_half_done
EXPLAIN="explain_port $API_NAME 6443 'from masters and workers to the API balancer, and from there to the masters, 6443'" \
  wait_for 300 "the API server at https://$API_NAME:6443" api_answers_steadily
if [[ $ROLE == control-plane ]]; then
  forget_predecessor
fi
place_files
run_kubeadm join --config "$STAGE/kubeadm.yaml"
if [[ $ROLE == control-plane ]]; then
  wake_kubelet
fi
touch "$JOINED"
