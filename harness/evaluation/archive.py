"""The file in which a run's accepted predictions outlive the process that runs it.

While a run is unfinished its archive lies in a hidden place of its own (see `unfinished`); a
finished run has it in its folder, by the name `PREDICTIONS_NAME`, unless it was asked not to keep
it. Nothing here knows scores or containers.
"""

import os
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Self

from harness.evaluation.archive_content import ArchiveContent, ArchiveReading
from harness.evaluation.archive_format import RecordKind, frame, preamble, scan
from harness.evaluation.archive_lock import lock_archive, this_process
from harness.evaluation.full_disk import disk_errors
from harness.evaluation.kept_png import bounded_png
from harness.records.archive import ArchiveHeader, PartEnd, PartStart
from harness.records.run import RunOutcome

PREDICTIONS_NAME = "predictions.bin"
"""The name of the archive in a finished run's folder: `leaderboard/runs/<run>/predictions.bin`."""
SYNC_SECONDS = 1.0
"""How much of a run a power cut may cost."""


class PredictionArchive:
    """An archive that is open for adding, by this process alone; a context manager.

    Any thread may add. A prediction that was added is there after the process is killed at any
    moment; after a power cut at most the last `SYNC_SECONDS` are missing, and never is anything
    there that was not added.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        """Take over `descriptor`, open and locked; use `open` or `create`."""
        self._path = path
        self._descriptor = descriptor
        self._lock = threading.Lock()
        self._synced_at = time.monotonic()
        self._end = 0
        self._predictions = 0
        self._unended: PartEnd | None = None
        self._content = self._recover()

    @classmethod
    def open(cls, path: Path) -> Self:
        """Return the archive at `path`, made where there is none, locked until it is closed.

        A torn end, and all that follows what is broken, is cut off.

        Raises:
            RunBusyError: Another process works on it.
            DiskFullError: The disk is full.
            OSError: It can't be read or written.
        """
        with disk_errors(path):
            descriptor = lock_archive(path)
            try:
                return cls(path, descriptor)
            except BaseException:
                os.close(descriptor)
                raise

    @classmethod
    def create(cls, path: Path, header: ArchiveHeader) -> Self:
        """Return an archive at `path` that holds nothing but `header`; what was there is gone.

        Raises:
            RunBusyError: Another process works on it.
            DiskFullError: The disk is full.
            OSError: It can't be written.
        """
        archive = cls.open(path)
        try:
            archive.begin(header)
        except BaseException:
            archive.close()
            raise
        return archive

    def __enter__(self) -> Self:
        """Return the archive."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it; what it holds stays."""
        self.close()

    @property
    def path(self) -> Path:
        """Where it lies."""
        return self._path

    @property
    def content(self) -> ArchiveContent | None:
        """What it held when it was opened; None where it was new or held nothing readable."""
        return self._content

    @property
    def predictions(self) -> int:
        """The number of predictions in it now."""
        return self._predictions

    def begin(self, header: ArchiveHeader) -> None:
        """Throw away what it holds and begin it with `header`.

        Raises:
            DiskFullError: The disk is full.
            OSError: It can't be written.
        """
        with self._lock, disk_errors(self._path):
            os.ftruncate(self._descriptor, 0)
            self._end = 0
            self._write(preamble(this_process()))
            self._write(frame(RecordKind.HEADER, header.model_dump_json().encode()))
            self._sync()
            _sync_folder(self._path.parent)
        self._predictions, self._unended = 0, None
        self._content = ArchiveContent(header=header, unexplained_kills=header.unexplained_kills)

    def start_part(self, now: datetime) -> None:
        """Say that this process takes the run up; parts that did not say their end get it.

        Raises:
            DiskFullError: The disk is full.
            OSError: It can't be written.
        """
        data = frame(RecordKind.PART_START, PartStart(started_at=now).model_dump_json().encode())
        if self._unended is not None:
            data = _end_frame(self._unended) + data
        self._add(data, sync=True)
        self._unended = None

    def append(self, sample_id: str, png: bytes) -> None:
        """Add the accepted prediction of a sample, in no more bytes than its pixels account for.

        Raises:
            DiskFullError: The disk is full; what was added before is sound.
            OSError: It can't be written.
        """
        data = frame(RecordKind.PREDICTION, bounded_png(png), name=sample_id)
        self._add(data, sync=time.monotonic() - self._synced_at >= SYNC_SECONDS, predictions=1)

    def end_run(self, outcome: RunOutcome) -> None:
        """Say how the run ended, so that nothing is run again where it can't be stored now.

        Raises:
            DiskFullError: The disk is full.
            OSError: It can't be written.
        """
        self._add(frame(RecordKind.OUTCOME, outcome.model_dump_json().encode()), sync=True)

    def end_part(self, end: PartEnd) -> None:
        """Say how this process's part ended.

        Raises:
            DiskFullError: The disk is full.
            OSError: It can't be written.
        """
        self._add(_end_frame(end), sync=True)

    def move_to(self, path: Path) -> None:
        """Move the file, which stays locked.

        Raises:
            OSError: It can't be moved.
        """
        with disk_errors(path):
            self._path.rename(path)
        self._path = path

    def discard(self) -> None:
        """Remove the file.

        Raises:
            OSError: It can't be removed.
        """
        self._path.unlink(missing_ok=True)

    def close(self) -> None:
        """Let another process at it; may be called again."""
        with self._lock:
            if self._descriptor >= 0:
                os.close(self._descriptor)  # which gives the lock back
            self._descriptor = -1

    def _add(self, data: bytes, *, sync: bool, predictions: int = 0) -> None:
        with self._lock, disk_errors(self._path):
            self._write(data)
            self._predictions += predictions
            if sync:
                self._sync()

    def _write(self, data: bytes) -> None:
        """Put `data` at the end, or leave the file as it was."""
        rest, at = memoryview(data), self._end
        try:
            while rest:
                written = os.pwrite(self._descriptor, rest, at)
                rest, at = rest[written:], at + written
        except OSError:
            os.ftruncate(self._descriptor, self._end)
            raise
        self._end = at

    def _sync(self) -> None:
        os.fdatasync(self._descriptor)
        self._synced_at = time.monotonic()

    def _recover(self) -> ArchiveContent | None:
        """Return what the file holds, its torn end cut off, and put this process's name in it."""
        with open(self._descriptor, "rb", closefd=False) as stream:
            reading = ArchiveReading(modified_at=os.fstat(self._descriptor).st_mtime)
            for record in scan(stream):
                if not reading.take(record):
                    break
                self._end = record.end
        content = reading.content()
        if content is not None:
            os.ftruncate(self._descriptor, self._end)
            os.pwrite(self._descriptor, preamble(this_process()), 0)
            self._unended = reading.unended
            self._predictions = len(content.predicted)
        return content


