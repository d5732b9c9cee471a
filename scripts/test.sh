#!/usr/bin/env bash
# Runs every test in two lanes side by side: those in tests/docker, which mostly wait for containers, and all
# others. The first one's words come when it has ended, after the others'. Arguments go to both.
# Ctrl-C ends both, and waits for what they remove; a second one does not.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/say.sh

# the lanes share the processors; a library that starts a thread for each would crawl
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"
switches=(--run-docker --run-browser "$@")
log="$(mktemp -t harness-test.XXXXXX)"

# job control gives the lane a process group, and does not have it ignore Ctrl-C as other background jobs do
set -m
.venv/bin/python -m pytest "${switches[@]}" tests/docker >"$log" 2>&1 </dev/null &
lane=$!
set +m

finish() {
    local status=$?
    trap - EXIT
    trap 'kill -KILL -- "-$lane" 2>/dev/null || true' INT TERM
    if kill -INT -- "-$lane" 2>/dev/null; then
        wait "$lane" || true
    fi
    say "the tests in tests/docker:"
    cat "$log" || true
    rm -f "$log"
    exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

status=0
.venv/bin/python -m pytest "${switches[@]}" tests --ignore=tests/docker || status=$?
wait "$lane" || status=$?
exit "$status"
