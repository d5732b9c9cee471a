"""Ways to the machine beneath: its engine, files, devices and settings."""

import ctypes
import os
import socket
import stat
from pathlib import Path

import kernel
import speak
from speak import Deed

ENGINE_SOCKETS = (
    "/var/run/docker.sock",
    "/run/docker.sock",
    "/run/containerd/containerd.sock",
    "/run/podman/podman.sock",
    "/run/crio/crio.sock",
    "/run/user/0/docker.sock",
    "/proc/1/root/run/docker.sock",
)
SYSCTLS = (
    "kernel/core_pattern",
    "kernel/hostname",
    "kernel/modprobe",
    "kernel/randomize_va_space",
    "kernel/shmmax",
    "kernel/sysrq",
    "vm/drop_caches",
    "vm/overcommit_memory",
    "vm/panic_on_oom",
    "net/ipv4/ip_forward",
    "fs/file-max",
    "fs/mqueue/msg_max",
    "user/max_user_namespaces",
)
HOST_FILES = (
    "/host",
    "/hostfs",
    "/mnt/host",
    "/rootfs",
    "/var/lib/docker",
    "/var/lib/containerd",
    "/var/lib/kubelet",
    "/run/secrets",
    "/root/.ssh",
    "/root/.docker/config.json",
    "/etc/shadow",
    "/proc/1/root/etc/shadow",
    "/proc/1/cwd/../etc/shadow",
    "/boot/vmlinuz",
)
DEVICES = (
    "mem",
    "kmem",
    "port",
    "kmsg",
    "sda",
    "vda",
    "nvme0n1",
    "fuse",
    "kvm",
    "loop-control",
    "net/tun",
)
MASKED = (
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/timer_list",
    "/proc/scsi/scsi",
    "/proc/acpi/wakeup",
    "/sys/firmware/dmi/tables/DMI",
    "/proc/kallsyms",
    "/proc/kmsg",
    "/proc/vmallocinfo",
    "/proc/slabinfo",
)

OF_GROUPS = (
    "memory.limit_in_bytes",
    "memory.max",
    "pids.max",
    "cpu.max",
    "cpu.cfs_quota_us",
    "cgroup.procs",
    "release_agent",
    "notify_on_release",
    "devices.allow",
)
OF_THE_IMAGE = (
    "/etc/passwd",
    "/etc/hosts",
    "/etc/resolv.conf",
    "/etc/hostname",
    "/attacks/play.py",
    "/sbin/docker-init",
    "/usr/bin/python3",
    "/open/file",
)


def connect_to(path: str) -> str:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(2)
        client.connect(path)
        return "connected"


def engine_socket() -> None:
    """Look for the engine at every place where it is known to be."""
    deeds: dict[str, Deed] = {p: lambda p=p: connect_to(p) for p in ENGINE_SOCKETS}
    named = {name: value for name, value in os.environ.items() if "DOCKER" in name}
    speak.log(f"told of the engine: {named}")
    deeds |= {name: lambda value=value: value for name, value in named.items()}
    speak.report_attempts(deeds)


def look_at(path: str) -> object:
    """Return what is in a file or a folder."""
    place = Path(path)
    return (
        sorted(found.name for found in place.iterdir())[:5]
        if place.is_dir()
        else place.read_bytes()[:80]
    )


def files() -> None:
    """Read what only the machine, or the root of this image, may."""
    speak.report_attempts({path: lambda path=path: look_at(path) for path in HOST_FILES})


def neighbours() -> None:
    """List whose processes are seen, and what of the machine's own file systems is mounted."""
    speak.report({"processes": len(list(Path("/proc").glob("[0-9]*"))), "mounts": foreign_mounts()})
    speak.ready()
    speak.behave()


