#!/usr/bin/env bash
# Deletes the Node that an earlier machine left behind under a name which a new machine is about to take. Runs on a master.
# NODE_NAME, PROVIDER_ID: the worker and the machine it is now. MASTER_ADDRESS: this master, whose own API server is asked.
set -euo pipefail

kubectl() {
  command kubectl --kubeconfig /etc/kubernetes/admin.conf --server "https://$MASTER_ADDRESS:6443" "$@"
}

# A machine that has taken the first master's place is one only when its join is done.
wait_for 500 "this master to be a member of the cluster" test -e /etc/kubernetes/admin.conf
known=$(kubectl get node "$NODE_NAME" --ignore-not-found --output 'jsonpath={.spec.providerID}')
if [[ -n $known && $known != "$PROVIDER_ID" ]]; then
  kubectl delete node "$NODE_NAME" --ignore-not-found
fi
