#!/usr/bin/env bash
# Waits until every etcd member answers and takes part in the quorum. Runs on one member, with its certificates.
# ENDPOINTS: the members' client URLs by comma. MACHINES: their identities, so that a new machine is waited for.
set -euo pipefail

explain_members() {
  local endpoint address
  for endpoint in ${ENDPOINTS//,/ }; do
    address=${endpoint#https://}
    explain_port "${address%:*}" 2379 "masters reach each other's etcd on 2379-2380"
    explain_port "${address%:*}" 2380 "masters reach each other's etcd on 2379-2380"
  done
  show_etcd_log
}

EXPLAIN=explain_members wait_for 240 "a healthy etcd of members $ENDPOINTS" \
  etcdctl endpoint health --endpoints "$ENDPOINTS" --command-timeout 5s
echo "etcd is healthy: $ENDPOINTS on $MACHINES"
