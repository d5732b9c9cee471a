"""What lies in a source folder, good and broken; nothing of how it was found."""

from dataclasses import dataclass

from harness.dataset.broken import BrokenSource
from harness.dataset.source_file import SourceFile


@dataclass(frozen=True, kw_only=True)
class SourceListing:
    """What lies in a source folder."""

    files: tuple[SourceFile, ...]
    """The sources, by name."""
    broken: tuple[BrokenSource, ...] = ()
    """Those that are known not to do before a pixel is read."""
