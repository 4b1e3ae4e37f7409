#!/usr/bin/env bash
# Deletes the Secret with the certificates that masters share, now that they have them. Runs on the first master.
# NODE_ADDRESS: this master, whose own API server is asked. UPLOAD: a digest of what was uploaded, so that each is deleted.
set -euo pipefail

kubectl --kubeconfig /etc/kubernetes/admin.conf --server "https://$NODE_ADDRESS:6443" --namespace kube-system \
  delete secret kubeadm-certs --ignore-not-found
echo "upload $UPLOAD is withdrawn"
