"""sha256 of large files, read once and remembered; nothing of what the files are."""

import hashlib
import json
import logging
import os
import time
from dataclasses import dataclass, field
from pathlib import Path

logger = logging.getLogger(__name__)

CHUNK_BYTES = 2**22
WORTH_A_LINE_BYTES = 2**28
"""From this size on, hashing takes long enough to be announced."""
REPORT_SECONDS = 10.0
"""How often a long hashing says how far it is."""


@dataclass(kw_only=True)
class DigestMemory:
    """Digests of files already read, valid while their size and time stay as they were."""

    path: Path | None
    """Where it is kept; None keeps it for this process only."""
    entries: dict[str, list[int | str]] = field(default_factory=dict)
    """By absolute path: size in bytes, modification time in ns, sha256."""
    changed: bool = False
    """Whether it holds more than the file."""

    @classmethod
    def load(cls, path: Path | None) -> "DigestMemory":
        """Return what `path` remembers; nothing where it is missing or broken."""
        entries: object = {}
        if path is not None:
            try:
                entries = json.loads(path.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                entries = {}
        return cls(path=path, entries=entries if isinstance(entries, dict) else {})

    def digest(self, path: Path) -> str:
        """Return the sha256 of the file at `path`."""
        resolved = path.resolve()  # the hub's cache links names to blobs
        status = resolved.stat()
        state = [status.st_size, status.st_mtime_ns]
        known = self.entries.get(str(resolved))
        if isinstance(known, list) and len(known) == 3 and known[:2] == state:
            return str(known[2])
        digest = file_digest(resolved, title=str(path))
        self.entries[str(resolved)] = [*state, digest]
        self.changed = True
        return digest

    def save(self) -> None:
        """Write what is remembered, whole or not at all; a cache that can't be written is none."""
        if not self.changed or self.path is None:
            return
        partial = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            partial.write_text(json.dumps(self.entries, indent=0), encoding="utf-8")
            partial.replace(self.path)
        except OSError as error:
            logger.warning("digests can't be remembered in %s: %s", self.path, error)
            return
        self.changed = False


def file_digest(path: Path, *, title: str) -> str:
    """Return the sha256 of the file at `path`; a long reading is logged under `title`."""
    size = path.stat().st_size
    if size >= WORTH_A_LINE_BYTES:
        logger.info("reading %s (%.1f GiB) to prove its bytes; done once", title, size / 2**30)
    digest = hashlib.sha256()
    done, told = 0, time.monotonic()
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK_BYTES):
            digest.update(chunk)
            done += len(chunk)
            if time.monotonic() - told >= REPORT_SECONDS:
                told = time.monotonic()
                logger.info("reading %s: %d %%", title, 100 * done // max(size, 1))
    return digest.hexdigest()
