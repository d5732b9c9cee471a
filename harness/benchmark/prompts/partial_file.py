"""Prompts as they are written, kept so that an interrupted run goes on; nothing of models."""

import fcntl
import logging
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TextIO

from pydantic import ValidationError

from harness.dataset.atomic_file import write_atomically
from harness.dataset.prompt_file import header_line
from harness.errors import RecipeError
from harness.records.base import Record
from harness.records.prompts import PromptFileHeader, SourcePrompts

logger = logging.getLogger(__name__)


class PartialLine(Record):
    """One line of a partial file."""

    noun: str
    """The word for the source's object, or for the whole scene, when it was written."""
    prompts: SourcePrompts
    """What was written; without edits where only the caption was."""


@dataclass(frozen=True, kw_only=True)
class PartialContent:
    """What a partial file holds."""

    lines: dict[str, PartialLine]
    """The latest line of each source."""
    whole: bool
    """Whether that is all there is to take up; not where it was written in another way."""


@dataclass(frozen=True, kw_only=True)
class PartialPrompts:
    """A file of finished lines beside the one that is being written.

    A source stands in it up to twice: with its caption, then with its edits. It is good under the
    same header only: the same recipe, models, settings and packages.
    """

    path: Path
    """The file."""
    header: PromptFileHeader
    """What writes it."""

    def read(self) -> PartialContent:
        """Return what the file holds; nothing where there is none of this header."""
        try:
            lines = self.path.read_text(encoding="utf-8", errors="replace").split("\n")
        except FileNotFoundError:
            return PartialContent(lines={}, whole=True)
        if lines[0] != header_line(self.header):
            return PartialContent(lines={}, whole=len(lines) < 3)  # no line of it ended
        found: dict[str, PartialLine] = {}
        for line in lines[1:-1]:  # the last has no end: it is empty, or was cut off
            try:
                known = PartialLine.model_validate_json(line)
            except ValidationError:
                return PartialContent(lines=found, whole=False)
            found[known.prompts.source_name] = known
        return PartialContent(lines=found, whole=True)

    def set_aside(self) -> None:
        """Keep the file under a name of its own, since not all of it can be taken up.

        Raises:
            OSError: It can't be moved.
        """
        names = (self.path.with_name(f"{self.path.name}.{number}.old") for number in count(1))
        aside = next(path for path in names if not path.exists())
        self.path.rename(aside)
        logger.warning(
            "not all of %s fits what is written now (another recipe, sources, packages or models); "
            "it is kept as %s",
            self.path,
            aside.name,
        )

    @contextmanager
    def writing(self, kept: Iterable[PartialLine]) -> Iterator["PartialWriter"]:
        """Begin the file anew with the lines of `kept`, and give what adds to it.

        Raises:
            OSError: It can't be written; `filename` says where.
        """
        lines = [header_line(self.header), *(line.model_dump_json() for line in kept)]
        data = "".join(f"{line}\n" for line in lines).encode()
        write_atomically(self.path, data, scratch=self.path.parent)
        with self.path.open("a", encoding="utf-8") as stream:
            yield PartialWriter(path=self.path, stream=stream)

    def remove(self) -> None:
        """Remove the file."""
        self.path.unlink(missing_ok=True)


@dataclass(frozen=True, kw_only=True)
class PartialWriter:
    """Adds lines to a partial file, each of them at once."""

    path: Path
    """The file."""
    stream: TextIO
    """The same, open."""

    def add(self, line: PartialLine) -> None:
        """Add one line.

        Raises:
            OSError: It can't be written; `filename` says where.
        """
        try:
            self.stream.write(f"{line.model_dump_json()}\n")
            self.stream.flush()
        except OSError as error:  # which knows no name
            raise OSError(error.errno, error.strerror, str(self.path)) from error


@contextmanager
def only_writer(path: Path) -> Iterator[None]:
    """Hold the lock of the prompts at `path`, a file beside it that is removed afterwards.

    Raises:
        RecipeError: Another process writes them.
        OSError: The lock can't be made.
    """
    lock_path = path.with_name(f"{path.name}.lock")
    with lock_path.open("w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise _at_work(path) from error
        if not _is_open_file(lock_path, lock):  # the writer before us has just removed it
            raise _at_work(path)
        try:
            yield
        finally:
            lock_path.unlink(missing_ok=True)


def _at_work(path: Path) -> RecipeError:
    msg = f"another process writes {path}"
    return RecipeError(msg, remedy="Wait until it is done.")


def _is_open_file(path: Path, stream: TextIO) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(stream.fileno()))
    except FileNotFoundError:
        return False
