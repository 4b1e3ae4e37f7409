#!/usr/bin/env bash
# The user that runs etcd under systemd and owns its keys; comes before the files are installed.
set -euo pipefail

if ! id etcd >/dev/null 2>&1; then
  useradd --system --user-group --home-dir /var/lib/etcd --no-create-home --shell /usr/sbin/nologin etcd
fi
