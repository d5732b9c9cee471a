"""Prompts as they are written, kept so that an interrupted run goes on; nothing of models."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from pydantic import ValidationError

from harness.dataset.atomic_file import write_atomically
from harness.dataset.prompt_file import header_line, source_line
from harness.records.prompts import PromptFileHeader, SourcePrompts

logger = logging.getLogger(__name__)


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

    def read(self) -> dict[str, SourcePrompts]:
        """Return the latest line of each source; none where there are none of this header."""
        try:
            lines = self.path.read_text(encoding="utf-8", errors="replace").split("\n")
        except FileNotFoundError:
            return {}
        if lines[0] != header_line(self.header):
            logger.warning("%s was written in another way and is not taken up", self.path)
            return {}
        found: dict[str, SourcePrompts] = {}
        for line in lines[1:-1]:  # the last has no end: it is empty, or was cut off
            try:
                prompts = SourcePrompts.model_validate_json(line)
            except ValidationError:
                break
            found[prompts.source_name] = prompts
        return found

    @contextmanager
    def writing(self, kept: dict[str, SourcePrompts]) -> Iterator["PartialWriter"]:
        """Begin the file anew with the lines of `kept`, and give what adds to it.

        Raises:
            OSError: It can't be written; `filename` says where.
        """
        lines = [header_line(self.header), *(source_line(prompts) for prompts in kept.values())]
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

    def add(self, prompts: SourcePrompts) -> None:
        """Add the line of one source.

        Raises:
            OSError: It can't be written; `filename` says where.
        """
        try:
            self.stream.write(f"{source_line(prompts)}\n")
            self.stream.flush()
        except OSError as error:  # which knows no name
            raise OSError(error.errno, error.strerror, str(self.path)) from error
