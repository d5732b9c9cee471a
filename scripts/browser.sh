#!/usr/bin/env bash
# Makes sure that Chromium is there for the tests of the site; HARNESS_CHROMIUM names one elsewhere.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/say.sh

if [ -n "${HARNESS_CHROMIUM:-}" ]; then
    [ -x "$HARNESS_CHROMIUM" ] || fail "HARNESS_CHROMIUM=$HARNESS_CHROMIUM is no program" "Set it to Chromium or Chrome, or unset it."
    exit 0
fi
for name in chromium chromium-browser google-chrome google-chrome-stable; do
    command -v "$name" >/dev/null 2>&1 && exit 0
done
may_install || fail "Chromium was not found" "Install it (Debian: apt-get install chromium), or name one: HARNESS_CHROMIUM=/path/to/chrome make test"
apt_install chromium fonts-dejavu-core
