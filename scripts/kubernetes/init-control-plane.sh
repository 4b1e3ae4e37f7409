#!/usr/bin/env bash
# Founds the cluster on the first master, once in a cluster's life. Needs a prepared node and an etcd that has its quorum,
# or STACKED_ETCD: then kubeadm makes the first member. NODE_NAME: this master.
set -euo pipefail

trap clean_up EXIT
finish_if_member

undo_half_done
refuse_foreign_data
place_files
run_kubeadm init --config "$STAGE/kubeadm.yaml" --skip-token-print --skip-certificate-key-print
# Power beyond all rules, and on this master only: nothing here needs it, admin.conf is what people use.
rm -f /etc/kubernetes/super-admin.conf
touch "$JOINED"
