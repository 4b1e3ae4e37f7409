#!/usr/bin/env bash
# Talking to etcd members with curl: etcd's JSON gateway on a client port, and the few paths of a peer port.
# ETCD_CA, ETCD_CERT, ETCD_KEY: the files of a certificate that members let in. Comes after common.sh.
set -euo pipefail

# CURL'S ARGUMENTS...: the answer; what the member says against it too. (A peer port speaks no HTTP/2, and closes on it.)
etcd_curl() {
  curl --silent --show-error --fail-with-body --http1.1 --connect-timeout 3 --max-time 15 \
    --cacert "$ETCD_CA" --cert "$ETCD_CERT" --key "$ETCD_KEY" "$@"
}

# URL PATH JSON: asks the member with this client URL, say, etcd_api https://10.0.0.10:2379 /v3/cluster/member/list '{}'.
etcd_api() {
  etcd_curl --data "$3" "$1$2"
}

# NAME: etcd's key, as the gateway wants it, for the machine that this member is on.
machine_key() {
  printf 'kubeadm-aws/etcd-members/%s' "$1" | base64 --wrap=0
}

# URL NAME MACHINE: notes in etcd which machine the member is on.
note_machine() {
  etcd_api "$1" /v3/kv/put "{\"key\": \"$(machine_key "$2")\", \"value\": \"$(printf %s "$3" | base64 --wrap=0)\"}" >/dev/null
}

# The members in a gateway's answer (IDs are texts there) or in a peer port's /members (numbers), one a line:
# ID, name, peer URL, client URL, whether it is a learner. A member that never started has "-" for name and client URL.
members_from_json() {
  sed 's/.*"members" *: *//' | { grep --only-matching '{[^{}]*"peerURLs"[^{}]*}' || true; } | awk '
    function value(key) {
      if (!match($0, "\"" key "\" *: *\\[? *\"?[^][\",}]+")) return "-"
      found = substr($0, RSTART, RLENGTH)
      sub(/^[^:]*: *\[? *"?/, "", found)
      return found
    }
    { print value("[iI][dD]"), value("name"), value("peerURLs"), value("clientURLs"), value("isLearner") == "true" ? "true" : "false" }'
}
