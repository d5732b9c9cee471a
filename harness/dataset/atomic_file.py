"""Files that are whole or not there: written aside, then renamed."""

import os
from pathlib import Path


def write_atomically(path: Path, data: bytes, *, scratch: Path) -> None:
    """Write `data` to `path` by way of the folder `scratch` on the same file system.

    Raises:
        OSError: It can't be written; `filename` says where, and what stood at `path` is untouched.
    """
    aside = scratch / f"{path.name}.{os.getpid()}"
    try:
        aside.write_bytes(data)
        aside.replace(path)
    except OSError as error:
        aside.unlink(missing_ok=True)
        # A full disk is reported by write(), which knows no name.
        raise OSError(error.errno, error.strerror, str(path)) from error
