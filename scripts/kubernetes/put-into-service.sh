#!/usr/bin/env bash
# Puts a worker back into service that was taken out of it. Runs on a master; needs api-server.sh. NODE_NAME: the worker.
set -euo pipefail

be_administrator
kubectl taint node "$NODE_NAME" ToBeDeletedByClusterAutoscaler- >/dev/null 2>&1 || true
kubectl uncordon "$NODE_NAME"
