#!/usr/bin/env bash
# How a step runs kubeadm: files that wait on tmpfs are put in their places, and why kubeadm failed is told. Needs common.sh;
# finish_if_member needs membership.sh. NODE_NAME: this host. STAGE: where the step's files wait; its script removes it in the end.
set -euo pipefail

clean_up() {
  rm -rf "$STAGE"
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

# Of a member nothing is renewed but those.
finish_if_member() {
  is_member || return 0
  place_leaves
  echo "$NODE_NAME is a member already"
  exit 0
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