def read_archive(path: Path, *, checked: bool = True) -> ArchiveContent | None:
    """Return what the archive at `path` holds, finished or being written; None where unreadable.

    Where it need not be `checked`, predictions are taken for sound and not read.

    Raises:
        OSError: It is not there, or can't be read.
    """
    with path.open("rb") as stream:
        reading = ArchiveReading(modified_at=path.stat().st_mtime)
        for record in scan(stream, skip=None if checked else RecordKind.PREDICTION):
            if not reading.take(record):
                break
    return reading.content()


def read_header(path: Path) -> ArchiveHeader | None:
    """Return what the predictions of the archive at `path` are; None where that is unreadable.

    Raises:
        OSError: It is not there, or can't be read.
    """
    with path.open("rb") as stream:
        reading = ArchiveReading(modified_at=0.0)
        for record in islice(scan(stream), 1):
            reading.take(record)
    content = reading.content()
    return None if content is None else content.header


def read_predictions(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield (sample id, PNG bytes) of the predictions kept at `path`, one at a time, as they came.

    They were accepted once: `decode_prediction` takes each one for its sample's size. What follows
    a torn or broken record is left out, so whoever needs all of them must look whether they came.

    Raises:
        OSError: It is not there, or can't be read.
    """
    with path.open("rb") as stream:
        for record in scan(stream):
            if record.kind is RecordKind.PREDICTION:
                yield record.name, record.body


def _end_frame(end: PartEnd) -> bytes:
    return frame(RecordKind.PART_END, end.model_dump_json().encode())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
