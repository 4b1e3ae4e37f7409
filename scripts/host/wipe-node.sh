#!/usr/bin/env bash
# Takes from a host all that its cluster ever put or kept there; packages, container images and the host itself stay.
# Runs after membership.sh on masters, workers and etcd machines alike, as often as one likes.
# NETWORK_CHAINS: how the names of the network add-on's packet chains begin, by space.
set -euo pipefail

# A step that an interrupted engine left behind would go on to build what is wiped here.
wait_for_other_steps() {
  local file
  for file in /run/lock/*_on_*; do
    if [[ -e $file && ! $file -ef /proc/self/fd/$LOCK ]]; then
      flock --wait 60 "$file" true || fail "a step of an interrupted run is still at work on this host: fuser -v $file"
    fi
  done
}

stop_services() {
  local unit
  for unit in kubelet etcd; do
    if [[ $(systemctl show --property ActiveState --value "$unit") != inactive ]]; then
      systemctl stop "$unit"
    fi
  done
}

# Static pods too, and so etcd where it is one. What kubeadm cannot remove it only warns of.
remove_pods() {
  local said pods
  command -v kubeadm >/dev/null || return 0
  said=$(kubeadm reset --force --skip-phases=remove-etcd-member 2>&1) || fail "kubeadm reset: $(tail -n 5 <<<"$said")"
  if systemctl is-active --quiet containerd; then
    pods=$(crictl pods --quiet)
    [[ -z $pods ]] || fail "containerd still runs pods that kubeadm reset should have removed: crictl pods"
  fi
}

unmount_volumes() {
  local place
  while read -r place; do
    umount "$place"
  done < <(awk '$2 ~ "^/var/lib/kubelet/" {print $2}' /proc/mounts | sort --reverse)
}

# The folders themselves stay: they may be mounts, and containerd watches the network's.
empty() {
  local folder
  for folder in "$@"; do
    if [[ -d $folder ]]; then
      find "$folder" -xdev -mindepth 1 -delete
    fi
  done
}

remove_files() {
  # What a step left that was killed.
  rm -rf /run/kubeadm-aws
  empty /var/lib/etcd /etc/kubernetes /var/lib/kubelet /var/lib/cni
  if [[ -d /etc/cni/net.d ]]; then
    find /etc/cni/net.d -type f -delete
  fi
  systemctl disable --quiet etcd 2>/dev/null || true
  rm -rf /etc/etcd /etc/systemd/system/etcd.service /etc/systemd/system/etcd.service.d /etc/default/etcd-health
  rm -f /etc/systemd/system/kubelet.service.d/20-etcd-service-manager.conf
  systemctl daemon-reload
  systemctl reset-failed kubelet etcd 2>/dev/null || true
}

# kube-proxy's and the network add-on's own chains, and what leads into them. Others' rules stay.
remove_packet_rules() {
  local tables rules ours="KUBE-|${NETWORK_CHAINS// /|}"
  for tables in iptables-nft ip6tables-nft iptables-legacy ip6tables-legacy; do
    if command -v "$tables-save" >/dev/null; then
      rules=$("$tables-save" 2>/dev/null)
      if grep --quiet --extended-regexp "$ours" <<<"$rules"; then
        grep --invert-match --extended-regexp "$ours" <<<"$rules" | "$tables-restore"
      fi
    fi
  done
}

wait_for_other_steps
stop_services
remove_pods
unmount_volumes
forget_pod_network
remove_files
remove_packet_rules
echo "wiped: etcd's data, Kubernetes' files, pods and the network's traces; packages and images stay"
