"""Locks as files: compact JSON with one sample a line, so that a change of one reads as one."""

from pathlib import Path

from pydantic import ValidationError

from harness.errors import BenchmarkError
from harness.records.base import canonical_json, first_fault
from harness.records.manifest import Lock, LockedSample


def lock_bytes(lock: Lock) -> bytes:
    """Return the content of a lock file."""
    head = canonical_json(lock.model_dump(mode="json", exclude={"samples"}))
    lines = [_line(sample) for sample in lock.samples]
    return head[:-1] + b',"samples":[\n' + b",\n".join(lines) + b"\n]}\n"


def _line(sample: LockedSample) -> bytes:
    """Return a sample's line; what it has none of is left out, as in locks of before it was."""
    return canonical_json(sample.model_dump(mode="json", exclude_none=True))


def read_lock(path: Path) -> Lock | None:
    """Return the lock in the file `path`, or None where there is no such file.

    Raises:
        BenchmarkError: The file is no lock.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        return Lock.model_validate_json(data)
    except ValidationError as error:
        msg = f"{path} is no lock: {first_fault(error)}"
        raise BenchmarkError(
            msg,
            remedy="Restore it from the repository.",
        ) from error
