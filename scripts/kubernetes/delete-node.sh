#!/usr/bin/env bash
# Deletes the Node of a worker whose machine is about to end, after everything has left it. Runs on a master; needs api-server.sh.
# NODE_NAME, PROVIDER_ID: the worker and the machine it is; a Node of the same name on another machine is left alone.
set -euo pipefail

be_administrator
known=$(kubectl get node "$NODE_NAME" --ignore-not-found --output 'jsonpath={.spec.providerID}')
if [[ $known == "$PROVIDER_ID" ]]; then
  kubectl delete node "$NODE_NAME" --ignore-not-found
fi
