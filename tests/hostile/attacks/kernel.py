"""System calls that Python has no function for, as attacks make them; nothing of any attack."""

import ctypes
import os
import platform

_LIBC = ctypes.CDLL(None, use_errno=True)
_NUMBERS = {
    "x86_64": {
        "add_key": 248,
        "bpf": 321,
        "clock_settime": 227,
        "finit_module": 313,
        "init_module": 175,
        "io_uring_setup": 425,
        "kexec_load": 246,
        "keyctl": 250,
        "perf_event_open": 298,
        "pivot_root": 155,
        "process_vm_readv": 310,
        "quotactl": 179,
        "request_key": 249,
        "syslog": 103,
        "userfaultfd": 323,
    },
    "aarch64": {
        "add_key": 217,
        "bpf": 280,
        "clock_settime": 112,
        "finit_module": 273,
        "init_module": 105,
        "io_uring_setup": 425,
        "kexec_load": 104,
        "keyctl": 219,
        "perf_event_open": 241,
        "pivot_root": 41,
        "process_vm_readv": 270,
        "quotactl": 60,
        "request_key": 218,
        "syslog": 116,
        "userfaultfd": 282,
    },
}


def libc(name: str, *arguments: object) -> int:
    """Return what libc's function `name` returns; raises OSError where that is -1."""
    return _checked(getattr(_LIBC, name)(*arguments))


def syscall(name: str, *arguments: object) -> int:
    """Return what the system call `name` returns; raises OSError where that is -1."""
    number = _NUMBERS[platform.machine()][name]
    _LIBC.syscall.restype = ctypes.c_long
    return _checked(_LIBC.syscall(ctypes.c_long(number), *arguments))


def _checked(returned: int) -> int:
    if returned == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return returned
