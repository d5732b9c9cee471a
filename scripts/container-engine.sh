#!/usr/bin/env bash
# Makes sure that a container engine answers: one that runs is used (DOCKER_HOST is honoured); as root
# on a Debian-like system docker.io is installed and started; anywhere else it says what to do.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/say.sh

log="${HARNESS_DOCKERD_LOG:-/var/log/harness-dockerd.log}"

answers() {
    if command -v docker >/dev/null 2>&1; then
        docker info >/dev/null 2>&1
    else
        # no command line, but perhaps an engine: ask as the harness does
        .venv/bin/python -c 'from harness.sandbox.engine import connect; connect().close()' >/dev/null 2>&1
    fi
}

# comes_up SECONDS PID: waits until the engine answers or the process is gone.
comes_up() {
    for _ in $(seq "$1"); do
        answers && return 0
        kill -0 "$2" 2>/dev/null || return 1
        sleep 1
    done
    return 1
}

# start OPTIONS...: starts dockerd in the background; false where it does not come up.
start() {
    printf '\n=== dockerd %s\n' "$*" >>"$log"
    setsid nohup dockerd "$@" >>"$log" 2>&1 </dev/null &
    local pid=$!
    if comes_up 60 "$pid"; then
        say "the engine is up; its log is $log"
        return 0
    fi
    kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
    return 1
}

answers && exit 0

if [ -n "${DOCKER_HOST:-}" ]; then
    fail "no container engine answers at DOCKER_HOST=$DOCKER_HOST" "Start that engine, or unset DOCKER_HOST."
fi
if ! may_install; then
    if [ -S /var/run/docker.sock ] && [ ! -w /var/run/docker.sock ]; then
        fail "the container engine refuses the user $(id -un)" "Run 'sudo usermod -aG docker $(id -un)', log in again, and run this again."
    fi
    fail "no container engine answers" "Install Docker or Podman (https://docs.docker.com/engine/install) and start it, set DOCKER_HOST to one that runs, or run this as root on Debian or Ubuntu to have docker.io installed and started."
fi

missing=()
command -v dockerd >/dev/null 2>&1 || missing+=(docker.io)
command -v docker >/dev/null 2>&1 || missing+=(docker.io)
command -v iptables >/dev/null 2>&1 || missing+=(iptables)
grep -q '[[:space:]]/sys/fs/cgroup' /proc/mounts || missing+=(cgroupfs-mount)
if [ "${#missing[@]}" -gt 0 ]; then
    say "no container engine answers; as root on a Debian-like system, this installs one and starts it"
    apt_install $(printf '%s\n' "${missing[@]}" | sort -u)
    # newer Debian releases ship the command line apart from the engine
    command -v docker >/dev/null 2>&1 || apt_install docker-cli
fi

# where an init system runs, the package or the service manager starts it
if [ -d /run/systemd/system ]; then
    systemctl start docker >/dev/null 2>&1 || true
fi
for _ in 1 2 3; do answers && exit 0 || sleep 1; done

grep -q '[[:space:]]/sys/fs/cgroup' /proc/mounts || cgroupfs-mount || true
say "starting dockerd in the background"
start && exit 0
# no right to the packet filter (nested containers): submissions have no network anyway
say "dockerd did not come up; trying without a bridge network, which submissions don't use"
start --iptables=false --bridge=none && exit 0
tail -n 5 "$log" >&2
fail "dockerd does not come up on this machine" "Its log is $log. Containers need cgroups and mounts: inside a container, run it privileged, or set DOCKER_HOST to an engine outside."
