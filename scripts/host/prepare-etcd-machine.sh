#!/usr/bin/env bash
# What scripts need on a machine that runs etcd alone, and not in a container. Needs packages.sh and what it wants.
set -euo pipefail

have_packages "${TOOLS[@]}" || install_packages "${TOOLS[@]}"
