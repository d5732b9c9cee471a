"""One process at a time works in a benchmark's folder; nothing of what it does there."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.benchmark.unit import STATE
from harness.errors import BenchmarkError


@contextmanager
def build_lock(folder: Path) -> Iterator[None]:
    """Hold the lock of the benchmark in `folder`, for builds and whatever else rewrites it.

    Raises:
        BenchmarkError: Another process holds it.
        OSError: It can't be made.
    """
    state = folder / STATE
    state.mkdir(parents=True, exist_ok=True)
    with (state / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            msg = f"another process builds {folder}"
            raise BenchmarkError(msg, remedy="Wait until it is done.") from error
        yield
