"""Who holds a database, as far as this machine can say; nothing of how one is waited for."""

import os
import re
from pathlib import Path

from harness.records.printable import printable

_PROC = Path("/proc")
_COMMAND_CHARACTERS = 80
_NAMED_PID = re.compile(r"\bPID (-?\d+)")
_SAME_PROCESS = (
    "different configuration than existing connections",
    "already held in current process",
)


def describe_holder(refusal: str, database: Path) -> str:
    """Return who holds `database`, with what runs there, from what DuckDB says of its lock.

    DuckDB names the process that the kernel names. A process of another container or machine has a
    number that means nothing here, or none at all; it is not taken for one of this machine.

    Args:
        refusal: What DuckDB said when it could not take the lock.
        database: The database's file.
    """
    if any(said in refusal for said in _SAME_PROCESS):
        return "this process"
    named = _NAMED_PID.search(refusal)
    pid = int(named.group(1)) if named else 0
    if pid <= 0:
        return "a process that can't be seen from here (in another container, or gone by now)"
    if pid == os.getpid():
        return "this process"
    return f"process {pid}{_known_of(pid, database)}"


def _known_of(pid: int, database: Path) -> str:
    """Return what is known of a process, in brackets; nothing where nothing is."""
    if not _PROC.is_dir():  # not Linux
        return ""
    if not (_PROC / str(pid)).exists():
        return " (which has ended by now, or is another machine's)"
    if _has_open(pid, database) is False:
        return " (which has let go by now, or is another machine's)"
    command = _command(pid)
    return f" ({command})" if command else ""


def _has_open(pid: int, database: Path) -> bool | None:
    """Return whether the process has the file open; None where this user may not know."""
    try:
        wanted = database.stat()
        for descriptor in (_PROC / str(pid) / "fd").iterdir():
            try:
                found = descriptor.stat()
            except OSError:  # closed meanwhile, or of another mount
                continue
            if (found.st_dev, found.st_ino) == (wanted.st_dev, wanted.st_ino):
                return True
    except OSError:
        return None
    return False


def _command(pid: int) -> str:
    """Return the process's command line, its program without folders, shortened; or nothing."""
    try:
        words = (_PROC / str(pid) / "cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return ""
    line = " ".join([Path(words[0]).name, *words[1:]]).strip()
    shown = " ".join(printable(line).split())
    if len(shown) <= _COMMAND_CHARACTERS:
        return shown
    return f"{shown[: _COMMAND_CHARACTERS - 1]}…"
