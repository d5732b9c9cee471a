"""The digest of a manifest taken of its lines, a million in seconds; nothing of folders.

To validate a line and to write its identity anew takes 30 microseconds. But the identity is what
stands in the line, less what is no part of it, in the same order: one pattern, which a line that
the harness wrote matches whole, cuts it out of the bytes. What does not match is left to whoever
makes samples of it.
"""

import gc
import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path

_TEXT = rb'"[^"\\]*(?:\\.[^"\\]*)*"'
_HASH = rb'"[0-9a-f]{64}"'
_ID = rb'"[0-9a-f]{16}"'
_FLAT = rb"\{[^{}]*\}"
_PARTS: tuple[tuple[bytes, bool], ...] = (
    (rb'\{"accepted":(?:true|false),"caption":' + _TEXT, True),
    (rb',"edit":(?:null|\{"attribute":"[a-z]+","value":"[a-z][a-z0-9-]*"\})', True),
    (rb'(?:,"filtered_label_pixel_sha256":' + _HASH + rb")?", True),
    (rb'(?:,"filtered_label_sha256":' + _HASH + rb")?", False),
    (rb'(?:,"filtered_label_signature":"[A-Za-z0-9+/=]*")?', False),
    (rb',"height":[1-9][0-9]*,"id":(?P<id>' + _ID + rb")", True),
    (rb',"image_sha256":' + _HASH, False),
    (rb',"label_pixel_sha256":' + _HASH, True),
    (rb',"label_sha256":' + _HASH + rb',"mask_sha256":(?:null|' + _HASH + rb")", False),
    (rb',"object_class":(?:null|' + _TEXT + rb")", True),
    (rb'(?:,"object_signature":(?:null|"[A-Za-z0-9+/=]*"))?', False),
    (rb',"pixel_sha256":' + _HASH + rb',"rejection":(?:null|"[a-z-]+")', True),
    (rb',"scores":(?:null|' + _FLAT + rb")", False),
    (rb',"seed":[0-9]+', True),
    (rb',"signature":"[A-Za-z0-9+/=]*"', False),
    (rb',"source_id":' + _ID + rb',"source_name":' + _TEXT, True),
    (rb',"target_prompt":(?:null|' + _TEXT + rb'),"width":[1-9][0-9]*\}', True),
)
"""A line of a manifest, piece by piece, and whether a piece belongs to the identity."""


def _line_pattern() -> re.Pattern[bytes]:
    """Return the pattern of a whole line, with a group around each run of identity."""
    runs = groupby(_PARTS, key=lambda part: part[1])
    joined = ((kept, b"".join(piece for piece, _ in run)) for kept, run in runs)
    return re.compile(b"".join(b"(" + run + b")" if kept else run for kept, run in joined))


_LINE = _line_pattern()
_ID_GROUP = _LINE.groupindex["id"]
_RUNS = tuple(number for number in range(1, _LINE.groups + 1) if number != _ID_GROUP)


class _LineDigest:
    """Takes a manifest's digest line by line, as long as its lines are in order and as written."""

    def __init__(self) -> None:
        self._sha256 = hashlib.sha256(b"[")
        self._last = b""

    def add(self, line: bytes) -> bool:
        """Take in a line; return whether it could be."""
        found = _LINE.fullmatch(line)
        if found is None or found[_ID_GROUP] <= self._last:
            return False
        if self._last:
            self._sha256.update(b",")
        self._sha256.update(b"".join(found.group(*_RUNS)))
        self._last = found[_ID_GROUP]
        return True

    def hexdigest(self) -> str:
        """Return what `manifest_digest` returns of the lines' samples."""
        whole = self._sha256.copy()
        whole.update(b"]")
        return whole.hexdigest()


def quick_digest(path: Path) -> str | None:
    """Return `manifest_digest` of the samples in the file `path`, without making them.

    None where a line is not as the harness writes it, or out of order: then only the samples tell.

    Raises:
        OSError: It can't be read.
    """
    digest = _LineDigest()
    with path.open("rb") as lines:
        whole = all(digest.add(line.rstrip(b"\n")) for line in lines)
    return digest.hexdigest() if whole else None


@contextmanager
def collection_paused() -> Iterator[None]:
    """Pause the collector of cycles, which samples have none of.

    It would look through all of them again and again as their number grows: of a million, that took
    two thirds of the time.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
