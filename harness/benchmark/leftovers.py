"""What a folder holds beside its benchmark: found, and removed only where a build left it."""

import re
from collections.abc import Iterator
from pathlib import Path

from harness.dataset.benchmark_folder import (
    CROISSANT,
    FILTERED,
    HEADER,
    IMAGES,
    LABELS,
    MANIFEST,
    MASKS,
)

_OURS = re.compile(r"^[0-9a-f]{16}\.png$")
_SAMPLE_FOLDERS = (IMAGES, LABELS, MASKS, FILTERED)
_WORDS = frozenset({"NOTICE", "DATA_CARD.md", "README.md"})
_FOLDERS_BESIDE = frozenset({"sources", ".build"})
"""What a benchmark's folder may hold beside the benchmark: words, and where it comes from."""


def remove_leftovers(folder: Path, *, expected: frozenset[Path]) -> int:
    """Remove sample files of a former build that are not `expected`; return their number.

    Only files named like a sample's in images/, labels/, masks/ and filtered/ are removed.
    """
    removed = 0
    for name in _SAMPLE_FOLDERS:
        for file in (folder / name).glob("*.png"):
            if _OURS.match(file.name) and file not in expected:
                file.unlink()
                removed += 1
    return removed


def extra_files(folder: Path, *, expected: frozenset[Path]) -> Iterator[Path]:
    """Yield what lies in `folder` and belongs to no sample and to no word beside it, by name."""
    known_files = {HEADER, MANIFEST, CROISSANT, *_WORDS}
    for entry in sorted(folder.iterdir()):
        if entry.is_dir() and entry.name in _SAMPLE_FOLDERS:
            yield from (file for file in sorted(entry.iterdir()) if file not in expected)
        elif entry.name not in (_FOLDERS_BESIDE if entry.is_dir() else known_files):
            yield entry
