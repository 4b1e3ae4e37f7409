#!/usr/bin/env bash
# What founding and joining share: files waiting on tmpfs, undoing a half-done attempt, telling why kubeadm failed.
# Put before every script that runs kubeadm; needs common.sh. NODE_NAME: this host.
# NETWORK_LINKS and NETWORK_PATHS: what the network add-on leaves on a host, by space, for whoever undoes an attempt.
# STACKED_ETCD: the client URLs of all masters' members by comma, unset or empty where kubeadm does not run etcd.
set -euo pipefail

STAGE=/run/kubeadm-step
clean_up() {
  rm -rf "$STAGE"
}
trap clean_up EXIT
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

# Installs one staged folder into its place, keys readable by root only.
place() {
  local from=$STAGE/$1 to=$2 file mode
  [[ -d $from ]] || return 0
  while IFS= read -r -d '' file; do
    if [[ $file == *.key ]]; then mode=0600; else mode=0644; fi
    install -D --mode "$mode" "$from/$file" "$to/$file"
  done < <(find "$from" -type f -printf '%P\0')
}

place_files() {
  place pki /etc/kubernetes/pki
  place patches /etc/kubernetes/patches
  place_leaves
}

# Certificates that this host holds and that get renewed; the API server and the kubelet look at their files again and again.
place_leaves() {
  place etcd-client /etc/kubernetes/pki
  place kubelet-pki /var/lib/kubelet/pki
}

explain_kubeadm() {
  local container log
  show_journal kubelet
  for container in etcd kube-apiserver kube-controller-manager kube-scheduler; do
    log=$(find /var/log/pods -path "*_$container-*" -name '*.log' -printf '%T@ %p\n' 2>/dev/null | sort --numeric-sort | tail -n 1 || true)
    log=${log#* }
    if [[ -n $log ]]; then
      echo "--- last lines of $container (more: $log)"
      tail -n 8 "$log" | cut -c1-300
    fi
  done
}

run_kubeadm() {
  local command="$*"
  if ! kubeadm "$@"; then
    explain_kubeadm >&2
    fail "kubeadm ${command%% --*} on $NODE_NAME; what it said and the last lines of the logs that matter are above"
  fi
}
