#!/usr/bin/env bash
# Waits until every etcd member takes part in the quorum, and etcd has no other. Runs on a member; needs etcd-client.sh and the
# command etcd-health. ENDPOINTS: all members' client URLs by comma. ETCD_PKI: the folder of this member's certificates.
set -euo pipefail

is_whole() {
  local listed
  etcdctl --endpoints="$ENDPOINTS" endpoint health || return
  listed=$(etcdctl --endpoints="$ENDPOINTS" member list) || return
  if (($(wc --lines <<<"$listed") != $(wc --lines <<<"${ENDPOINTS//,/$'\n'}"))); then
    echo "etcd has other members: $listed"
    return 1
  fi
}

be_etcd_client "$ETCD_PKI"
EXPLAIN=/usr/local/sbin/etcd-health wait_for 240 "a healthy etcd" is_whole
