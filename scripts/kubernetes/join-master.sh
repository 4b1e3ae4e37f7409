#!/usr/bin/env bash
# Joins a machine to the cluster as a master; does nothing on a member and never founds a cluster. Needs a prepared node, a living
# API server, kubeadm.sh, membership.sh, api-server.sh and etcd-client.sh. NODE_NAME, NODE_ADDRESS: this master.
# CERTIFICATES: placed, when what masters share comes with this step, or uploaded. STACKED_ETCD: as for membership.sh.
set -euo pipefail

# The other members let go of the one at this address: a half-done attempt's, or that of the machine that was here before. It
# would count as a dead voter, and one that comes back under its ID without its data breaks promises. An attempt's own member
# still runs meanwhile, because of two voters etcd needs both to let one go.
forget_member() {
  local listed id
  listed=$(members "$OTHER_MEMBERS") || give_back "$listed" || return
  id=$(awk -v url="https://$NODE_ADDRESS:2380" '$4 == url {print $1}' <<<"$listed")
  [[ -z $id ]] || etcdctl --endpoints="$OTHER_MEMBERS" member remove "$id"
}

explain_etcd() {
  local url address
  for url in ${OTHER_MEMBERS//,/ }; do
    address=${url#https://}
    explain_port "${address%:*}" 2379 "masters reach each other's etcd on 2379-2380"
  done
}

# kubeadm's own words for it name a command with a key that nobody is to know.
require_uploaded_certificates() {
  local found
  found=$(kubectl --namespace kube-system get secret kubeadm-certs --ignore-not-found --output name)
  [[ -n $found ]] ||
    fail "the Secret kubeadm-certs in namespace kube-system, from which $NODE_NAME gets the cluster's certificates, is not there: somebody deleted it, or it was withdrawn when all masters had joined. Set certificateDistribution to placed and run pulumi up again"
}

# kubeadm refuses to join beside a Node of this name that still looks Ready: the one of the machine that was here before.
forget_predecessor() {
  kubectl delete node "$NODE_NAME" --ignore-not-found
}

# The kubelet of a master talks to its own API server, which it must first start itself. In the meantime each of its
# attempts fails and backs off, up to half a minute. Started afresh when that API server is ready, it asks at once.
wake_kubelet_in_time() {
  wait_for 900 "the API server of $NODE_NAME itself" is_ready "https://$NODE_ADDRESS:6443"
  systemctl restart kubelet
}

trap clean_up EXIT
finish_if_member

if [[ -n $STACKED_ETCD ]]; then
  OTHER_MEMBERS=$(tr ',' '\n' <<<"$STACKED_ETCD" | sed "\,//$NODE_ADDRESS:,d" | paste --serial --delimiters=,)
  [[ -n $OTHER_MEMBERS ]] || fail "the data of etcd's only member is gone with its machine: start over, with python -m operate reset"
  be_etcd_client "$STAGE/etcd-client/etcd"
  EXPLAIN=explain_etcd wait_for 120 "the other masters' etcd to let go of the member at $NODE_ADDRESS" forget_member
fi
undo_half_done
refuse_foreign_data
export KUBECONFIG=$STAGE/admin.conf API_CA=$STAGE/ca.crt
choose_api_server
sed --in-place "s,server: https://.*,server: $READY_SERVER," "$STAGE/bootstrap.conf"
place_files
[[ $CERTIFICATES == placed ]] || require_uploaded_certificates
forget_predecessor
wake_kubelet_in_time &
WAKER=$!
trap 'kill "$WAKER" 2>/dev/null || true; clean_up' EXIT
run_kubeadm join --config "$STAGE/kubeadm.yaml"
# An upload that waited for days may have brought older ones.
place_leaves
wait "$WAKER"
touch "$JOINED"
