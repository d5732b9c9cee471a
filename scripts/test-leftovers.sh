#!/usr/bin/env bash
# test-leftovers.sh MARK FOLDER: removes what the tests of one run left, killed ones included, and nothing of
# anybody else's. MARK is what HARNESS_TEST_MARK was for them (tests/run_mark.py), FOLDER what TMPDIR was.
# What can't be removed stays; that is no failure.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/say.sh

mark="${1:-}" folder="${2:-}"
[[ "$mark" =~ ^[0-9a-f]{6}$ && "$folder" =~ ^/tmp/harness-ci-[A-Za-z0-9_]+$ ]] ||
    fail "no mark and folder of a run: '$mark' '$folder'" "Give six hexadecimal digits and /tmp/harness-ci-NAME."
label="org.harness.test.run=$mark"

# is_left STATUS: whether the process of that folder in /proc was started by the tests, or runs in a
# container of an engine of theirs, whose root is in their folder then.
is_left() {
    grep -qzx "HARNESS_TEST_MARK=$mark" "$1/environ" 2>/dev/null ||
        awk '$5 == "/"' "$1/mountinfo" 2>/dev/null | grep -qF "$folder/"
}

end_processes() {
    local status
    for status in /proc/[0-9]*; do
        if is_left "$status"; then kill -KILL "${status##*/}" 2>/dev/null || true; fi
    done
}

left_images() {
    docker images --quiet --no-trunc --filter "label=$label"
    # named after the test, where the harness built them
    docker images --format '{{.Repository}}:{{.Tag}}' | grep -F "test-$mark"
}

# once more, for those that were just being started
end_processes
end_processes
sleep 1
if command -v docker >/dev/null 2>&1 && timeout 60 docker info >/dev/null 2>&1; then
    docker ps --all --quiet --filter "label=$label" |
        xargs --no-run-if-empty docker rm --force --volumes >/dev/null 2>&1 || true
    # submissions whose harness has just been ended
    timeout 120 .venv/bin/python -c 'from contextlib import closing
from harness.sandbox.engine import connect
from harness.sandbox.orphans import remove_orphans
with closing(connect()) as client:
    remove_orphans(client)' >/dev/null 2>&1 || true
    # what others stand on can go after them only
    for _ in 1 2 3; do
        (left_images || true) | sort -u | xargs --no-run-if-empty docker rmi --force >/dev/null 2>&1 || true
    done
fi
for link in "/sys/class/net/he-$mark"*; do
    [ ! -e "$link" ] || ip link delete "${link##*/}" >/dev/null 2>&1 || true
done
awk -v folder="$folder/" 'index($2, folder) == 1 { print $2 }' /proc/mounts | sort --reverse |
    xargs --no-run-if-empty --max-args=1 umount --lazy >/dev/null 2>&1 || true
rm -rf --one-file-system "$folder" >/dev/null 2>&1 || true
