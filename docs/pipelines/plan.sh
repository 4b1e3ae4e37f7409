#!/usr/bin/env bash
# The plan of a STAGE as Markdown, for a comment on a pull request. Needs Python, Pulumi and credentials that may read.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source docs/pipelines/prepare.sh "$1" >&2
printf '## %s\n\n```\n' "$1"
python -m operate plan --stack "$1" 2>&1 || true
printf '```\n'
