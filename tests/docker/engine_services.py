"""Programs that a test runs in a folder of its own, and what is left of them; not of engines."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

START_SECONDS = 30.0


@contextmanager
def service(folder: Path, command: Sequence[str]) -> Iterator[None]:
    """Run `command` in `folder` until the block is left; its words go to `log` there."""
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until(done: Callable[[], bool], *, what: str, log: Path | None = None) -> None:
    until = time.monotonic() + START_SECONDS
    while not done():
        if time.monotonic() > until:
            said = log.read_text(errors="replace")[-3000:] if log is not None else ""
            pytest.fail(f"{what} did not come up: {said}")
        time.sleep(0.05)


def discard(folder: Path) -> None:
    """End every process that names `folder`, unmount what is in it, and remove it."""
    for status in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if str(folder).encode() in (status / "cmdline").read_bytes():
                os.kill(int(status.name), signal.SIGKILL)
    mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for place in sorted((at for at in mounts if at.startswith(str(folder))), reverse=True):
        subprocess.run(["umount", "--lazy", place], check=False, capture_output=True)
    shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
