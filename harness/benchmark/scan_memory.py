"""What a scan found, kept while the sources stay as they are; nothing of how it is found out."""

import os
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from harness.benchmark.environment import code_digest
from harness.dataset.atomic_file import write_atomically
from harness.dataset.broken import BrokenSource
from harness.dataset.recipe_file import LoadedRecipe
from harness.dataset.selection import NoObject
from harness.dataset.source_file import SourceFile
from harness.records.base import Record, canonical_json, sha256_hex


class Scanned(Record):
    """What was found of one source; small, so that it travels between processes."""

    object_class: str | None = None
    """The class of the object that is edited; None where there is none."""
    fraction: float | None = None
    """The object's share of the image's pixels, 0-1."""
    no_object: NoObject | None = None
    """Why there is none; None where there is one, or where the source is broken."""
    broken: BrokenSource | None = None
    """What is wrong with the source; None where nothing is."""


class _Memory(Record):
    """The file."""

    key: str
    """What it was found of."""
    found: tuple[Scanned, ...]
    """What was found, in the order of the listing."""


def scan_key(files: Sequence[SourceFile], loaded: LoadedRecipe) -> str:
    """Return the digest of what determines a scan; of files their sizes and times, not bytes.

    A scan that is out of date takes other sources at worst: an edit is made of the bytes that are
    there, and checked against them.
    """
    recipe = loaded.recipe
    rules = [
        code_digest(),
        recipe.source.model_dump(mode="json", exclude={"description", "broken"}),
        recipe.selection.model_dump(mode="json"),
        loaded.label_space.content_digest(),
    ]
    states = [
        [file.name, file.reading(), file.promised, *(_state(path) for path in file.files())]
        for file in files
    ]
    return sha256_hex(canonical_json([rules, states]))


def recall_scan(path: Path, key: str) -> tuple[Scanned, ...] | None:
    """Return what was found under `key`, or None where `path` remembers another scan or none."""
    try:
        memory = _Memory.model_validate_json(path.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None
    return memory.found if memory.key == key else None


def remember_scan(path: Path, key: str, found: tuple[Scanned, ...]) -> None:
    """Write what was found under `key` to `path`.

    Raises:
        OSError: It can't be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    memory = _Memory(key=key, found=found)
    write_atomically(path, memory.model_dump_json().encode(), scratch=path.parent)


def _state(path: Path) -> list[str | int]:
    try:
        status = os.stat(path)  # noqa: PTH116 - Path.stat costs twice the time, over 300,000 files
    except OSError:
        return [str(path)]
    return [str(path), status.st_size, status.st_mtime_ns]
