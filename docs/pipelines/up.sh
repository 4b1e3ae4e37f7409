#!/usr/bin/env bash
# Runs a STAGE: what it is pinned to or, the first stage, what is checked out. Needs Python, Pulumi and credentials.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source docs/pipelines/prepare.sh "$1"
python -m operate plan --stack "$1"
pulumi up --yes --skip-preview --stack "$1"
