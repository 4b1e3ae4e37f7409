#!/usr/bin/env bash
# Moves the pods off a worker that is about to end, then deletes its Node. Runs on a master; needs api-server.sh.
# NODE_NAME, PROVIDER_ID: the worker and the machine it is; a Node of the same name on another machine is left alone.
set -euo pipefail

# A Node looks Ready for most of a minute after its machine is gone; its kubelet, asked by the API server, answers no more. One that
# restarts is back in a moment.
is_gone() {
  for _ in {1..3}; do
    ! kubectl --request-timeout 5s get --raw "/api/v1/nodes/$NODE_NAME/proxy/healthz" >/dev/null 2>&1 || return 1
    sleep 2
  done
}

# No kubelet ends the pods of a machine that is gone, so nobody waits for them.
drain() {
  command kubectl --server "$READY_SERVER" drain "$NODE_NAME" --ignore-daemonsets --delete-emptydir-data --force --timeout=300s &
  until is_gone; do
    if ! kill -0 $! 2>/dev/null; then
      wait $! && return
      kubectl uncordon "$NODE_NAME" || true
      fail "pods did not leave $NODE_NAME within 300 s, see above: a budget forbids it, or they have nowhere to go. It takes pods again; mend that and run pulumi up again"
    fi
    sleep 1
  done
  kill $! 2>/dev/null || true
  echo "$NODE_NAME does not answer: its pods are given up instead of drained"
}

be_administrator
known=$(kubectl get node "$NODE_NAME" --ignore-not-found --output 'jsonpath={.spec.providerID}')
if [[ $known != "$PROVIDER_ID" ]]; then
  echo "no Node $NODE_NAME on this machine: nothing to drain"
  exit 0
fi
drain
kubectl delete node "$NODE_NAME" --ignore-not-found
