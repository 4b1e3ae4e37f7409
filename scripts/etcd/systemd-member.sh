#!/usr/bin/env bash
# Makes this host an etcd member under systemd, and leaves it starting: a quorum is for await-health.sh to wait for.
# ETCD_VERSION, MIRROR (may be empty), and what etcd-member-common.sh wants. Needs certificates, unit and etcd.env in place.
set -euo pipefail

# etcd runs as this user, which owns its keys.
ensure_user() {
  id etcd >/dev/null 2>&1 ||
    useradd --system --user-group --home-dir /var/lib/etcd --no-create-home --shell /usr/sbin/nologin etcd
}

install_etcd() {
  local target=/usr/local/lib/etcd-$ETCD_VERSION source archive folder binary
  if [[ ! -d $target ]]; then
    source=${MIRROR:+$MIRROR/etcd}
    source=${source:-https://github.com/etcd-io/etcd/releases/download}/v$ETCD_VERSION
    archive=etcd-v$ETCD_VERSION-linux-$(dpkg --print-architecture).tar.gz
    folder=$target.new
    rm -rf "$folder"
    mkdir -p "$folder"
    fetch "$source/SHA256SUMS" "$folder/SHA256SUMS"
    fetch "$source/$archive" "$folder/$archive"
    (cd "$folder" && grep " $archive\$" SHA256SUMS | sha256sum --check --quiet -) ||
      fail "$source/$archive is not what SHA256SUMS beside it says; broken download or mirror"
    tar --extract --gzip --file "$folder/$archive" --directory "$folder" --strip-components=1 --no-same-owner
    rm -f "$folder/$archive" "$folder/SHA256SUMS"
    mv --no-target-directory "$folder" "$target"
  fi
  for binary in etcd etcdctl etcdutl; do
    ln --symbolic --force --no-dereference "$target/$binary" "/usr/local/bin/$binary.new"
    mv --force --no-target-directory "/usr/local/bin/$binary.new" "/usr/local/bin/$binary"
  done
}

fetch() {
  curl --silent --show-error --fail --location --connect-timeout 10 --retry 3 --retry-connrefused --output "$2" "$1" ||
    fail "cannot get $1"
}

# All that a running etcd does not read again by itself. (Certificates it does, with every connection.)
wanted_state() {
  echo "$ETCD_VERSION"
  sha256sum /etc/systemd/system/etcd.service "$NOTES/etcd.env" "$ETCD_PKI/ca.crt"
}

# systemd reads over what it does not understand, and would start etcd with half of its flags.
load_etcd() {
  local said
  systemctl daemon-reload
  said=$(systemd-analyze verify --man=no etcd.service 2>&1 | grep --fixed-strings etcd.service || true)
  if [[ -n $said ]]; then
    echo "$said" >&2
    fail "systemd does not understand etcd's unit on this host; above is what it says of the file and its line"
  fi
  systemctl enable --quiet etcd
  systemctl reset-failed etcd 2>/dev/null || true
}

is_running() {
  systemctl is-active --quiet etcd
}

is_stopped() {
  [[ $(systemctl show --property ActiveState --value etcd) =~ ^(inactive|failed)$ ]]
}

is_coming_up() {
  if [[ $(systemctl show --property NRestarts --value etcd) != 0 ]] || systemctl is-failed --quiet etcd; then
    give_up "etcd ends by itself on this host: $(etcd_complaints | tail -n 1)"
  fi
}

has_come_up() {
  is_listening
}

stop_etcd() {
  is_stopped || systemctl stop etcd
}

# What listens afterwards is what was started.
start_etcd() {
  stop_etcd
  systemctl start --no-block etcd
}

restart_etcd() {
  timeout 60 systemctl restart etcd
}

etcd_complaints() {
  journalctl --unit etcd --lines 200 --no-pager --output cat 2>/dev/null | complaints_in || true
}

show_etcd_log() {
  echo "--- last complaints of etcd on this host (more: journalctl -u etcd)"
  etcd_complaints | tail -n 10
}

trap clean_up EXIT
ensure_user
install_etcd
install --directory --owner=etcd --group=etcd --mode=0700 "$DATA"
become_member
