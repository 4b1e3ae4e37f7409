#!/usr/bin/env bash
# What both pipelines begin with: to be sourced, with the STAGE as $1, in a checkout with its history. Goes to where the files
# are that the stage runs, those of its pin or the checkout's own, with the packages that these ask for.
set -euo pipefail

commit=$(pulumi config get --path release.commit --stack "$1" 2>/dev/null || true)
if [[ -n $commit ]]; then
  git worktree add --force --detach "../stage-$1" "$commit"
  cp Pulumi.*.yaml "../stage-$1"
  cd "../stage-$1"
fi
python3 -m venv .venv
.venv/bin/pip install --quiet --require-hashes --requirement requirements.txt --requirement requirements-operate.txt
PATH=$PWD/.venv/bin:$PATH
