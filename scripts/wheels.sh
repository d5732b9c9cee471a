#!/usr/bin/env bash
# Fetches the pinned runtime wheels into wheels/, so that the harness's own image builds without a
# network:  scripts/wheels.sh && docker build --target slim --network none -t harness .
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/say.sh

pins="$(mktemp)"
trap 'rm -f "$pins"' EXIT
sed '/^# --- diffusion ---$/,$d' requirements.lock >"$pins"
mkdir -p wheels
.venv/bin/python -m pip download --quiet --disable-pip-version-check --require-hashes \
    --only-binary :all: --python-version 3.11 --implementation cp \
    --platform "manylinux_2_28_$(uname -m)" --platform "manylinux_2_27_$(uname -m)" \
    --platform "manylinux_2_17_$(uname -m)" --platform "manylinux2014_$(uname -m)" \
    --dest wheels --requirement "$pins"
say "$(find wheels -name '*.whl' | wc -l) wheels in wheels/"
