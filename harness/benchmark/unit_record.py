"""What is known of one finished source and its edits: the reason a killed build can continue."""

from pathlib import Path

from pydantic import Field, ValidationError

from harness.dataset.benchmark_folder import BenchmarkFolder
from harness.dataset.selection import NoObject
from harness.records.attributes import Edit
from harness.records.base import Record, sha256_hex
from harness.records.manifest import SHA256_PATTERN, Sample


class EditNotMade(Record):
    """An edit that the recipe names and that this source does not qualify for."""

    edit: Edit
    """The edit."""
    reason: NoObject
    """What the source lacks."""


class UnitRecord(Record):
    """One finished source with its edits."""

    key: str = Field(pattern=SHA256_PATTERN)
    """The digest of everything that determines the unit."""
    source_name: str
    """The source's name in its data set."""
    no_object: NoObject | None
    """Why the source has no object; None where it has one."""
    samples: tuple[Sample, ...]
    """The source and its edits; none where the source is left out."""
    not_made: tuple[EditNotMade, ...] = ()
    """The edits that the source does not qualify for."""


def read_unit(path: Path, folder: BenchmarkFolder, *, key: str) -> UnitRecord | None:
    """Return the finished unit recorded at `path`, or None where it must be built.

    It counts as finished only with the same key and with every file there, byte for byte.
    """
    try:
        unit = UnitRecord.model_validate_json(path.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None
    if unit.key != key:
        return None
    promised = promised_files(folder, unit.samples)
    whole = all(_sha256_of(file) == digest for file, digest in promised.items())
    return unit if whole else None


def promised_files(folder: BenchmarkFolder, samples: tuple[Sample, ...]) -> dict[Path, str]:
    """Return the sha256 of each file that `samples` promise."""
    files: dict[Path, str] = {}
    for sample in samples:
        files[folder.image_path(sample.id)] = sample.image_sha256
        files[folder.label_path(sample)] = sample.label_sha256
        mask = folder.mask_path(sample)
        if mask is not None and sample.mask_sha256 is not None:
            files[mask] = sample.mask_sha256
    return files


def _sha256_of(path: Path) -> str | None:
    try:
        return sha256_hex(path.read_bytes())
    except FileNotFoundError:
        return None
