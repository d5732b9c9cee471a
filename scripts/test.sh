#!/usr/bin/env bash
# Runs every test in two lanes side by side: those in tests/docker, which mostly wait for containers, and all
# others. The first one's words come when it has ended, after the others'. Arguments go to both.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/say.sh

# the lanes share the processors; a library that starts a thread for each would crawl
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"
switches=(--run-docker --run-browser "$@")
log="$(mktemp -t harness-test.XXXXXX)"

setsid .venv/bin/python -m pytest "${switches[@]}" tests/docker >"$log" 2>&1 </dev/null &
lane=$!
trap 'kill -INT -- "-$lane" 2>/dev/null || true; rm -f "$log"' EXIT

status=0
.venv/bin/python -m pytest "${switches[@]}" tests --ignore=tests/docker || status=$?
say "the tests in tests/docker:"
wait "$lane" || status=$?
cat "$log"
exit "$status"
