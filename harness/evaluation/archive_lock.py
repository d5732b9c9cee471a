"""One process at a time works on an archive, and others learn which; nothing of what is in it."""

import errno
import fcntl
import os
import socket
import time
from contextlib import suppress
from pathlib import Path

from harness.errors import OutputError, RunBusyError
from harness.evaluation.archive_format import read_holder

LOCK_PATIENCE_SECONDS = 2.0
"""How long another process may look at the file before it counts as working on it."""
_LOCK_PAUSE_SECONDS = 0.05
_NO_LOCKS = frozenset({errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL})


def lock_archive(path: Path) -> int:
    """Return a descriptor of the file at `path`, made where there is none, locked until closed.

    Raises:
        RunBusyError: Another process has it locked.
        OutputError: The file system has no locks, or says otherwise at every look.
        OSError: It can't be opened.
    """
    give_up_at = time.monotonic() + LOCK_PATIENCE_SECONDS
    while True:
        last = time.monotonic() >= give_up_at
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except FileNotFoundError as error:  # whoever finished the last run removed the folder
            if last:
                raise _unsteady(path) from error
            continue
        try:
            if _is_locked(path, descriptor):
                return descriptor
        except BlockingIOError as error:
            if last:
                os.close(descriptor)
                raise _busy(path) from error
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # its owner moved or removed it just now, or still has it
        if last:
            raise _unsteady(path)
        time.sleep(_LOCK_PAUSE_SECONDS)


def _is_locked(path: Path, descriptor: int) -> bool:
    """Return whether what was locked is still the file at `path`; `BlockingIOError`: not ours."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _NO_LOCKS:
            raise _no_locks(path, error) from error
        raise
    return _is_at(path, descriptor)


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _no_locks(path: Path, error: OSError) -> OutputError:
    return OutputError(
        f"{path} can't be locked ({error.strerror}), so two evaluations could write it at once",
        remedy="Choose a --workspace on a file system that has locks, as a local disk.",
    )


def _unsteady(path: Path) -> OutputError:
    return OutputError(
        f"{path} can't be opened for good: it is a link that leads nowhere, or its file system"
        " shows another file than it opens",
        remedy="Remove it if it is a link, or choose a --workspace on a local disk.",
    )


def _busy(path: Path) -> RunBusyError:
    holder = ""
    with suppress(OSError), path.open("rb") as stream:
        holder = read_holder(stream)
    return RunBusyError(
        f"{holder or 'another process'} evaluates the same image on the same benchmark under the "
        "same limits",
        remedy="Wait until it has ended, or end it with Ctrl-C or `kill`, and run the command "
        "again: what it has predicted by then is kept.",
    )


def this_process() -> str:
    """Return what an archive says of the process that works on it."""
    return f"process {os.getpid()} on {socket.gethostname()}"
