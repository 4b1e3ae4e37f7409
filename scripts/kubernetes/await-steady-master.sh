#!/usr/bin/env bash
# Waits until this master does its work, also for clients that come by the balancer, so that another may be stopped. Needs
# etcd-client.sh, root-disk.sh. NODE_NAME, NODE_ADDRESS, MADE_OF, WANTED: this master. API_NAME: the balancer's. ETCD_PKI: the folder of
# etcd's certificates, empty where no member is on masters. Notes WANTED for spare-machine.sh.
set -euo pipefail

PKI=/etc/kubernetes/pki

is_ready() {
  curl --silent --show-error --fail --max-time 5 --cacert "$PKI/ca.crt" "https://$NODE_ADDRESS:6443/readyz"
}

certificate_of() {
  openssl x509 -noout -fingerprint -sha256
}

# A balancer sends each connection to any of the masters that it takes for healthy.
is_behind_balancer() {
  local own seen
  own=$(certificate_of <"$PKI/apiserver.crt")
  for _ in {1..20}; do
    seen=$(timeout 5 openssl s_client -connect "$API_NAME:6443" </dev/null 2>/dev/null | certificate_of) || return
    [[ $seen != "$own" ]] || return 0
  done
  echo "$API_NAME:6443 leads to other masters only"
  return 1
}

if [[ -n $ETCD_PKI ]]; then
  be_etcd_client "$ETCD_PKI"
  wait_for 300 "etcd on $NODE_NAME to take part in the quorum, with a vote" is_healthy "https://$NODE_ADDRESS:2379"
fi
EXPLAIN="show_journal kubelet" wait_for 300 "the API server of $NODE_NAME" is_ready
EXPLAIN="explain_port $API_NAME 6443 'who may reach the API balancer on 6443'" \
  wait_for 600 "the balancer $API_NAME to send clients to $NODE_NAME" is_behind_balancer
grow_root_file_system
install_file /etc/kubeadm-aws/made-of 0644 root:root <<<"$WANTED"
echo "$NODE_NAME ($MADE_OF) does its work"
