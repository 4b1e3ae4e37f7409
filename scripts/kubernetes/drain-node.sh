#!/usr/bin/env bash
# Moves the pods off a worker that is about to end, then deletes its Node. Runs on a master; needs api-server.sh.
# NODE_NAME, PROVIDER_ID: the worker and the machine it is; a Node of the same name on another machine is left alone.
set -euo pipefail

be_administrator
known=$(kubectl get node "$NODE_NAME" --ignore-not-found --output 'jsonpath={.spec.providerID}')
if [[ $known != "$PROVIDER_ID" ]]; then
  echo "no Node $NODE_NAME on this machine: nothing to drain"
  exit 0
fi

ready=$(kubectl get node "$NODE_NAME" --output 'jsonpath={.status.conditions[?(@.type=="Ready")].status}')
if [[ $ready == True ]]; then
  kubectl drain "$NODE_NAME" --ignore-daemonsets --delete-emptydir-data --force --timeout=300s
else
  echo "$NODE_NAME does not answer: its pods are given up instead of drained"
fi
kubectl delete node "$NODE_NAME" --ignore-not-found
