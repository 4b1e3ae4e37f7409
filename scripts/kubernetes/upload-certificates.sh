#!/usr/bin/env bash
# Uploads what masters share, encrypted, as the Secret kubeadm-certs, for the masters about to join. Runs on the first master.
# Needs kubeadm.sh and api-server.sh. NODE_NAME: this master. EXPECTED: "name=identity ..." of the others, so that a new machine gets a new upload.
set -euo pipefail

trap clean_up EXIT
be_administrator
# kubeadm takes its API server from the kubeconfig alone, and the balancer may still send it to one that is gone.
sed "s,server: https://.*,server: $READY_SERVER," "$KUBECONFIG" | install_file "$STAGE/admin.conf" 0600 root:root
run_kubeadm init phase upload-certs --upload-certs --skip-certificate-key-print --config "$STAGE/kubeadm.yaml" --kubeconfig "$STAGE/admin.conf"
# Its owner is a token that ends in two hours, and the Secret with it: too soon for an interrupted `pulumi up`.
kubectl --namespace kube-system patch secret kubeadm-certs --type=json --patch '[{"op": "remove", "path": "/metadata/ownerReferences"}]'
echo "uploaded for $EXPECTED"
