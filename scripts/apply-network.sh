#!/usr/bin/env bash
# Gives the pods their network: applies flannel's manifest, on the first master. Needs a founded cluster.
# MANIFEST: the file to apply. MASTER_ADDRESS: this master, whose own API server is asked.
set -euo pipefail

kubectl --kubeconfig /etc/kubernetes/admin.conf --server "https://$MASTER_ADDRESS:6443" \
  apply --server-side --force-conflicts --filename "$MANIFEST"
rm -f "$MANIFEST"
