#!/usr/bin/env bash
# Runs a command with network namespaces, control groups, RUN and STATE of its own, so that it meets no other region; needs root.
set -euo pipefail

NAME="trial-$$"
for HIERARCHY in /sys/fs/cgroup/*/; do
  mkdir -p "$HIERARCHY$NAME" 2>/dev/null || continue
  for SETTING in cpuset.cpus cpuset.mems; do
    if [[ -e "$HIERARCHY$NAME/$SETTING" ]]; then cat "$HIERARCHY$SETTING" >"$HIERARCHY$NAME/$SETTING"; fi
  done
done

end() {
  while find /sys/fs/cgroup/*/"$NAME" -name cgroup.procs -exec cat {} + | grep --quiet .; do
    find /sys/fs/cgroup/*/"$NAME" -name cgroup.procs -exec cat {} + | sort -u | xargs kill -KILL || true
    sleep 0.1
  done
  find /sys/fs/cgroup/*/"$NAME" -depth -type d -exec rmdir {} +
}
trap end EXIT

mkdir -p /run/netns /run/kubeadm-aws /var/lib/kubeadm-aws
# shellcheck disable=SC2016 # the inner shell expands it
unshare --mount --propagation private bash -euc '
  NAME=$1
  shift
  for FOLDER in /run/netns /run/kubeadm-aws /var/lib/kubeadm-aws; do mount -t tmpfs tmpfs "$FOLDER"; done
  for HIERARCHY in /sys/fs/cgroup/*/; do
    if [[ -d "$HIERARCHY$NAME" ]]; then mount --bind "$HIERARCHY$NAME" "$HIERARCHY"; fi
  done
  "$@"' inner "$NAME" "$@"
