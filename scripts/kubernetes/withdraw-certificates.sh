#!/usr/bin/env bash
# Deletes the Secret with the certificates that masters share, now that they have them. Runs on the first master.
# Needs api-server.sh. UPLOAD: a digest of what was uploaded, so that each is deleted.
set -euo pipefail

be_administrator
kubectl --namespace kube-system delete secret kubeadm-certs --ignore-not-found
echo "upload $UPLOAD is withdrawn"
