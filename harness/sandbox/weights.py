"""Finds a submission's weights by content: in a folder, in the cache, or by download."""

import hashlib
import json
import os
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from harness.errors import WeightsError
from harness.records.submission import WeightFile

CHUNK_BYTES = 2**20
DOWNLOAD_TIMEOUT_SECONDS = 30
"""How long a server may stay silent."""
MAX_DOWNLOAD_BYTES = 64 * 2**30


@dataclass(kw_only=True)
class WeightsStore:
    """Where weights may be: the user's folder first, then the cache, then their url."""

    cache_dir: Path
    """The cache; downloads and remembered digests go below it."""
    weights_dir: Path | None = None
    """The user's folder, searched with everything below it."""
    _digests: "DigestMemory | None" = field(default=None, init=False)

    def locate(self, weight: WeightFile) -> Path:
        """Return a file that holds exactly the bytes of `weight`.

        Raises:
            WeightsError: It is nowhere, or what bears its name holds other bytes.
        """
        found, impostor = self._in_folder(weight)
        if found is not None:
            return found
        cached = self._cached(weight)
        if cached.is_file():
            if file_digest(cached) == weight.sha256:
                return cached
            cached.unlink()  # damaged after it was checked: fetch it again
        if weight.url is None or impostor is not None:
            raise self._missing(weight, impostor)
        download(weight, weight.url, cached)
        return cached

    def _in_folder(self, weight: WeightFile) -> "tuple[Path | None, Path | None]":
        """Return the file with the right bytes, else one that has only the right name."""
        if self.weights_dir is None:
            return None, None
        memory = self._digests or DigestMemory.load(self.cache_dir / "weights" / "digests.json")
        self._digests = memory
        impostor: Path | None = None
        try:
            for path in _candidates(self.weights_dir, first=weight.file):
                if memory.digest(path) == weight.sha256:
                    return path, None
                if path.name == weight.file:
                    impostor = path
        finally:
            memory.save()
        return None, impostor

    def _cached(self, weight: WeightFile) -> Path:
        return self.cache_dir / "weights" / weight.sha256

    def _missing(self, weight: WeightFile, impostor: Path | None) -> WeightsError:
        if impostor is not None:
            return WeightsError(
                f"{impostor} is not the promised {weight.file}: its sha256 is "
                f"{file_digest(impostor)}, not {weight.sha256}",
                remedy="Put the promised file there, or correct its sha256 in submission.toml.",
            )
        where = f"below {self.weights_dir}" if self.weights_dir else "(no --weights-dir was given)"
        return WeightsError(
            f"the weights {weight.file} (sha256 {weight.sha256}) were not found {where}",
            remedy="Give the folder that holds them with --weights-dir, under any file name, or "
            "add a `url` to their entry in submission.toml.",
        )


@dataclass(kw_only=True)
class DigestMemory:
    """Digests of files already read, valid while their size and time stay as they were."""

    path: Path
    """Where it is kept."""
    entries: dict[str, list[int | str]]
    """By absolute path: size in bytes, modification time in ns, sha256."""
    changed: bool = False
    """Whether it holds more than the file."""

    @classmethod
    def load(cls, path: Path) -> "DigestMemory":
        """Return what `path` remembers; nothing where it is missing or broken."""
        try:
            entries = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            entries = {}
        return cls(path=path, entries=entries if isinstance(entries, dict) else {})

    def digest(self, path: Path) -> str:
        """Return the sha256 of the file at `path`."""
        status = path.stat()
        known = self.entries.get(str(path.resolve()))
        state = [status.st_size, status.st_mtime_ns]
        if isinstance(known, list) and len(known) == 3 and known[:2] == state:
            return str(known[2])
        digest = file_digest(path)
        self.entries[str(path.resolve())] = [*state, digest]
        self.changed = True
        return digest

    def save(self) -> None:
        """Write what is remembered, whole or not at all."""
        if not self.changed:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        partial = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        partial.write_text(json.dumps(self.entries, indent=0), encoding="utf-8")
        partial.replace(self.path)
        self.changed = False


def file_digest(path: Path) -> str:
    """Return the sha256 of the file at `path`."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def download(weight: WeightFile, url: str, target: Path) -> None:
    """Put the bytes of `weight` from `url` at `target`, whole and checked, or raise.

    Raises:
        WeightsError: The server refuses, or sends other bytes than promised.
    """
    if urlsplit(url).scheme not in {"http", "https"}:
        msg = f"the url of {weight.file} is no http or https address: {url}"
        raise WeightsError(
            msg,
            remedy="Correct it in submission.toml, or give the file with --weights-dir.",
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, partial = tempfile.mkstemp(dir=target.parent, prefix="download-")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            digest = hashlib.sha256()
            for chunk in _chunks(weight, url):
                digest.update(chunk)
                stream.write(chunk)
        if digest.hexdigest() != weight.sha256:
            msg = (
                f"{url} sent other bytes than promised for {weight.file}: sha256 "
                f"{digest.hexdigest()}, not {weight.sha256}"
            )
            raise WeightsError(
                msg,
                remedy="Check the url and the digest in submission.toml.",
            )
        Path(partial).replace(target)
    finally:
        Path(partial).unlink(missing_ok=True)


def _chunks(weight: WeightFile, url: str) -> Iterator[bytes]:
    request = urllib.request.Request(url, headers={"User-Agent": "harness"})  # noqa: S310 - scheme checked above
    received = 0
    try:
        with urllib.request.urlopen(request, timeout=DOWNLOAD_TIMEOUT_SECONDS) as answer:  # noqa: S310 - scheme checked above
            while chunk := answer.read(CHUNK_BYTES):
                received += len(chunk)
                if received > MAX_DOWNLOAD_BYTES:
                    msg = f"{url} sends more than {MAX_DOWNLOAD_BYTES // 2**30} GiB"
                    raise WeightsError(
                        msg,
                        remedy="Check the url in submission.toml.",
                    )
                yield chunk
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        msg = f"{weight.file} can't be downloaded from {url}: {error}"
        raise WeightsError(
            msg,
            remedy="Fetch it elsewhere and give its folder with --weights-dir.",
        ) from error


def _candidates(folder: Path, *, first: str) -> Iterator[Path]:
    """Yield the files below `folder`, those called `first` before the others."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    yield from sorted(files, key=lambda path: path.name != first)
