"""Whose turn it is to try for a database; nothing of what is done with it.

The lock that DuckDB takes has no queue, and readers share it. Where some are always reading, a
writer would never find it free. So whoever wants in takes a turn first and keeps it until it is in:
meanwhile nobody new comes, and those that are in leave.
"""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self


class Turn:
    """A turn at the databases of one folder; a context manager that gives it up at its end.

    It is an advisory lock on the folder itself, so that nothing lies about and a killed process
    leaves nothing. Where the file system has no such locks, it is always everybody's turn.
    """

    def __init__(self, folder: Path) -> None:
        """Ask for nothing yet."""
        self._folder = folder
        self._descriptor: int | None = None

    def __enter__(self) -> Self:
        """Return the turn; `is_ours` takes it."""
        try:
            self._descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError:
            self._descriptor = None
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give it up."""
        if self._descriptor is not None:
            os.close(self._descriptor)

    def is_ours(self) -> bool:
        """Return whether it is this process's turn, taking it where it is nobody's."""
        if self._descriptor is None:
            return True
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # no such locks here, as on some network file systems
            return True
        return True
