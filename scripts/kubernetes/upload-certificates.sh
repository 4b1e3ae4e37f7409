#!/usr/bin/env bash
# Uploads what masters share, encrypted, as the Secret kubeadm-certs, for the masters about to join. Runs on the first master.
# NODE_NAME, NODE_ADDRESS: this master. EXPECTED: "name=identity ..." of the others, so that a new machine gets a new upload.
set -euo pipefail

trap clean_up EXIT
# This master's own API server: a balancer may still send us to one that is gone.
sed "s,server: https://.*,server: https://$NODE_ADDRESS:6443," /etc/kubernetes/admin.conf | install_file "$STAGE/admin.conf" 0600 root:root
export KUBECONFIG=$STAGE/admin.conf
EXPLAIN=explain_kubeadm wait_for 120 "the API server of $NODE_NAME" kubectl get --raw /readyz
run_kubeadm init phase upload-certs --upload-certs --skip-certificate-key-print --config "$STAGE/kubeadm.yaml" --kubeconfig "$KUBECONFIG"
# Its owner is a token that ends in two hours, and the Secret with it: too soon for an interrupted `pulumi up`.
kubectl --namespace kube-system patch secret kubeadm-certs --type=json --patch '[{"op": "remove", "path": "/metadata/ownerReferences"}]'
echo "uploaded for $EXPECTED"
