#!/usr/bin/env bash
# Makes .venv with the pinned packages of requirements.lock and this project in it.
#
#   scripts/python-env.sh runtime       what the harness needs to run (the demo)
#   scripts/python-env.sh diffusion     the above, and torch and what the diffusion editor needs
#   scripts/python-env.sh development   the above, and what tests and checks need
#
# A second run with the same pins does nothing. pip's own settings (index, proxy, certificates) hold;
# they also decide which torch comes: PyTorch's CPU index in PIP_EXTRA_INDEX_URL saves gigabytes.
# PYTHON names the interpreter; otherwise python3.11 or a newer python3 is taken.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/say.sh

mode="${1:-runtime}"
# an environment holds all that those of a lower rank hold, and serves in their place
rank() { case "$1" in runtime) echo 1 ;; diffusion) echo 2 ;; development) echo 3 ;; *) echo 0 ;; esac; }
wanted="$(rank "$mode")"
[ "$wanted" -gt 0 ] || fail "unknown mode '$mode'" "Say 'runtime', 'diffusion' or 'development'."

# what the environment depends on
digest="$({ cat requirements.lock pyproject.toml; pwd -P; } | sha256sum | cut -d' ' -f1)"
stamp=.venv/harness-stamp
if [ -x .venv/bin/harness ] && [ -r "$stamp" ]; then
    read -r had_digest had_mode <"$stamp" || true
    if [ "$had_digest" = "$digest" ] && [ "$(rank "$had_mode")" -ge "$wanted" ]; then
        exit 0
    fi
fi

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }
python="${PYTHON:-}"
if [ -z "$python" ]; then
    for candidate in python3.11 python3 python3.12 python3.13; do
        if command -v "$candidate" >/dev/null 2>&1 && new_enough "$candidate"; then
            python="$candidate"
            break
        fi
    done
fi
if [ -z "$python" ] || ! new_enough "$python"; then
    fail "Python 3.11 or newer was not found" "Install it (Debian 12: apt-get install python3), or name one: PYTHON=/path/to/python3 make ..."
fi

# Debian keeps ensurepip, which makes .venv/bin/pip, in a package of its own
if ! "$python" -c 'import venv, ensurepip' >/dev/null 2>&1; then
    version="$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')"
    may_install || fail "Python's venv module is missing" "Install it (apt-get install python$version-venv) and run this again."
    apt_install "python$version-venv"
fi

[ -x .venv/bin/python ] && .venv/bin/python -c 'import pip' >/dev/null 2>&1 || {
    say "making .venv with $("$python" --version)"
    "$python" -m venv --clear .venv
}
rm -f "$stamp"

pins="$(mktemp -d)"
trap 'rm -rf "$pins"' EXIT
# section NAME: a file with what requirements.lock holds under that heading.
section() {
    awk -v heading="# --- $1 ---" '/^# --- .+ ---$/ { inside = $0 == heading; next } inside' \
        requirements.lock >"$pins/$1.txt"
    echo "$pins/$1.txt"
}
pip() {
    .venv/bin/python -m pip "$1" --quiet --disable-pip-version-check --no-input "${@:2}" ||
        fail "pip could not install the pinned packages" "See its message above; behind a proxy or mirror, set up pip (pip config, PIP_INDEX_URL, PIP_CERT) and run this again."
}
say "installing the pinned $mode packages into .venv"
pip install --require-hashes --requirement "$(section runtime)"
if [ "$wanted" -ge "$(rank diffusion)" ]; then
    # torch finds here all that it wants but its GPU libraries; what here wants torch gets it after
    pip install --require-hashes --no-deps --requirement "$(section diffusion)"
    pip install --requirement "$(section torch)"
fi
if [ "$wanted" -ge "$(rank development)" ]; then
    # no isolation: what comes as source is built with the setuptools pinned above
    pip install --require-hashes --use-pep517 --no-build-isolation --requirement "$(section development)"
fi
pip install --no-deps --no-build-isolation --editable .
printf '%s %s\n' "$digest" "$mode" >"$stamp"
