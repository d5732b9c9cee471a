"""That files are the promised ones, and which they were; nothing of what they hold."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.checkpoints.digests import DigestMemory
from harness.errors import WeightsError

OTHER_BYTES = "Fetch the promised file, or correct its sha256 in the recipe."


@dataclass(frozen=True, kw_only=True)
class FoundFiles:
    """Proven files of a model."""

    paths: Mapping[str, Path]
    """Where they are, by name."""
    digests: Mapping[str, str]
    """Their sha256, by name."""


def prove(
    paths: Mapping[str, Path],
    pinned: Mapping[str, str],
    memory: DigestMemory,
    *,
    remedy: str = OTHER_BYTES,
) -> FoundFiles:
    """Return `paths` with their digests, each of `pinned` with exactly its bytes.

    Args:
        paths: Where the files are, by name.
        pinned: The sha256 that is promised, by name.
        memory: What is known of files that were read before.
        remedy: What the user can do about other bytes, as a sentence.

    Raises:
        WeightsError: A file holds other bytes, can't be read, or is pinned and not there.
    """
    digests: dict[str, str] = {}
    # Small ones first, so that a wrong model is known before gigabytes are read.
    for name, path in sorted(paths.items(), key=lambda item: item[1].stat().st_size):
        try:
            digests[name] = memory.digest(path)
        except OSError as error:
            msg = f"{name} can't be read from {path}: {error.strerror}"
            raise WeightsError(msg, remedy="Give this user the right to read it.") from error
        promised = pinned.get(name, digests[name])
        if digests[name] != promised:
            msg = (
                f"{name} is not the promised file: the sha256 of {path} is "
                f"{digests[name]}, not {promised}"
            )
            raise WeightsError(msg, remedy=remedy)
    check_pins(pinned, digests, remedy=remedy)
    return FoundFiles(paths=dict(paths), digests=digests)


def check_pins(
    pinned: Mapping[str, str], names: Iterable[str], *, remedy: str = OTHER_BYTES
) -> None:
    """Raise where a file is promised that the model has not.

    Raises:
        WeightsError: Names the file.
    """
    if missing := sorted(set(pinned) - set(names)):
        msg = f"{missing[0]} is promised, and the model has no such file that is read"
        raise WeightsError(msg, remedy=remedy)
