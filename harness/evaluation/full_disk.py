"""A failed write says what it was for, and a full disk what to do; nothing of what is written."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.errors import DiskFullError


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Raise what the system refuses in the block with the name of `path`, a full disk as ours.

    Raises:
        DiskFullError: The disk is full.
        OSError: Whatever else the system says; `filename` says where.
    """
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            msg = f"the disk is full, writing {path}"
            raise DiskFullError(
                msg,
                remedy="Free some space there and run the same command again: it goes on from what"
                " is kept.",
            ) from error
        if error.filename is None:  # write() knows no name
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise
