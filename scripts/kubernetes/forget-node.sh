#!/usr/bin/env bash
# Deletes the Node that an earlier machine left behind under a name which a new machine is about to take. Runs on a master;
# needs api-server.sh. NODE_NAME, PROVIDER_ID: the worker and the machine it is now.
set -euo pipefail

be_administrator
known=$(kubectl get node "$NODE_NAME" --ignore-not-found --output 'jsonpath={.spec.providerID}')
if [[ -n $known && $known != "$PROVIDER_ID" ]]; then
  kubectl delete node "$NODE_NAME" --ignore-not-found
fi
