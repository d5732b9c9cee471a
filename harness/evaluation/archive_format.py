"""How an archive of predictions lies in its file: framed records; nothing of what they mean.

The file begins with two lines for people: a magic word, and who works on it. Then come records: a
head (kind, lengths of name and body, and a CRC-32 over all of it), a name and a body. Records are
only ever appended, so what a crash leaves is a row of whole records and a torn one at most: the
first record that is not whole, or whose CRC is wrong, and everything after it count for nothing.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import BinaryIO

MAGIC = b"harness-predictions 1\n"
HOLDER_BYTES = 96
"""The length of the second line, its end included."""
FIRST_RECORD = len(MAGIC) + HOLDER_BYTES
"""Where the records begin, in bytes from the file's begin."""
MAX_BODY_BYTES = 2**30
"""More than any prediction takes; a head that promises more is none."""
_HEAD = struct.Struct("<BBII")
"""Kind, bytes of the name, bytes of the body, CRC-32."""


class RecordKind(IntEnum):
    """What a record holds; 0 is none, because a disk may leave zeros behind."""

    HEADER = 1
    """An `ArchiveHeader`; the first record."""
    PART_START = 2
    """A `PartStart`."""
    PREDICTION = 3
    """A sample id as its name, and PNG bytes."""
    PART_END = 4
    """A `PartEnd`."""
    OUTCOME = 5
    """The `RunOutcome` of a run that ended and is not stored yet."""


_KINDS = frozenset(RecordKind)


@dataclass(frozen=True, kw_only=True)
class FramedRecord:
    """One whole record of a file."""

    kind: RecordKind
    """What it holds."""
    name: str
    """The sample's id; empty for all else."""
    body: bytes
    """Its content."""
    end: int
    """Where the next one begins, in bytes from the file's begin."""


def frame(kind: RecordKind, body: bytes, *, name: str = "") -> bytes:
    """Return the bytes of one record.

    Raises:
        ValueError: The name has more than 255 bytes, or the body more than `MAX_BODY_BYTES`.
    """
    label = name.encode()
    if len(label) > 255 or len(body) > MAX_BODY_BYTES:
        msg = f"a record of {len(label)} + {len(body)} bytes can't be framed"
        raise ValueError(msg)
    return _HEAD.pack(kind, len(label), len(body), _check(kind, label, body)) + label + body


def preamble(holder: str) -> bytes:
    """Return the bytes before the first record, which name the process at work."""
    line = holder.encode()[: HOLDER_BYTES - 1]
    return MAGIC + line.ljust(HOLDER_BYTES - 1) + b"\n"


def read_holder(stream: BinaryIO) -> str:
    """Return which process works on a file, or did so last; empty where it does not say."""
    stream.seek(0)
    if stream.read(len(MAGIC)) != MAGIC:
        return ""
    return stream.read(HOLDER_BYTES).decode("utf-8", "replace").strip()


def scan(stream: BinaryIO, *, skip: RecordKind | None = None) -> Iterator[FramedRecord]:
    """Yield the whole records of a file from its begin, one at a time, up to the first that is not.

    A file without the magic word has none. Those of the kind `skip` come without their bodies,
    which are neither read nor checked.
    """
    stream.seek(0)
    if stream.read(len(MAGIC)) != MAGIC:
        return
    size = stream.seek(0, 2)
    end = stream.seek(FIRST_RECORD)
    while (record := _next(stream, start=end, size=size, skip=skip)) is not None:
        end = record.end
        yield record


def _next(
    stream: BinaryIO, *, start: int, size: int, skip: RecordKind | None
) -> FramedRecord | None:
    head = stream.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    kind, name_bytes, body_bytes, check = _HEAD.unpack(head)
    end = start + _HEAD.size + name_bytes + body_bytes
    if kind not in _KINDS or body_bytes > MAX_BODY_BYTES or end > size:
        return None
    label, body = stream.read(name_bytes), b""
    if kind == skip:
        stream.seek(end)
    else:
        body = stream.read(body_bytes)
    if kind != skip and check != _check(kind, label, body):
        return None
    return FramedRecord(
        kind=RecordKind(kind), name=label.decode("utf-8", "replace"), body=body, end=end
    )


def _check(kind: int, label: bytes, body: bytes) -> int:
    lengths = _HEAD.pack(kind, len(label), len(body), 0)
    return zlib.crc32(body, zlib.crc32(label, zlib.crc32(lengths)))
