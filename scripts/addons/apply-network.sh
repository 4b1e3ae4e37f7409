#!/usr/bin/env bash
# Gives the pods their network: applies the network add-on's manifest, on the first master. Needs a founded cluster.
# MANIFEST: the file to apply. MASTER_ADDRESS: this master, whose own API server is asked.
set -euo pipefail

# A machine that has taken the first master's place is one only when its join is done.
wait_for 500 "this master to be a member of the cluster" test -e /etc/kubernetes/admin.conf
kubectl --kubeconfig /etc/kubernetes/admin.conf --server "https://$MASTER_ADDRESS:6443" \
  apply --server-side --force-conflicts --filename "$MANIFEST"
rm -f "$MANIFEST"