def foreign_mounts() -> list[str]:
    """Return the mount points that show a folder or a file of the machine's own file system."""
    lines = [line.split(" - ") for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    ours = ("overlay", "proc", "tmpfs", "devpts", "sysfs", "cgroup", "cgroup2", "mqueue")
    return [left.split()[4] for left, right in lines if right.split()[0] not in ours]


def devices() -> None:
    """Open the machine's devices, and make some."""
    deeds: dict[str, Deed] = {
        f"/dev/{name}": lambda name=name: os.open(f"/dev/{name}", os.O_RDONLY) for name in DEVICES
    }
    for name, major, minor in (("disk", 8, 0), ("virtual disk", 254, 0), ("memory", 1, 1)):
        kind = stat.S_IFCHR if name == "memory" else stat.S_IFBLK
        for folder in ("/tmp", "/dev/shm", "/dev"):
            deeds[f"{name} in {folder}"] = lambda k=kind, d=(major, minor), f=folder: os.mknod(
                f"{f}/made-{speak.mark()}", k | 0o600, os.makedev(*d)
            )
    speak.report_attempts(deeds)


def device_list() -> None:
    """List the devices that are there."""
    found = [path for path in Path("/dev").rglob("*") if not path.is_symlink()]
    speak.report(
        {
            "blocks": [str(path) for path in found if path.is_block_device()],
            "characters": sorted(path.name for path in found if path.is_char_device()),
        }
    )
    speak.ready()
    speak.behave()


def handles() -> None:
    """Open files by inode number, past every mount (known as `shocker`)."""

    class Handle(ctypes.Structure):
        _fields_ = [("bytes", ctypes.c_uint), ("type", ctypes.c_int), ("inode", ctypes.c_ubyte * 8)]

    def open_inode(number: int) -> int:
        handle = Handle(8, 1, (ctypes.c_ubyte * 8)(number))
        mounted = os.open("/etc/hostname", os.O_RDONLY)
        return kernel.libc("open_by_handle_at", mounted, ctypes.byref(handle), os.O_RDONLY)

    speak.report_attempts({f"inode {n}": lambda n=n: open_inode(n) for n in (2, 3, 128)})


def write_to(path: str, data: bytes) -> str:
    file = os.open(path, os.O_WRONLY)
    try:
        os.write(file, data)
    finally:
        os.close(file)
    return "written"


def open_to_write(path: str) -> str:
    """Go as far as possible without changing the machine, should nothing be in the way."""
    os.close(os.open(path, os.O_WRONLY))
    return "open"


def proc_writes() -> None:
    """Change the running kernel's settings."""
    deeds = {name: lambda p=f"/proc/sys/{name}": open_to_write(p) for name in SYSCTLS}
    deeds["sysrq"] = lambda: open_to_write("/proc/sysrq-trigger")
    deeds["irq"] = lambda: open_to_write("/proc/irq/default_smp_affinity")
    deeds["own score"] = lambda: write_to("/proc/self/oom_score_adj", b"-1000")
    deeds["score of 1"] = lambda: write_to("/proc/1/oom_score_adj", b"-1000")
    deeds["own ids"] = lambda: write_to("/proc/self/uid_map", b"0 65534 1")
    speak.report_attempts(deeds)


def sys_writes() -> None:
    """Change devices, and the limits of its own control group."""
    groups = Path("/sys/fs/cgroup")
    found = [str(path) for name in OF_GROUPS for path in groups.rglob(name)]
    found += ["/sys/power/state", "/sys/kernel/uevent_helper", "/sys/kernel/mm/ksm/run"]
    deeds: dict[str, Deed] = {path: lambda path=path: open_to_write(path) for path in found}
    deeds["new group"] = groups.joinpath(speak.mark()).mkdir
    deeds["new group of memory"] = groups.joinpath("memory", speak.mark()).mkdir
    speak.report_attempts(deeds)


def image_writes() -> None:
    """Change the image: its programs, its users, folders that its author opened to everybody."""
    deeds: dict[str, Deed] = {p: lambda p=p: write_to(p, b"1") for p in OF_THE_IMAGE}
    folders = (
        "/",
        "/etc",
        "/usr/bin",
        "/root",
        "/var",
        "/run",
        "/home",
        "/open",
        "/dev",
        "/proc",
        "/sys",
    )
    deeds |= {f"new in {p}": lambda p=p: Path(p, speak.mark()).write_bytes(b"x") for p in folders}
    deeds["unlink"] = Path("/open/file").unlink
    deeds["chmod"] = lambda: Path("/open/file").chmod(0o777)
    deeds["rename"] = lambda: Path("/open/file").rename("/open/other")
    speak.report_attempts(deeds)


def masked() -> None:
    """Read what the kernel tells of the machine; a masked file is empty."""

    def read(path: str) -> str:
        told = Path(path).read_bytes()[:200]
        if not told or not told.strip(b"0 \n") or set(told.split()[0]) <= set(b"0"):
            raise OSError(0, "empty")
        return repr(told[:60])

    speak.report_attempts({path: lambda path=path: read(path) for path in MASKED})
