#!/usr/bin/env bash
# Founds the cluster on the first master, once in a cluster's life. Needs a prepared node and an etcd that has its quorum.
# NODE_NAME, NODE_ADDRESS, API_NAME: this master and the name all others will reach the API server by.
set -euo pipefail

if is_member; then
  echo "$NODE_NAME is a member already"
else
  undo_half_done
  place_files
  run_kubeadm init --config "$STAGE/kubeadm.yaml" --skip-token-print --skip-certificate-key-print
  wake_kubelet
  touch "$JOINED"
fi
rm -f /etc/kubernetes/super-admin.conf

wait_for 300 "the API server behind https://$API_NAME:6443 (the balancer's name, its target's health check, the rule that lets masters reach it)" \
  curl --silent --fail --max-time 5 --output /dev/null --cacert /etc/kubernetes/pki/ca.crt "https://$API_NAME:6443/readyz"
