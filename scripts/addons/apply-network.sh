#!/usr/bin/env bash
# Gives the pods their network: applies the network add-on's manifest, on a master. Needs a founded cluster and api-server.sh.
# MANIFEST: the file to apply.
set -euo pipefail

be_administrator
kubectl apply --server-side --force-conflicts --filename "$MANIFEST"
rm -f "$MANIFEST"
