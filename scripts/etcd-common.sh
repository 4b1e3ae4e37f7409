#!/usr/bin/env bash
# What etcd's steps share: the user that owns the files, and etcdctl with this host's health check certificate.
# Needs common.sh; comes before the files are installed.

if ! id etcd >/dev/null 2>&1; then
  useradd --system --user-group --home-dir /var/lib/etcd --no-create-home --shell /usr/sbin/nologin etcd
fi

export ETCDCTL_CACERT=/etc/etcd/pki/ca.crt
export ETCDCTL_CERT=/etc/etcd/pki/healthcheck-client.crt
export ETCDCTL_KEY=/etc/etcd/pki/healthcheck-client.key

# What etcd complains of; its log is one JSON object a line.
show_etcd_log() {
  echo "--- last complaints of etcd on this host (more: journalctl -u etcd)"
  journalctl --unit etcd --lines 200 --no-pager --output cat 2>/dev/null |
    sed -n -E 's/^\{"level":"(warn|error|fatal)".*"msg":"([^"]*)"(.*"error":"([^"]*)")?.*/\1: \2: \4/p' |
    tail -n 10 | cut -c1-300 || true
}
