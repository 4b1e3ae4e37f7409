#!/usr/bin/env bash
# What founding and joining share: files waiting on tmpfs, undoing a half-done attempt, telling why kubeadm failed.
# Put before init-control-plane.sh and join-node.sh; needs common.sh. NODE_NAME is a setting of both.
set -euo pipefail

STAGE=/run/kubeadm-step
clean_up() {
  rm -rf "$STAGE"
}
trap clean_up EXIT
# kubeadm reset empties this folder, so the mark cannot outlive the membership it stands for.
JOINED=/var/lib/kubelet/joined

is_member() {
  [[ -f $JOINED && -f /etc/kubernetes/kubelet.conf ]]
}

# etcd's own folder is left alone: without the skipped phase a reset would empty /var/lib/etcd under a living member.
# Nor is /etc/cni/net.d touched: containerd watches that very folder and would be blind until it restarts.
undo_half_done() {
  local left
  left=$(find /etc/kubernetes -maxdepth 2 \( -name '*.conf' -o -path '*/manifests/*.yaml' -o -path '*/pki/*' \) -print -quit 2>/dev/null || true)
  if [[ -n $left || -e /var/lib/kubelet/config.yaml ]]; then
    echo "undoing an attempt that did not finish"
    kubeadm reset --force --skip-phases=remove-etcd-member
    forget_pod_network
  fi
}

# The next Node may get another range of pod addresses, and a bridge with an address of the old one takes no pod.
forget_pod_network() {
  local link
  for link in cni0 flannel.1; do
    ip link delete "$link" 2>/dev/null || true
  done
  rm -rf /run/flannel /var/lib/cni/networks
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
  for container in kube-apiserver kube-controller-manager kube-scheduler; do
    log=$(find /var/log/pods -path "*_$container-*" -name '*.log' -printf '%T@ %p\n' 2>/dev/null | sort --numeric-sort | tail -n 1 || true)
    log=${log#* }
    if [[ -n $log ]]; then
      echo "--- last lines of $container (more: $log)"
      tail -n 8 "$log" | cut -c1-300
    fi
  done
}

run_kubeadm() {
  if ! kubeadm "$@"; then
    explain_kubeadm >&2
    fail "kubeadm $1 on $NODE_NAME; what it said and the last lines of the logs that matter are above"
  fi
}
