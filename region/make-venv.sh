#!/usr/bin/env bash
# Makes the virtual environment VENV from the hashed REQUIREMENTS. Run by make; needs Python >= 3.11; safe to interrupt.
set -euo pipefail
VENV=$1
REQUIREMENTS=$2
EXPECTED_SECONDS=45
FIRST_CLUSTER_MINUTES=16

python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
  echo "Python 3.11 or newer is needed, this is $(python3 --version 2>&1)." >&2
  exit 1
}

# How far it is: pip names each package once, and unpacking them all takes as long as fetching them.
show() {
  local done=$1 line left=$((EXPECTED_SECONDS - SECONDS))
  if ((done)); then left=$((SECONDS * (200 - done) / done)); fi
  line=$(printf 'virtual environment: %3d %%, about %d s left' $((done / 2)) $((left > 0 ? left : 1)))
  if [[ -t 1 ]]; then
    printf '\r\e[K%s' "$line"
  elif ((done == 0)); then
    echo "$line"
  fi
}

if [[ ! -d $(dirname "$VENV")/toolchain ]]; then
  echo "nothing is built here yet: a first cluster takes two cores about $FIRST_CLUSTER_MINUTES minutes, this one included"
fi
show 0
if ! python3 -c 'import ensurepip' 2>/dev/null; then
  apt-get update -qq && apt-get install -y -qq --no-install-recommends python3-venv
fi
mkdir -p "$(dirname "$VENV")"
rm -rf "$VENV"
python3 -m venv "$VENV"
total=$(grep -c == "$REQUIREMENTS")
seen=0
# What is never imported needs no bytecode: compiling it all would take longer than the rest.
"$VENV/bin/pip" install --no-compile --disable-pip-version-check --require-hashes -r "$REQUIREMENTS" |
  while read -r word _; do
    if [[ $word == Collecting ]]; then
      seen=$((seen + 1))
      show $((seen * 100 / total))
    fi
  done
touch "$VENV/complete"
if [[ -t 1 ]]; then printf '\r\e[K'; fi
echo "virtual environment: made in $SECONDS s"
