#!/usr/bin/env bash
# Makes this host an etcd member as a static pod of a kubelet that serves nothing else, and leaves it starting.
# What etcd-member-common.sh wants, and in STAGE kubeadm's configuration as for a birth. Needs a prepared machine with the
# kubelet's configuration and its drop-in in place.
set -euo pipefail

CONFIGURATION=/etc/kubernetes/kubeadmcfg.yaml
KUBELET=(/var/lib/kubelet/config.yaml /etc/systemd/system/kubelet.service.d/20-etcd-service-manager.conf)
MANIFEST=/etc/kubernetes/manifests/etcd.yaml

# kubeadm's configuration with the way in which this member was born, which etcd ignores ever after.
configuration() {
  # shellcheck source=/dev/null
  source "$NOTES/birth.env"
  sed --expression "/name: initial-cluster\$/{n;s|value: .*|value: $INITIAL_CLUSTER|}" \
    --expression "/name: initial-cluster-state\$/{n;s|value: .*|value: $INITIAL_CLUSTER_STATE|}" "$STAGE/kubeadmcfg.yaml"
}

# All that a running etcd does not read again by itself.
wanted_state() {
  configuration | sha256sum
  sha256sum "${KUBELET[@]}" "$ETCD_PKI/ca.crt"
}

containers() {
  crictl ps --all --quiet --name '^etcd$' "$@"
}

stop_container() {
  containers --state Running | xargs --no-run-if-empty crictl stop --timeout 20 >/dev/null
}

# STATE: those in that state that were not there when etcd was told to start.
new_containers() {
  containers --state "$1" | grep --invert-match --line-regexp --fixed-strings "${BEFORE:-none}"
}

load_etcd() {
  configuration | install_file "$CONFIGURATION" 0600 root:root
  systemctl daemon-reload
  systemctl enable --quiet kubelet
  systemctl reset-failed kubelet 2>/dev/null || true
  if ! sha256sum "${KUBELET[@]}" | cmp --silent - "$NOTES/kubelet-applied" || ! systemctl is-active --quiet kubelet; then
    systemctl restart kubelet
    sha256sum "${KUBELET[@]}" | install_file "$NOTES/kubelet-applied" 0644 root:root
  fi
}

is_running() {
  [[ -e $MANIFEST && -n $(containers --state Running) ]]
}

is_stopped() {
  local running
  running=$(containers --state Running) && [[ -z $running ]]
}

# A container that ended since etcd was told to start is one that the kubelet starts again and again.
is_coming_up() {
  local ended
  if [[ $(systemctl show --property NRestarts --value kubelet) != 0 ]]; then
    show_journal kubelet >&2
    give_up "the kubelet, which runs etcd here, ends by itself"
  fi
  ended=$(new_containers Exited || true)
  [[ -z $ended ]] || give_up "etcd ends by itself on this host: $(etcd_complaints | tail -n 1)"
}

# The kubelet looks at the manifest and does the rest. While that stays the same, a running etcd would stay too, and one that
# ended again and again would be waited for up to five minutes: a kubelet that starts anew counts anew.
start_etcd() {
  local manifest
  BEFORE=$(containers) || fail "containerd does not say which containers there are; see above"
  manifest=$(sha256sum "$MANIFEST" 2>/dev/null || true)
  kubeadm init phase etcd local --config "$CONFIGURATION" >/dev/null || fail "kubeadm makes no manifest of $CONFIGURATION; see above"
  if [[ $(sha256sum "$MANIFEST") == "$manifest" ]]; then
    stop_container
    systemctl restart kubelet
  fi
}

has_come_up() {
  is_listening && new_containers Running >/dev/null
}

stop_etcd() {
  rm -f "$MANIFEST"
  # A kubelet that does not run ends nothing, nor starts it again.
  systemctl is-active --quiet kubelet || stop_container
  wait_for 60 "the kubelet to end etcd" is_stopped
}

restart_etcd() {
  start_etcd
  EXPLAIN="show_etcd_log" wait_for 60 "the kubelet to run etcd as wanted" has_come_up
}

etcd_complaints() {
  local log
  log=$(find /var/log/pods -path '*_etcd-*/etcd/*.log' -printf '%T@ %p\n' 2>/dev/null | sort --numeric-sort | tail -n 1 | cut -d ' ' -f 2- || true)
  [[ -n $log ]] || return 0
  tail -n 200 "$log" | complaints_in
}

show_etcd_log() {
  echo "--- last complaints of etcd on this host (more: crictl logs, of the container that crictl ps --all --name etcd shows)"
  etcd_complaints | tail -n 10
  show_journal kubelet 5
}

trap clean_up EXIT
install --directory --mode=0700 "$DATA"
become_member
