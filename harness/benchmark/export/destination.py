"""Where an export goes: a folder that is whole or not there; nothing of what is in it."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import assert_never

from harness.errors import OutputError

_CHOOSE = "Choose another --output, or empty it."


class Placement(StrEnum):
    """How a file of the benchmark gets into an export."""

    COPY = "copy"
    """Its bytes are copied: the export stands alone."""
    LINK = "link"
    """A symbolic link leads to it: the export takes no space and needs the benchmark."""


@contextmanager
def fresh_folder(output: Path) -> Iterator[Path]:
    """Yield an empty folder that becomes `output` when the block ends, and is gone on any error.

    Raises:
        OutputError: Something is there already.
        OSError: It can't be made.
    """
    output = Path(os.path.abspath(output))  # noqa: PTH100 - resolve() would follow links
    _check_empty(output)
    output.parent.mkdir(parents=True, exist_ok=True)
    partial = output.with_name(f".{output.name}.partial-{os.getpid()}")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        yield partial
        _check_empty(output)
        if output.is_dir():
            output.rmdir()
        partial.rename(output)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def put(data: bytes, *, original: Path, target: Path, placement: Placement) -> None:
    """Put the file `original`, whose content is `data`, at `target`; its folder is made.

    Raises:
        OSError: It can't be written; `filename` says which.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    match placement:
        case Placement.COPY:
            write(target, data)
        case Placement.LINK:
            target.symlink_to(original.resolve())
        case _:
            assert_never(placement)


def write(target: Path, data: bytes) -> None:
    """Write `data` to `target`.

    Raises:
        OSError: It can't be written; `filename` says which.
    """
    try:
        target.write_bytes(data)
    except OSError as error:
        # A full disk is reported by write(), which knows no name.
        raise OSError(error.errno, error.strerror, str(target)) from error


def _check_empty(output: Path) -> None:
    if output.is_symlink() or (output.exists() and not output.is_dir()):
        msg = f"{output} is there already and is no folder"
        raise OutputError(msg, remedy=_CHOOSE)
    if output.is_dir() and any(output.iterdir()):
        msg = f"{output} is not empty"
        raise OutputError(msg, remedy=_CHOOSE)
