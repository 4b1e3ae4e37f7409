#!/usr/bin/env bash
# Makes the virtual environment VENV from the hashed REQUIREMENTS. Run by make; needs Python >= 3.11; safe to interrupt.
set -euo pipefail
VENV=$1
REQUIREMENTS=$2

python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
  echo "Python 3.11 or newer is needed, this is $(python3 --version 2>&1)." >&2
  exit 1
}
if ! python3 -c 'import ensurepip' 2>/dev/null; then
  echo "installing python3-venv"
  apt-get update -qq && apt-get install -y -qq --no-install-recommends python3-venv
fi
echo "making the virtual environment (once)"
mkdir -p "$(dirname "$VENV")"
rm -rf "$VENV"
python3 -m venv "$VENV"
"$VENV/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r "$REQUIREMENTS"
touch "$VENV/complete"
