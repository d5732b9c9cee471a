"""Plays one part in a container: `python3 stream_actors.py PART`; standard library only."""

import ctypes
import json
import os
import resource
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

STDIN, STDOUT = sys.stdin.buffer, sys.stdout.buffer
TMP = Path("/tmp")  # noqa: S108 - the container's own
SHM = Path("/dev/shm")  # noqa: S108 - the container's own
PROBED = (
    *(Path("/"), Path("/root"), Path("/etc"), Path("/data"), Path("/run"), Path("/run/lock")),
    *(Path("/var"), Path("/var/tmp"), TMP),  # noqa: S108 - the container's own
)
BODY = b"prediction of "


def say(data: bytes) -> None:
    STDOUT.write(data)
    STDOUT.flush()


def log(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def ready() -> None:
    say(b'{"protocol": 1, "name": "actor"}\n')


def answer(sample_id: str, body: bytes) -> None:
    say(json.dumps({"id": sample_id, "bytes": len(body)}).encode() + b"\n" + body)


def samples() -> Iterator[tuple[str, bytes]]:
    while line := STDIN.readline():
        header = json.loads(line)
        yield header["id"], STDIN.read(header["bytes"])


def echo() -> None:
    ready()
    for sample_id, png in samples():
        answer(sample_id, BODY + png)


def backwards() -> None:
    """Answer in groups of as many as are sent ahead, the last one first."""
    ready()
    group: list[str] = []
    for sample_id, _ in samples():
        group.append(sample_id)
        if len(group) == int(os.environ["HARNESS_MAX_IN_FLIGHT"]):
            answer_backwards(group)
    answer_backwards(group)


def answer_backwards(group: list[str]) -> None:
    while group:
        answer(group.pop(), BODY)


def ready_for_losses() -> None:
    say(b'{"protocol": 1, "name": "lossy", "losses": true}\n')


def gray_png(width: int, height: int, depth: int) -> bytes:
    """Return a gray PNG of nothing but zeros."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(data, zlib.crc32(kind))
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", width, height, depth, 0, 0, 0, 0)
    rows = bytes(height * (1 + width * depth // 8))
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def losses_as_asked() -> None:
    """Answer with zeros of the image's size, and log every header as it came."""
    ready_for_losses()
    while line := STDIN.readline():
        log(line.decode().strip())
        header = json.loads(line)
        width, height = struct.unpack(">II", STDIN.read(header["bytes"])[16:24])
        answer(header["id"], gray_png(width, height, 16))


def losses_of(width: int, height: int, depth: int) -> None:
    ready_for_losses()
    for sample_id, _ in samples():
        answer(sample_id, gray_png(width, height, depth))


def losses_of_8_bits() -> None:
    losses_of(6, 4, 8)


def losses_of_another_size() -> None:
    losses_of(4, 6, 16)


def losses_too_large() -> None:
    ready_for_losses()
    for sample_id, _ in samples():
        say(json.dumps({"id": sample_id, "bytes": 10**15}).encode() + b"\n")


def losses_that_are_no_picture() -> None:
    ready_for_losses()
    for sample_id, _ in samples():
        answer(sample_id, b"-log p")


def never_ready() -> None:
    log("loading")
    time.sleep(60)


def wrong_ready() -> None:
    say(b"Loading the model...\n")
    time.sleep(60)


def hang() -> None:
    ready()
    time.sleep(60)


def deaf_and_silent() -> None:
    """Read nothing at all, so that the harness can't even finish sending."""
    ready()
    os.close(0)
    time.sleep(60)


def drip() -> None:
    ready()
    for sample_id, _ in samples():
        time.sleep(0.3)
        answer(sample_id, BODY)


def hog() -> None:
    ready()
    next(samples())
    kept = [bytes([n % 256]) * 2**22 for n in range(1000)]
    log(str(len(kept)))


def child_hogs() -> bool:
    code = "kept = [bytes([n % 256]) * 2**22 for n in range(1000)]"
    return subprocess.run([sys.executable, "-c", code], check=False).returncode != 0


def hogging_child_survived() -> None:
    ready()
    for sample_id, _ in samples():
        child_hogs()
        answer(sample_id, BODY)


def hogging_child_awaited() -> None:
    ready()
    next(samples())
    child_hogs()
    time.sleep(60)


def leave() -> None:
    ready()
    answer(next(samples())[0], BODY)
    log("leaving early")
    sys.exit(3)


def leave_before_ready() -> None:
    message = "no such weights"
    raise FileNotFoundError(message)


def close_outputs() -> None:
    ready()
    next(samples())
    os.close(1)
    os.close(2)
    time.sleep(60)


def kill_itself() -> None:
    ready()
    next(samples())
    os.kill(os.getpid(), signal.SIGSEGV)
    time.sleep(60)


def exit_with_5() -> None:
    echo()
    sys.exit(5)


def wrong_header() -> None:
    ready()
    sample_id, _ = next(samples())
    say(json.dumps({"id": sample_id, "bytes": True}).encode() + b"\n")
    time.sleep(60)


def unknown_sample() -> None:
    ready()
    next(samples())
    answer("../../etc/passwd", BODY)
    time.sleep(60)


def twice() -> None:
    ready()
    for sample_id, _ in samples():
        answer(sample_id, BODY)
        answer(sample_id, BODY)


def too_large() -> None:
    ready()
    sample_id, _ = next(samples())
    say(json.dumps({"id": sample_id, "bytes": 10**15}).encode() + b"\n")
    while True:
        say(b"\0" * 2**20)


def extra() -> None:
    echo()
    say(b"done!\n")


def linger() -> None:
    echo()
    time.sleep(60)


def flood_log() -> None:
    ready()
    log("the first line")
    for sample_id, _ in samples():
        sys.stderr.write("x" * 2**23)
        answer(sample_id, BODY)
    log("the last line")


def report() -> None:
    """Log as JSON what the walls look like from inside."""
    status = dict(
        line.split(":\t", 1) for line in Path("/proc/self/status").read_text().splitlines() if line
    )
    found = {
        "uid": os.getuid(),
        "gid": os.getgid(),
        "groups": os.getgroups(),
        "capabilities": [status[f"Cap{kind}"].strip() for kind in ("Inh", "Prm", "Eff", "Bnd")],
        "no_new_privileges": status.get("NoNewPrivs", "").strip(),
        "seccomp": status.get("Seccomp", "").strip(),
        "interfaces": sorted(name for _, name in socket.if_nameindex()),
        "writable": [str(folder) for folder in PROBED if writable(folder)],
        "data": Path("/data/model.bin").read_text(),
        "tmp_bytes": fill(TMP / "big"),
        "shm_bytes": fill(SHM / "big"),
        "exec_in_tmp": can_execute(TMP / "program"),
        "threads": count_threads(),
        "core": core_limit(),
        "init": Path("/proc/1/comm").read_text().strip(),
        "hostname": socket.gethostname(),
        "environment": dict(os.environ),
        "can_mount": ctypes.CDLL(None).mount(b"none", b"/tmp", b"tmpfs", 0, None) == 0,
    }
    log(json.dumps(found))
    echo()


def writable(folder: Path) -> bool:
    try:
        (folder / "probe").write_bytes(b"x")
    except OSError:
        return False
    return True


def fill(path: Path) -> int:
    written = 0
    try:
        with path.open("wb", buffering=0) as file:
            while written < 2**30:
                written += file.write(b"x" * 65536)
    except OSError:
        pass
    path.unlink()
    return written


def can_execute(path: Path) -> bool:
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    try:
        subprocess.run([path], check=True)
    except PermissionError:
        return False
    return True


def count_threads() -> int:
    stop, threads = threading.Event(), []
    try:
        while len(threads) < 1000:
            threads.append(threading.Thread(target=stop.wait))
            threads[-1].start()
    except RuntimeError:
        threads.pop()
    stop.set()
    return len(threads)


def core_limit() -> str:
    return str(resource.getrlimit(resource.RLIMIT_CORE)[0])


PARTS: dict[str, Callable[[], None]] = {
    part.__name__: part
    for part in (
        echo,
        backwards,
        losses_as_asked,
        losses_of_8_bits,
        losses_of_another_size,
        losses_too_large,
        losses_that_are_no_picture,
        never_ready,
        wrong_ready,
        hang,
        deaf_and_silent,
        drip,
        hog,
        hogging_child_survived,
        hogging_child_awaited,
        leave,
        leave_before_ready,
        close_outputs,
        kill_itself,
        exit_with_5,
        wrong_header,
        unknown_sample,
        twice,
        too_large,
        extra,
        linger,
        flood_log,
        report,
    )
}

if __name__ == "__main__":
    PARTS[sys.argv[1]]()
