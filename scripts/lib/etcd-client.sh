#!/usr/bin/env bash
# How a step asks etcd. Needs etcdctl.
set -euo pipefail

# FOLDER: etcdctl asks with the certificate for health checks that lies there.
be_etcd_client() {
  export ETCDCTL_CACERT=$1/ca.crt ETCDCTL_CERT=$1/healthcheck-client.crt ETCDCTL_KEY=$1/healthcheck-client.key
}

# ENDPOINTS: the members by what a quorum knows, one a line: ID, status, name, peer URL, client URL, whether it is a learner.
# A member that never started has "-" for its client URL, and for its name if it is none of the first.
members() {
  local said
  said=$(etcdctl --endpoints="$1" member list 2>&1) || give_back "$said" || return
  awk -F ', ' '$2 ~ /^(un)?started$/ {print $1, $2, ($3 == "" ? "-" : $3), $4, ($5 == "" ? "-" : $5), $6}' <<<"$said"
}

give_back() {
  echo "$1"
  return 1
}

# ENDPOINTS: a linearizable read, which succeeds on a member that takes part in a quorum, and fails on a learner.
is_healthy() {
  etcdctl --endpoints="$1" get kubeadm-aws >/dev/null 2>&1
}
