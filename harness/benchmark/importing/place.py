"""How an imported benchmark gets its place: as a whole, or not at all; nothing of its content."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.benchmark.build_lock import build_lock
from harness.dataset.benchmark_folder import (
    CROISSANT,
    FILTERED,
    HEADER,
    IMAGES,
    LABELS,
    MANIFEST,
    MASKS,
)

_ENTRIES = (HEADER, MANIFEST, CROISSANT, IMAGES, LABELS, MASKS, FILTERED)
"""What a benchmark consists of; what else lies in its folder stays there."""


@dataclass(frozen=True, kw_only=True)
class Workplace:
    """Where a benchmark is put together before it is put in place."""

    root: Path
    """A folder beside the benchmark's, on the same file system."""

    @property
    def folder(self) -> Path:
        """The benchmark."""
        return self.root / "benchmark"

    @property
    def scratch(self) -> Path:
        """Where its files are written before they are renamed."""
        return self.root / "scratch"

    @property
    def replaced(self) -> Path:
        """What was there before."""
        return self.root / "replaced"


@contextmanager
def workplace_beside(folder: Path) -> Iterator[Workplace]:
    """Yield an empty workplace for the benchmark that is to lie in `folder`; it is removed after.

    Raises:
        OSError: It can't be made.
    """
    place = Workplace(root=folder.parent / f".{folder.name}.import-{os.getpid()}")
    shutil.rmtree(place.root, ignore_errors=True)
    place.root.mkdir(parents=True)
    try:
        for path in (place.folder, place.scratch, place.replaced):
            path.mkdir()
        for name in (IMAGES, LABELS, MASKS):
            (place.folder / name).mkdir()
        yield place
    finally:
        shutil.rmtree(place.root, ignore_errors=True)


def put_in_place(place: Workplace, folder: Path) -> None:
    """Move the finished benchmark to `folder`; what was one there before is gone then.

    The header is taken away first and put there last, so that nobody takes a half benchmark for a
    whole one. Where a move fails, the former benchmark is put back.

    Raises:
        BenchmarkError: A build is at work there.
        OSError: A file can't be moved.
    """
    if not folder.exists():
        place.folder.rename(folder)
        return
    with build_lock(folder):
        moves = _Moves()
        try:
            for name in _ENTRIES:
                moves.move(folder / name, place.replaced / name)
            for name in reversed(_ENTRIES):
                moves.move(place.folder / name, folder / name)
        except BaseException:
            moves.undo()
            raise


class _Moves:
    """Renames that can be taken back."""

    def __init__(self) -> None:
        self._done: list[tuple[Path, Path]] = []

    def move(self, old: Path, new: Path) -> None:
        if old.exists():
            old.rename(new)
            self._done.append((old, new))

    def undo(self) -> None:
        for old, new in reversed(self._done):
            new.rename(old)
