"""Tries, inside a container, what its walls should refuse; standard library only.

Prints a JSON object: what was tried, and whether it was possible. Nothing is sent anywhere.
"""

import ctypes
import json
import os
import resource
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

NEW_USER_NAMESPACE = 0x10000000
ADD_KEY = 248
MIB = 2**20
UNLIMITED_BYTES = 2**60
FOLDERS = [Path(name) for name in ("/", "/tmp", "/var/tmp", "/root", "/usr", "/dev/shm")]  # noqa: S108 - the container's own
LIBC = ctypes.CDLL(None, use_errno=True)


def _status(field: str) -> str:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(line.split(":")[1].strip() for line in lines if line.startswith(field + ":"))


def _first_line(*places: str) -> str:
    """Return the first line of the first of these files that is there, or nothing."""
    for place in places:
        with suppress(OSError):
            return Path(place).read_text().split("\n", 1)[0]
    return ""


def _works(action: Callable[[], object]) -> bool:
    try:
        action()
    except OSError:
        return False
    return True


def _writable_folders() -> list[Path]:
    return [folder for folder in FOLDERS if _works(lambda f=folder: _probe_file(f))]


def _probe_file(folder: Path) -> None:
    path = folder / "probe"
    path.write_bytes(b"x")
    path.unlink()


def _is_memory(folder: Path) -> bool:
    """Return whether what is written there lies in memory, under the memory limit."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    holding = max(
        (m for m in mounts if folder.is_relative_to(m[1])), key=lambda mount: len(mount[1])
    )
    return holding[2] == "tmpfs"


def _fills_the_disk(folder: Path) -> bool:
    return not _is_memory(folder) and _works(lambda: _fill(folder / "big"))


def _fill(path: Path) -> None:
    path.write_bytes(bytes(32 * MIB))
    path.unlink()


def _executes_in(folder: Path) -> bool:
    path = folder / "program"
    path.write_text("#!/bin/sh\nexit 0\n")
    path.chmod(0o755)
    done = _works(lambda: subprocess.run([path], check=True))
    path.unlink()
    return done


def _memory_limit() -> int:
    said = _first_line("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory.max")
    return int(said) if said.isdecimal() else 2**63


def _limit_with_swap() -> int:
    v1 = _first_line("/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes")
    if v1.isdecimal():
        return int(v1)
    v2 = _first_line("/sys/fs/cgroup/memory.swap.max")
    return _memory_limit() + (int(v2) if v2.isdecimal() else UNLIMITED_BYTES)


def _cpu_is_limited() -> bool:
    v1, v2 = (
        _first_line("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"),
        _first_line("/sys/fs/cgroup/cpu.max"),
    )
    return (v1 or v2.split(" ", 1)[0] or "max") not in ("-1", "max")


def _change_owner() -> None:
    path = _writable_folders()[0] / "owned"
    path.write_bytes(b"")
    try:
        os.chown(path, 1234, 1234)
    finally:
        path.unlink()


def _call(number: int) -> None:
    if number < 0:
        raise OSError(ctypes.get_errno())


def _become_another() -> None:
    """Change the user in a child, so that this process stays who it is."""
    child = os.fork()
    if child == 0:
        with suppress(OSError):
            os.setuid(1234 if os.getuid() != 1234 else 4321)
            os._exit(0)
        os._exit(1)
    if os.waitpid(child, 0)[1] != 0:
        raise PermissionError


def _make_device() -> None:
    path = _writable_folders()[0] / "device"
    os.mknod(path, 0o600 | stat.S_IFCHR, os.makedev(1, 3))
    path.unlink()


PROBES: dict[str, Callable[[], bool]] = {
    "another network interface than loopback": lambda: (
        {name for _, name in socket.if_nameindex()} != {"lo"}
    ),
    "raw packets": lambda: _works(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW).close()),
    "running as root": lambda: os.getuid() == 0,
    "capabilities it could get": lambda: int(_status("CapBnd"), 16) != 0,
    "gaining privileges by a setuid program": lambda: _status("NoNewPrivs") == "0",
    "becoming another user": lambda: _works(_become_another),
    "giving files away": lambda: _works(_change_owner),
    "making device nodes": lambda: _works(_make_device),
    "a user namespace": lambda: _works(lambda: _call(LIBC.unshare(NEW_USER_NAMESPACE))),
    "the kernel's keyring": lambda: _works(
        lambda: _call(LIBC.syscall(ADD_KEY, b"user", b"probe", b"x", 1, -2))
    ),
    "mounting": lambda: _works(lambda: _call(LIBC.mount(b"none", b"/tmp", b"tmpfs", 0, None))),
    "changing its image's files": lambda: not all(map(_is_memory, _writable_folders())),
    "filling the engine's disk": lambda: any(map(_fills_the_disk, _writable_folders())),
    "running a program that it wrote": lambda: any(map(_executes_in, _writable_folders())),
    "all the machine's memory": lambda: _memory_limit() >= UNLIMITED_BYTES,
    "swap beyond its memory": lambda: _limit_with_swap() > min(_memory_limit(), UNLIMITED_BYTES),
    "processes without end": lambda: (
        _first_line("/sys/fs/cgroup/pids/pids.max", "/sys/fs/cgroup/pids.max") == "max"
    ),
    "all the machine's processors": lambda: not _cpu_is_limited(),
    "core dumps": lambda: resource.getrlimit(resource.RLIMIT_CORE)[1] != 0,
    "zombies that nobody reaps": lambda: os.getpid() == 1,
}
"""What is tried, in words, and whether it was possible."""

if __name__ == "__main__":
    sys.stdout.write(json.dumps({name: probe() for name, probe in PROBES.items()}))
