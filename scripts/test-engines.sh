#!/usr/bin/env bash
# Installs, as root on a Debian-like system, what tests/docker/test_engines.py runs on beside Docker:
# Podman, gVisor's runsc, an SSH server and what a rootless engine needs. Nothing of it is started here.
# Prints the kinds of engines that can then be tested, as HARNESS_TEST_ENGINES takes them.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/say.sh

# program:package
wanted=(
    ip:iproute2
    podman:podman runc:runc catatonit:catatonit
    runsc:runsc
    sshd:openssh-server ssh:openssh-client openssl:openssl
    rootlesskit:rootlesskit newuidmap:uidmap
)
missing=()
for entry in "${wanted[@]}"; do
    PATH="$PATH:/usr/sbin" command -v "${entry%%:*}" >/dev/null 2>&1 || missing+=("${entry##*:}")
done
if [ "${#missing[@]}" -gt 0 ]; then
    may_install || fail "not installed: ${missing[*]}" "Install them with this system's package manager, or run this as root on Debian or Ubuntu."
    apt_install "${missing[@]}"
fi
echo tcp,tls,ssh,runsc,userns,rootless,podman
