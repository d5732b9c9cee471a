# Sourced by the other scripts: how they speak, and what they may do to this machine.

say() { printf '%s\n' "$*" >&2; }

# fail WHAT REMEDY: one line each, then exit 1.
fail() {
    say "error: $1"
    say "       $2"
    exit 1
}

# Whether this is root on a system with Debian's packages.
may_install() {
    [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null 2>&1 && [ -r /etc/os-release ] &&
        (. /etc/os-release && case " ${ID:-} ${ID_LIKE:-} " in *" debian "*) true ;; *) false ;; esac)
}

# apt_install PACKAGE...: says what it installs, keeps the log, shows its end if it fails.
apt_install() {
    local log
    log="$(mktemp -t harness-apt.XXXXXX)"
    say "installing with apt-get: $*"
    if ! {
        apt-get update -q &&
            DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@"
    } >"$log" 2>&1 </dev/null; then
        tail -n 5 "$log" >&2
        fail "apt-get could not install: $*" "The whole log is $log; correct the package sources and run it again."
    fi
    rm -f "$log"
}
