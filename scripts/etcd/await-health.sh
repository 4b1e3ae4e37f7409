#!/usr/bin/env bash
# Waits until every etcd member takes part in the quorum, and etcd has no other. Runs on a member; needs the command etcd-health.
# ENDPOINTS: all members' client URLs by comma. ETCD_PKI: the folder of this member's certificates.
set -euo pipefail

ask_etcd() {
  etcdctl --endpoints="$ENDPOINTS" --cacert="$ETCD_PKI/ca.crt" --cert="$ETCD_PKI/healthcheck-client.crt" \
    --key="$ETCD_PKI/healthcheck-client.key" "$@"
}

is_healthy() {
  local listed
  ask_etcd endpoint health || return
  listed=$(ask_etcd member list) || return
  if (($(wc --lines <<<"$listed") != $(wc --lines <<<"${ENDPOINTS//,/$'\n'}"))); then
    echo "etcd has other members: $listed"
    return 1
  fi
}

EXPLAIN=/usr/local/sbin/etcd-health wait_for 240 "a healthy etcd" is_healthy
