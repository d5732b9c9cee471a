"""Ways to become more than nobody."""

import ctypes
import os
import subprocess
import time
from pathlib import Path

import kernel
import speak
from speak import Deed

CLONE_FLAGS = {
    "user": 0x10000000,
    "mount": 0x00020000,
    "network": 0x40000000,
    "processes": 0x20000000,
    "names": 0x04000000,
    "ipc": 0x08000000,
    "control groups": 0x02000000,
}
MS_BIND, MS_REMOUNT, MNT_DETACH = 4096, 32, 2
PTRACE_ATTACH = 16
CTRL_ALT_DELETE_ON = 0x89ABCDEF
"""What reboot(2) may be asked for without harm: it is so from the start."""
WHO = "import os; print(os.getuid(), os.geteuid(), os.getgid(), os.getegid())"


def output(*command: str) -> str:
    """Return what `command` prints; raises PermissionError where it prints nobody's numbers."""
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    said = done.stdout.strip() or f"code {done.returncode}: {done.stderr.strip()[-100:]}"
    if set(said.split()) == {"65534"} or done.returncode:
        raise PermissionError(1, said)
    return said


def setuid_program() -> None:
    """Run programs that its author made root's, setuid and setgid, when the image was built."""
    speak.report_attempts(
        {
            "setuid": lambda: output("/made/setuid", "-c", WHO),
            "setgid": lambda: output("/made/setgid", "-c", WHO),
            "su": lambda: output("su", "-c", "id -u"),
            "mount": lambda: output("mount", "-t", "tmpfs", "none", "/mnt"),
        }
    )


def file_capabilities() -> None:
    """Run a program that carries every capability in its file."""
    speak.log(f"the file's own: {os.getxattr('/made/capable', 'security.capability')!r}")
    read = "print([l.split()[1] for l in open('/proc/self/status') if l.startswith('CapEff')][0])"

    def run() -> str:
        done = subprocess.run(
            ["/made/capable", "-c", read], capture_output=True, text=True, check=True
        )
        if int(done.stdout, 16) == 0:
            raise PermissionError(1, "it has none")
        return done.stdout

    speak.report_attempts({"capable": run})


def identity() -> None:
    """Take another identity outright."""
    speak.report_attempts(
        {
            "setuid": lambda: os.setuid(0),
            "setreuid": lambda: os.setreuid(0, 0),
            "setgid": lambda: os.setgid(0),
            "setgroups": lambda: os.setgroups([0, 1]),
            "other user": lambda: os.setuid(1000),
            "ambient": lambda: kernel.libc("prctl", 47, 2, 21, 0, 0),
            "securebits": lambda: kernel.libc("prctl", 28, 0xFF, 0, 0, 0),
            "privileges anew": lambda: kernel.libc("prctl", 38, 0, 0, 0, 0),
            "nice": lambda: os.nice(-10),
            "scheduler": lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10)),
        }
    )


def mounts() -> None:
    """Mount, unmount and make the image writable."""
    none = ctypes.c_void_p()
    speak.report_attempts(
        {
            "tmpfs": lambda: kernel.libc("mount", b"none", b"/tmp", b"tmpfs", 0, none),
            "proc": lambda: kernel.libc("mount", b"proc", b"/tmp", b"proc", 0, none),
            "cgroup": lambda: kernel.libc("mount", b"none", b"/tmp", b"cgroup", 0, b"memory"),
            "disk": lambda: kernel.libc("mount", b"/dev/vda", b"/tmp", b"ext4", 0, none),
            "bind": lambda: kernel.libc("mount", b"/proc/1/root", b"/tmp", none, MS_BIND, none),
            "remount": lambda: kernel.libc("mount", none, b"/", none, MS_REMOUNT, none),
            "unmount": lambda: kernel.libc("umount2", b"/proc/sys", MNT_DETACH),
            "pivot": lambda: kernel.syscall("pivot_root", b"/tmp", b"/tmp"),
            "chroot": lambda: os.chroot("/tmp"),
        }
    )


def namespaces() -> None:
    """Make namespaces of its own, above all one of users, in which it would be root."""
    deeds: dict[str, Deed] = {
        f"unshare {name}": lambda flag=flag: kernel.libc("unshare", flag)
        for name, flag in CLONE_FLAGS.items()
    }
    deeds |= {
        f"join {name}": lambda name=name: join(name)
        for name in ("user", "mnt", "net", "pid", "ipc")
    }
    speak.report_attempts(deeds)


def join(name: str) -> int:
    return kernel.libc("setns", os.open(f"/proc/1/ns/{name}", os.O_RDONLY), 0)


def kernel_calls() -> None:
    """Call what changes or watches the kernel for everybody."""
    size = ctypes.create_string_buffer(256)
    speak.report_attempts(
        {
            "bpf": lambda: kernel.syscall("bpf", 0, size, 72),
            "perf": lambda: kernel.syscall("perf_event_open", size, -1, 0, -1, 0),
            "kexec": lambda: kernel.syscall("kexec_load", 0, 0, None, 0),
            "module": lambda: kernel.syscall("init_module", size, 256, b""),
            "module file": lambda: kernel.syscall("finit_module", 0, b"", 0),
            "clock": lambda: time.clock_settime(time.CLOCK_REALTIME, time.time()),
            "reboot": lambda: kernel.libc("reboot", CTRL_ALT_DELETE_ON),
            "host name": lambda: kernel.libc("sethostname", b"mine", 4),
            "domain name": lambda: kernel.libc("setdomainname", b"mine", 4),
            "swap": lambda: kernel.libc("swapon", b"/tmp/swap", 0),
            "accounting": lambda: kernel.libc("acct", b"/tmp/accounts"),
            "kernel log": lambda: kernel.syscall("syslog", 3, size, 256),
            "quota": lambda: kernel.syscall("quotactl", 0x80000100, b"/dev/vda", 0, size),
            "page faults": lambda: kernel.syscall("userfaultfd", 0),
        }
    )


def keyrings() -> None:
    """Keep keys in the kernel, which outlive a container and are shared by all of nobody's."""
    speak.report_attempts(
        {
            "add": lambda: kernel.syscall("add_key", b"user", b"hostile", b"x", 1, -4),
            "request": lambda: kernel.syscall("request_key", b"user", b"hostile", None, -4),
            "control": lambda: kernel.syscall("keyctl", 0, -4, 1),
        }
    )


def take_over_init() -> None:
    """Hold the container's first process still, so that it takes nobody's end to the engine."""
    speak.report({"attach": speak.attempt(lambda: kernel.libc("ptrace", PTRACE_ATTACH, 1, 0, 0))})
    speak.ready()
    speak.behave()
    time.sleep(600)


def execute(folder: str) -> str:
    program = Path(folder) / "program"
    program.write_text("#!/bin/sh\necho ran\n")
    program.chmod(0o755)
    return output(str(program))


def executing() -> None:
    """Run programs from the places that it can write to."""
    speak.report_attempts(
        {folder: lambda folder=folder: execute(folder) for folder in ("/tmp", "/dev/shm")}
    )


def user_of_image() -> None:
    """Run as the user that the image names: root."""
    speak.report({"ids": [*os.getresuid(), *os.getresgid(), *os.getgroups()]})
    speak.ready()
    speak.behave()
