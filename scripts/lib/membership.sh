#!/usr/bin/env bash
# Is this host a member of the cluster, and if an attempt to make it one did not finish, how it is undone. Needs common.sh.
# NETWORK_LINKS and NETWORK_PATHS: what the network add-on leaves on a host, by space.
# STACKED_ETCD: the client URLs of all masters' members by comma, unset or empty where kubeadm does not run etcd.
set -euo pipefail

# kubeadm reset empties this folder, so the mark cannot outlive the membership it stands for.
JOINED=/var/lib/kubelet/joined
# Stays from before the reset, which removes all other traces of an attempt, until everything is undone.
UNDOING=/etc/kubernetes/undoing
ETCD_DATA=/var/lib/etcd

is_member() {
  [[ -f $JOINED && -f /etc/kubernetes/kubelet.conf ]]
}

# With the phase that is skipped, a reset would empty /var/lib/etcd under a living member of an etcd that is not kubeadm's.
# Nor is /etc/cni/net.d touched: containerd watches that very folder and would be blind until it restarts.
undo_half_done() {
  local left
  left=$(find /etc/kubernetes -maxdepth 2 \( -name '*.conf' -o -path '*/manifests/*.yaml' -o -path '*/pki/*' \) -print -quit 2>/dev/null || true)
  if [[ -n $left || -e /var/lib/kubelet/config.yaml || -e $UNDOING ]]; then
    echo "undoing an attempt that did not finish"
    mkdir -p /etc/kubernetes
    touch "$UNDOING"
    kubeadm reset --force --skip-phases=remove-etcd-member
    forget_pod_network
    # The folder itself stays: it may be a disk of its own.
    if [[ -n ${STACKED_ETCD:-} && -d $ETCD_DATA ]]; then
      find "$ETCD_DATA" -mindepth 1 -delete
    fi
    rm -f "$UNDOING"
  fi
}

# Data that no attempt of this cluster left here: a member must not start on it, and it may be all that is left of another.
refuse_foreign_data() {
  if [[ -n ${STACKED_ETCD:-} && -n $(find "$ETCD_DATA" -mindepth 1 -print -quit 2>/dev/null) ]]; then
    fail "$ETCD_DATA on this host is not empty: it is a data directory of another cluster. Save what you need of it, empty it, run pulumi up again"
  fi
}

# What the network add-on left here; its folder in /etc/cni stays, which containerd watches.
forget_pod_network() {
  local link paths
  for link in $NETWORK_LINKS; do
    ip link delete "$link" 2>/dev/null || true
  done
  read -ra paths <<<"$NETWORK_PATHS"
  rm -rf "${paths[@]}"
}
