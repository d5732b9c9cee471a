"""What is known of one finished source and its edits: the reason a killed build can continue."""

from pathlib import Path

from pydantic import Field, ValidationError

from harness.dataset.benchmark_folder import BenchmarkFolder
from harness.dataset.selection import NoObject
from harness.records.attributes import Edit
from harness.records.base import Record, sha256_hex
from harness.records.editing import DeviceEnvironment, EditingCost
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
    device: DeviceEnvironment | None = None
    """What the editor's networks computed on; None where it has none."""
    cost: EditingCost | None = None
    """What its edits cost; None where no UNet made any."""


def read_unit(path: Path, folder: BenchmarkFolder, *, key: str) -> UnitRecord | None:
    """Return the finished unit recorded at `path`, or None where it must be built.

    It counts as finished only with the same key and with every file there, byte for byte.
    """
    unit = _recorded(path)
    if unit is None or unit.key != key:
        return None
    promised = promised_files(folder, unit.samples)
    whole = all(_sha256_of(file) == digest for file, digest in promised.items())
    return unit if whole else None


def recorded_device(path: Path) -> DeviceEnvironment | None:
    """Return the device of the unit recorded at `path`, whatever its key; None where none is."""
    unit = _recorded(path)
    return None if unit is None else unit.device


def promised_files(folder: BenchmarkFolder, samples: tuple[Sample, ...]) -> dict[Path, str]:
    """Return the sha256 of each file that `samples` promise."""
    files: dict[Path, str] = {}
    for sample in samples:
        files[folder.image_path(sample.id)] = sample.image_sha256
        files[folder.original_label_path(sample)] = sample.label_sha256
        if sample.filtered_label_sha256 is not None:
            files[folder.label_path(sample)] = sample.filtered_label_sha256
        mask = folder.mask_path(sample)
        if mask is not None and sample.mask_sha256 is not None:
            files[mask] = sample.mask_sha256
    return files


def _recorded(path: Path) -> UnitRecord | None:
    try:
        return UnitRecord.model_validate_json(path.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None


def _sha256_of(path: Path) -> str | None:
    try:
        return sha256_hex(path.read_bytes())
    except FileNotFoundError:
        return None
