"""How the results database is opened, shared and given up; nothing of what is in it."""

import logging
import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path

import duckdb

from harness.errors import (
    DatabaseBusyError,
    DatabaseError,
    DiskFullError,
    HarnessError,
    PermissionRefusedError,
)
from harness.store.lock_holder import describe_holder
from harness.store.turn import Turn

_LOG = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS = 0.02
LONGEST_PAUSE_SECONDS = 0.25
NOTICE_SECONDS = 5.0
"""After how much waiting the user is told what is waited for."""
TURN_SECONDS = NOTICE_SECONDS
"""How long turns are respected: longer than harnesses work, and a stuck one holds up no others."""

NO_EXTENSIONS: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}
"""Without these DuckDB downloads an extension when it is shown, say, an SQLite file."""

DAMAGED_REMEDY = "Move the file away and evaluate again, or put a backup in its place."

INTERRUPTED_QUERY = "Query interrupted"
"""What DuckDB says where a signal's handler raised while it was at work."""
_BUSY = (
    "Could not set lock",
    "Conflicting lock",
    "different configuration than existing connections",
)
"""What DuckDB says where somebody, or this process itself, has the database open."""
_WAIT_REMEDY = "Wait until it has finished, or end it, and run the command again."


class Access(StrEnum):
    """What a connection may do."""

    READ = "read"
    """Read; other processes may read at the same time."""
    WRITE = "write"
    """Read and write; DuckDB lets no other process in meanwhile."""


def connect(path: Path, *, access: Access, patience_seconds: float) -> duckdb.DuckDBPyConnection:
    """Return a connection to the database at `path`, waiting while another process holds it.

    Raises:
        DatabaseBusyError: Another process still held it after `patience_seconds`.
        DatabaseError: It is missing (for reading), or no DuckDB database, or damaged.
        PermissionRefusedError: The file or its folder can't be read or written.
    """
    _check_rights(path, access)
    connection = _patiently(path, access=access, patience_seconds=patience_seconds)
    try:
        with database_errors(path):
            _check_size(connection, path)
    except DatabaseError:
        connection.close()
        raise
    return connection


def _patiently(path: Path, *, access: Access, patience_seconds: float) -> duckdb.DuckDBPyConnection:
    """Try until it works or patience ends; the pauses differ, lest two go on meeting."""
    began = time.monotonic()
    pause, noticed = FIRST_PAUSE_SECONDS, False
    with Turn(path.parent) as turn:
        while True:
            waited = time.monotonic() - began
            left = patience_seconds - waited
            if turn.is_ours() or left <= 0 or waited >= TURN_SECONDS:
                try:
                    return _try_once(path, access)
                except DatabaseBusyError as busy:
                    if left <= 0:
                        raise _out_of_patience(busy, waited) from busy
                    if waited >= NOTICE_SECONDS and not noticed:
                        noticed = True
                        _LOG.warning("%s; waiting up to %.0f s more", busy, left)
            drawn = pause * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
            time.sleep(min(drawn, max(left, 0.0)))
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)


def _try_once(path: Path, access: Access) -> duckdb.DuckDBPyConnection:
    with database_errors(path):
        return duckdb.connect(str(path), read_only=access is Access.READ, config=NO_EXTENSIONS)


def _out_of_patience(busy: DatabaseBusyError, waited: float) -> DatabaseBusyError:
    if waited < 1:
        return busy
    return DatabaseBusyError(f"{busy}, and it was never free in {waited:.0f} s", remedy=busy.remedy)


@contextmanager
def transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Commit what the block wrote as a whole; on any error or Ctrl-C, none of it is kept."""
    connection.begin()
    try:
        yield
    except BaseException:
        connection.rollback()
        raise
    connection.commit()


@contextmanager
def database_errors(path: Path) -> Iterator[None]:
    """Raise what DuckDB refuses in the block as an error of the harness, about `path`.

    Raises:
        KeyboardInterrupt: Ctrl-C came during a query, which DuckDB tells as a RuntimeError.
    """
    try:
        yield
    except duckdb.Error as error:
        raise _as_harness_error(error, path) from error
    except RuntimeError as error:
        if str(error) != INTERRUPTED_QUERY:
            raise
        raise KeyboardInterrupt from error


def _check_rights(path: Path, access: Access) -> None:
    """Make the folder, and say plainly what can't be read or written before DuckDB tries.

    The file is asked about, never opened: closing a descriptor of it would drop the lock that
    this process may hold on it (fcntl(2)).
    """
    if access is Access.READ:
        if not path.is_file():
            msg = f"there is no results database at {path}"
            raise DatabaseError(
                msg,
                remedy="Run `harness evaluate SUBMISSION --benchmark NAME` first, or name the"
                " database by --database.",
            )
        if not os.access(path, os.R_OK):
            raise _refused(path, "read")
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _refused(path.parent, "created") from error
    asked = path if path.exists() else path.parent
    # DuckDB keeps its write-ahead log beside the file, so the folder must be writable as well.
    for place in (asked, path.parent):
        if not os.access(place, os.W_OK):
            raise _refused(place, "written")


def _check_size(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Refuse a file that is shorter than its used blocks; DuckDB sees it only when it reads them.

    Free blocks at the end may be missing from a sound file.
    """
    row = connection.execute(
        "SELECT used_blocks * block_size FROM pragma_database_size()"
    ).fetchone()
    promised = int(row[0]) if row else 0
    if path.stat().st_size < promised:
        msg = f"{path} can't be used as a results database: its end is missing"
        raise DatabaseError(
            msg,
            remedy=DAMAGED_REMEDY,
        )


def _refused(place: Path, verb: str) -> PermissionRefusedError:
    return PermissionRefusedError(
        f"{place} can't be {verb}",
        remedy="Give this user the right to it, or choose another --workspace.",
    )


def _as_harness_error(error: duckdb.Error, path: Path) -> HarnessError:
    """Return what DuckDB says as the harness says it; its types alone don't tell these apart."""
    text = str(error)
    if any(said in text for said in _BUSY):
        return DatabaseBusyError(
            f"{describe_holder(text, path)} is using {path}", remedy=_WAIT_REMEDY
        )
    if "No space left on device" in text or "Disk quota exceeded" in text:
        return DiskFullError(
            f"the disk is full, writing {path}",
            remedy="Free some space and run the command again; finished work is kept.",
        )
    if "Permission denied" in text or "Read-only file system" in text:
        return _refused(path, "opened")
    return DatabaseError(
        f"{path} can't be used as a results database: {_first_line(text)}",
        remedy=DAMAGED_REMEDY,
    )


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0] if text.strip() else "no reason given"
