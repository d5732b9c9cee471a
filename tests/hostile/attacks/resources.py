"""Taking all there is: processes, memory, processors, space, files."""

import ctypes
import mmap
import multiprocessing
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import kernel
import speak

TMP = Path("/tmp")
SHM = Path("/dev/shm")
MIB = 2**20
IPC_CREAT = 0o1000


def until_refused(step: Callable[[int], object], *, most: int) -> str:
    """Return how often `step` could be taken and what it was refused with, if it was."""
    for number in range(most):
        try:
            step(number)
        except (OSError, MemoryError, RuntimeError) as error:
            return f"{number}: {type(error).__name__} {error}"
    return f"{most}: never"


def behave_after(findings: dict[str, object]) -> None:
    """Tell `findings` and answer honestly."""
    speak.report(findings)
    speak.ready()
    speak.behave()


def fork_bomb() -> None:
    """Double for ever; whoever can't sleeps. No ready line ever comes."""
    while True:
        try:
            os.fork()
        except OSError:
            time.sleep(0.1)


def processes() -> None:
    """Start as many processes as there may be, then answer."""

    def start(_: int) -> None:
        if os.fork() == 0:
            time.sleep(600)

    behave_after({"processes": until_refused(start, most=10_000)})


def threads() -> None:
    """Start as many threads as there may be, then answer."""
    wait = threading.Event()

    def start(_: int) -> None:
        threading.Thread(target=wait.wait, daemon=True).start()

    behave_after({"threads": until_refused(start, most=10_000)})


def memory() -> None:
    """Take memory while an image is owed."""
    speak.ready()
    next(speak.asked())
    hoard = []
    while True:
        hoard.append(bytearray(MIB))


def memory_before_ready() -> None:
    """Take memory for good before the ready line."""
    speak.log("loading the largest model")
    hoard = []
    while True:
        hoard.append(bytearray(MIB))


def mapped_memory() -> None:
    """Map much more memory than there is, and touch it."""
    speak.ready()
    next(speak.asked())
    with mmap.mmap(-1, 1024 * MIB) as area:
        for offset in range(0, len(area), mmap.PAGESIZE):
            area[offset] = 1


def memory_of_children() -> None:
    """Take memory in children, one after another, each of which is killed for it."""
    for _ in range(3):
        subprocess.run([sys.executable, "-c", f"b = bytearray({512 * MIB})"], check=False)
    speak.log("the children are dead")
    speak.ready()
    speak.behave()


def memory_of_children_then_exit() -> None:
    """Give up, as a data loader does, because a child was killed for its memory."""
    speak.ready()
    speak.answer_one()
    done = subprocess.run([sys.executable, "-c", f"b = bytearray({512 * MIB})"], check=False)
    speak.log(f"a worker died of {done.returncode}")
    sys.exit(1)


def fill(folder: Path) -> str:
    """Return how many MiB fit in a folder."""
    with (folder / "big").open("wb", buffering=0) as file:
        return until_refused(lambda _: file.write(bytes(MIB)), most=100_000)


def spaces() -> None:
    """Fill both places that can be written to."""
    behave_after({"tmp": fill(TMP), "shm": fill(SHM)})


def space_beyond_memory() -> None:
    """Fill a /tmp that may be larger than the memory is."""
    speak.ready()
    next(speak.asked())
    speak.log(fill(TMP))
    time.sleep(600)


def sparse_files() -> None:
    """Make files that claim to be huge."""

    def make(number: int) -> None:
        with (TMP / f"sparse{number}").open("wb") as file:
            file.truncate(2**40)
            file.seek(2**39)
            file.write(b"x")

    made = until_refused(make, most=100)
    used = os.statvfs(TMP)
    behave_after({"made": made, "MiB": (used.f_blocks - used.f_bfree) * used.f_frsize / MIB})


def inodes() -> None:
    """Make empty files without end: each costs the kernel memory, none of it in /tmp's size."""
    speak.ready()
    next(speak.asked())
    speak.log(until_refused(lambda n: os.close(os.open(f"/tmp/{n}", os.O_CREAT)), most=2_000_000))
    time.sleep(600)


def names() -> None:
    """Ask for files that are not there: the kernel remembers each of them."""
    asked = until_refused(lambda n: Path(f"/{n}").exists(), most=100_000)
    behave_after({"names": asked})


def open_files() -> None:
    """Hold as many files open as there may be."""
    held = []
    opened = until_refused(lambda _: held.append(os.open("/dev/null", os.O_RDONLY)), most=2**20)
    for file in held:
        os.close(file)
    behave_after({"files": opened})


def pipes() -> None:
    """Fill pipes: their bytes are the kernel's."""
    speak.ready()
    next(speak.asked())
    held = []

    def make(_: int) -> None:
        out, into = os.pipe()
        held.append(out)
        os.set_blocking(into, False)
        with suppress(BlockingIOError):
            while True:
                os.write(into, bytes(65536))

    speak.log(until_refused(make, most=100_000))
    time.sleep(600)


def sockets() -> None:
    """Fill sockets that nobody reads, and send sockets through them."""
    speak.ready()
    next(speak.asked())
    held = []

    def make(_: int) -> None:
        pair = socket.socketpair()
        held.append(pair)
        pair[0].setblocking(False)
        with suppress(BlockingIOError):
            socket.send_fds(pair[0], [b"x"], [pair[0].fileno(), pair[1].fileno()])
            while True:
                pair[0].send(bytes(65536))

    speak.log(until_refused(make, most=100_000))
    time.sleep(600)


def shared_memory() -> None:
    """Take shared memory of the old kind, which is in no folder and outlives processes."""
    speak.ready()
    next(speak.asked())

    def make(_: int) -> None:
        segment = kernel.libc("shmget", 0, ctypes.c_size_t(16 * MIB), IPC_CREAT | 0o600)
        attach = ctypes.CDLL(None).shmat
        attach.restype = ctypes.c_void_p
        ctypes.memset(attach(segment, None, 0), 1, 16 * MIB)

    speak.log(until_refused(make, most=1000))
    time.sleep(600)


def message_queues() -> None:
    """Fill message queues, which the kernel keeps."""
    make = ctypes.CDLL(None, use_errno=True).mq_open
    flags = os.O_CREAT | os.O_RDWR | os.O_NONBLOCK

    def fill_one(number: int) -> None:
        queue = make(f"/hostile{number}".encode(), flags, 0o600, None)
        if queue == -1:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        with suppress(OSError):
            while True:
                kernel.libc("mq_send", queue, bytes(8192), ctypes.c_size_t(8192), 0)

    behave_after({"queues": until_refused(fill_one, most=10_000)})


def processors() -> None:
    """Keep every processor busy with eight processes for a while, then answer."""

    def burn() -> None:
        until = time.monotonic() + 3
        while time.monotonic() < until:
            pass

    crowd = [multiprocessing.Process(target=burn) for _ in range(8)]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join()
    behave_after({"processors seen": os.cpu_count()})


def core_dump() -> None:
    """Die of a fault with much memory in hand, so that it would be dumped."""
    speak.ready()
    next(speak.asked())
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY,) * 2)
    os.chdir("/tmp")
    hoard = bytearray(24 * MIB)
    speak.log(f"dying with {len(hoard)} bytes")
    os.kill(os.getpid(), signal.SIGSEGV)
    time.sleep(600)
