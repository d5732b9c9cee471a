"""What a source may be called; nothing of the files that are called so."""

import os
import unicodedata
from pathlib import Path

from harness.dataset.broken import BrokenReason, BrokenSource

MAX_NAME_BYTES = 255
"""The longest name of a source, in UTF-8: that of a file."""


def composed(name: str) -> str:
    """Return `name` with letters and their accents in one, as macOS doesn't store them (NFC)."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def name_fault(name: str, *, place: Path) -> BrokenSource | None:
    """Return what is wrong with the name of a source, if anything is.

    Args:
        name: The name; bytes that are no UTF-8 stand as surrogates.
        place: Where it stands: a folder or a list file.
    """
    encoded = os.fsencode(name)
    shown = encoded.decode("utf-8", "backslashreplace")
    if shown != name or any(ord(character) < 32 or ord(character) == 127 for character in name):
        shown = shown.encode("unicode_escape").decode("ascii")
        what, remedy = "is no UTF-8 text, or holds control characters", "Rename the file."
    elif len(encoded) > MAX_NAME_BYTES:
        what = f"has {len(encoded)} bytes, more than the {MAX_NAME_BYTES} of a file's name"
        shown, remedy = f"{shown[:40]}…", "Shorten it."
    else:
        return None
    return BrokenSource(
        name=shown,
        reason=BrokenReason.BAD_NAME,
        detail=f"{place}: the name {shown!r} {what}",
        remedy=remedy,
    )
