#!/usr/bin/env bash
# What founding and joining share: files waiting on tmpfs, undoing a half-done attempt, telling why kubeadm failed.
# Prepended to init-control-plane.sh and join-node.sh; needs common.sh.

STAGE=/run/kubeadm-step
# kubeadm reset empties this folder, so the mark cannot outlive the membership it stands for.
JOINED=/var/lib/kubelet/joined

is_member() {
  [[ -f $JOINED && -f /etc/kubernetes/kubelet.conf ]]
}

# etcd's own folder is left alone: without the skipped phase a reset would empty /var/lib/etcd under a living member.
# Nor is /etc/cni/net.d touched: containerd watches that very folder and would be blind until restarted.
undo_half_done() {
  if [[ -e /etc/kubernetes/kubelet.conf || -e /etc/kubernetes/bootstrap-kubelet.conf || -e /etc/kubernetes/pki || -e $JOINED ]] ||
    [[ -n $(find /etc/kubernetes/manifests -name '*.yaml' 2>/dev/null) ]]; then
    echo "undoing an attempt that did not finish"
    kubeadm reset --force --skip-phases=remove-etcd-member >/dev/null
  fi
}

# Installs one staged folder into its place, keys readable by root only.
place() {
  local from=$STAGE/$1 to=$2 file
  [[ -d $from ]] || return 0
  while IFS= read -r -d '' file; do
    install -D -o root -g root -m "$([[ $file == *.key ]] && echo 0600 || echo 0644)" "$from/$file" "$to/$file"
  done < <(cd "$from" && find . -type f -printf '%P\0')
}

place_files() {
  place pki /etc/kubernetes/pki
  place kubelet-pki /var/lib/kubelet/pki
  place patches /etc/kubernetes/patches
}

explain_kubeadm() {
  local container
  echo "--- last lines of the kubelet (more: journalctl -u kubelet)"
  journalctl --unit kubelet --lines 15 --no-pager --output cat 2>/dev/null | cut -c1-300
  for container in kube-apiserver kube-controller-manager kube-scheduler; do
    [[ -e /etc/kubernetes/manifests/$container.yaml ]] || continue
    echo "--- last lines of $container (more: /var/log/pods)"
    find /var/log/pods -path "*$container*" -name '*.log' -printf '%T@ %p\n' 2>/dev/null | sort -n | tail -1 | cut -d' ' -f2- |
      xargs --no-run-if-empty tail -n 8 | cut -c1-300
  done
}

run_kubeadm() {
  if ! kubeadm "$@"; then
    explain_kubeadm >&2
    fail "kubeadm $1 failed on $NODE_NAME; its messages and the logs that matter are above"
  fi
}

# The kubelet of a control plane talks to its own API server, which did not exist when the kubelet started. Its watches
# would come back only after a back-off of up to half a minute.
wake_kubelet() {
  systemctl restart kubelet
}

trap 'rm -rf "$STAGE"' EXIT
