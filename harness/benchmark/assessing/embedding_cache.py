"""Embeddings kept by content, two files an embedder; nothing of what is embedded or by what."""

import fcntl
import os
import zlib
from collections.abc import Sequence
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from harness.records.base import canonical_json, sha256_hex

Vector = NDArray[np.float32]
_PREPARATION = 2
"""Raised when images or texts are brought to models in another way: what was kept is not taken."""
_KEY_BYTES = 16
"""128 bits of a sha256: enough that no two contents meet."""
_ENTRY = np.dtype([("key", f"S{_KEY_BYTES}"), ("checksum", "<u4"), ("length", "<u4")])
_FLOAT = np.dtype("<f4")


class EmbeddingCache:
    """Embeddings by one embedder, read and appended to; several processes may share it.

    `NAME.vectors` holds one vector after the other, and `NAME.entries` says in the same order what
    each one is of. A vector is written before its entry, and an entry holds its checksum, so what
    was cut off or lost is never taken: it is missing. What is read back is bit-equal.
    """

    def __init__(self, folder: Path, identity: str) -> None:
        """Read what `folder` holds of the embedder of this identity; make it where it is missing.

        Raises:
            OSError: It can't be made, read or written.
        """
        folder.mkdir(parents=True, exist_ok=True)
        name = sha256_hex(canonical_json([_PREPARATION, identity]))[:32]
        self._entries = _open(folder / f"{name}.entries")
        self._vectors = _open(folder / f"{name}.vectors")
        self._length = 0
        self._places = self._read_entries()

    def __enter__(self) -> Self:
        """Return the cache."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close its files."""
        self._entries.close()
        self._vectors.close()

    def get(self, content: str) -> Vector | None:
        """Return the embedding of what `content` names, [D], or None where there is none."""
        key = _key(content)
        found = self._places.get(key)
        if found is None:
            return None
        place, checksum = found
        size = self._length * _FLOAT.itemsize
        data = os.pread(self._vectors.fileno(), size, place * size)
        if len(data) != size or zlib.crc32(data) != checksum:
            del self._places[key]
            return None
        return np.frombuffer(data, _FLOAT).astype(np.float32)

    def put(self, contents: Sequence[str], vectors: Vector) -> None:
        """Keep the embeddings, [N, D], of what each of `contents` names.

        Raises:
            OSError: They can't be written; what was kept before stays.
        """
        if not contents:
            return
        rows = [np.ascontiguousarray(row, _FLOAT).tobytes() for row in vectors]
        entries = np.zeros(len(contents), _ENTRY)
        entries["key"] = [_key(content) for content in contents]
        entries["checksum"] = [zlib.crc32(row) for row in rows]
        entries["length"] = vectors.shape[1]
        fcntl.flock(self._entries, fcntl.LOCK_EX)
        try:
            end = os.fstat(self._entries.fileno()).st_size // _ENTRY.itemsize
            _write(self._vectors, b"".join(rows), at=end * len(rows[0]))
            _write(self._entries, entries.tobytes(), at=end * _ENTRY.itemsize)
        finally:
            fcntl.flock(self._entries, fcntl.LOCK_UN)
        self._length = vectors.shape[1]
        for number, content in enumerate(contents):
            self._places[_key(content)] = (end + number, int(entries["checksum"][number]))

    def _read_entries(self) -> dict[bytes, tuple[int, int]]:
        """Return place and checksum of each embedding, by key."""
        data = self._entries.readall()
        whole = len(data) // _ENTRY.itemsize * _ENTRY.itemsize
        entries = np.frombuffer(data[:whole], _ENTRY)
        lengths = entries["length"][entries["length"] > 0]
        self._length = int(lengths[0]) if lengths.size else 0
        columns = (entries[name].tolist() for name in ("key", "checksum", "length"))
        return {
            key.ljust(_KEY_BYTES, b"\0"): (place, checksum)  # numpy drops zeros at the end
            for place, (key, checksum, length) in enumerate(zip(*columns, strict=True))
            if length == self._length
        }


def _open(path: Path) -> FileIO:
    """Return the file at `path`, made where it is missing, for reading and writing anywhere."""
    return FileIO(os.open(path, os.O_RDWR | os.O_CREAT, 0o644), "r+")


def _write(file: FileIO, data: bytes, *, at: int) -> None:
    """Write all of `data` from byte `at` on."""
    view = memoryview(data)
    while view:
        written = os.pwrite(file.fileno(), view, at)
        view, at = view[written:], at + written


def _key(content: str) -> bytes:
    return bytes.fromhex(sha256_hex(content.encode()))[:_KEY_BYTES]
