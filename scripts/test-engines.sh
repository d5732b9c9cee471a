#!/usr/bin/env bash
# Installs, as root on a Debian-like system, what tests/docker/test_engines.py runs on beside Docker:
# Podman, gVisor's runsc, an SSH server and what a rootless engine needs. None of them is started here, nor at
# the next boot: services that their packages bring are kept from starting and disabled.
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
policy=/usr/sbin/policy-rc.d

# enabled_units SCOPE: the units that start by themselves; none where there is no systemd.
enabled_units() {
    systemctl "$1" list-unit-files --state=enabled --no-legend --no-pager 2>/dev/null | awk '{ print $1 }' | sort || true
}

# install_idle PACKAGE...: installs them and leaves no service of theirs running or enabled.
install_idle() {
    local scope system global
    system="$(enabled_units --system)" global="$(enabled_units --global)"
    # what is there already is this system's own word on it
    if [ ! -e "$policy" ] && [ ! -L "$policy" ]; then
        trap 'rm -f "$policy"' EXIT
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
    fi
    apt_install "$@"
    for scope in system global; do
        comm -13 <(printf '%s\n' "${!scope}") <(enabled_units "--$scope") |
            xargs --no-run-if-empty systemctl "--$scope" disable >/dev/null 2>&1 || true
    done
}

missing=()
for entry in "${wanted[@]}"; do
    PATH="$PATH:/usr/sbin" command -v "${entry%%:*}" >/dev/null 2>&1 || missing+=("${entry##*:}")
done
if [ "${#missing[@]}" -gt 0 ]; then
    may_install || fail "not installed: ${missing[*]}" "Install them with this system's package manager, or run this as root on Debian or Ubuntu."
    install_idle "${missing[@]}"
fi
echo tcp,tls,ssh,runsc,userns,rootless,podman
