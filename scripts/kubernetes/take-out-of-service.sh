#!/usr/bin/env bash
# Takes a worker out of service before it ends: no new connection comes by the balancer, then its pods move. Runs on a master;
# needs api-server.sh. NODE_NAME, PROVIDER_ID: the worker and the machine it is; a Node of that name on another machine is left
# alone. UNSERVED_SECONDS: after which no balancer sends clients to a node that says no. DRAIN_SECONDS: for the pods to leave; if it
# is not set, as the masters were told last.
set -euo pipefail

# kube-proxy answers the balancer's checks with no on a node with this taint, and serves on whoever is connected still.
LEAVING=ToBeDeletedByClusterAutoscaler

TOLD=/etc/kubeadm-aws/drain-seconds

# A Node looks Ready for most of a minute after its machine is gone; its kubelet, asked by the API server, answers no more. One that
# restarts is back in a moment, and an API server that does not answer itself says nothing about it.
is_gone() {
  local said
  for _ in {1..3}; do
    kubectl --request-timeout 5s get --raw /readyz >/dev/null 2>&1 || return 1
    ! said=$(kubectl --request-timeout 5s get --raw "/api/v1/nodes/$NODE_NAME/proxy/healthz" 2>&1) || return 1
    grep --quiet --extended-regexp 'trying to reach|[Tt]imeout|timed out|deadline' <<<"$said" || return 1
    sleep 2
  done
}

give_up_if_gone() {
  if is_gone; then
    echo "$NODE_NAME does not answer: its pods are given up instead of drained"
    exit 0
  fi
}

# By an API server that is ready now: the one before may be why it failed.
take_back() {
  choose_api_server
  kubectl taint node "$NODE_NAME" "$LEAVING-" >/dev/null || true
  kubectl uncordon "$NODE_NAME" || true
}

# No kubelet ends the pods of a machine that is gone, so nobody waits for them.
drain() {
  local said blocked
  said=$(mktemp)
  command kubectl --server "$READY_SERVER" drain "$NODE_NAME" --ignore-daemonsets --delete-emptydir-data --force \
    --timeout="${DRAIN_SECONDS}s" >"$said" 2>&1 &
  while kill -0 $! 2>/dev/null; do
    if is_gone; then kill $! 2>/dev/null || true; fi
    sleep 1
  done
  # Not by tee while it goes on: that may still have the pod's name when kubectl has ended.
  cat "$said"
  blocked=$(sed -n -E 's,.*pods/"([^"]*)" -n "([^"]*)".*,\2/\1,p' "$said" | sort --unique | paste --serial --delimiters=' ')
  rm -f "$said"
  wait $! && return
  give_up_if_gone
  take_back
  fail "$NODE_NAME keeps its pods ${blocked:-(see above)} after $DRAIN_SECONDS s (drainTimeoutSeconds): a budget forbids their eviction, or they have nowhere to go. It is in service again and nothing else was touched; mend that and run pulumi up again, or take the change back"
}

be_administrator
known=$(kubectl get node "$NODE_NAME" --ignore-not-found --output 'jsonpath={.spec.providerID}')
if [[ $known != "$PROVIDER_ID" ]]; then
  echo "no Node $NODE_NAME on this machine: nothing to drain"
  exit 0
fi
give_up_if_gone
if [[ -z ${DRAIN_SECONDS-} ]]; then
  # A master that has just taken another's place is told last of all.
  wait_for 500 "this master to be told drainTimeoutSeconds" test -e "$TOLD"
  DRAIN_SECONDS=$(<"$TOLD")
fi
trap 'take_back; fail "stopped from outside, or by its time limit, while $NODE_NAME left; it is in service again"' TERM
kubectl cordon "$NODE_NAME"
kubectl taint node "$NODE_NAME" "$LEAVING=leaving:NoSchedule" --overwrite >/dev/null
# What the balancer has found out, only the balancer knows.
sleep "$UNSERVED_SECONDS"
drain
