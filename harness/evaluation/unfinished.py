"""Where unfinished runs lie, and what becomes of those that nobody goes on with.

One file a key (see `harness.evaluation.archive`) under `leaderboard/runs/.unfinished/`, locked
while a harness works on it. A run is over once the database has it, whatever a crash left behind:
`repair_runs` gives such a run its folder. What nobody took up for `STALE_DAYS` is removed.
"""

import logging
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from harness.errors import RunBusyError
from harness.evaluation.archive import PredictionArchive, read_header
from harness.evaluation.run_folder import RESCORED, remove_if_empty, settle
from harness.records.archive import key_digest
from harness.records.run import RunRecord, RunStatus
from harness.store.database import ResultsStore

UNFINISHED = ".unfinished"
"""The folder of the unfinished runs, in that of the runs."""
STALE_DAYS = 30
"""After how many days without a word an unfinished run is given up."""
SUFFIX = ".predictions"
"""How the names of their archives end."""
LEFT_HOURS = 1
"""After how many hours a folder that was not finished is nobody's: they are made in minutes."""

_LOG = logging.getLogger(__name__)


def unfinished_path(runs: Path, key: tuple[str, str, str]) -> Path:
    """Return where the unfinished run of a key has its archive."""
    return runs / UNFINISHED / f"{key_digest(key)}{SUFFIX}"


@contextmanager
def unfinished_run(
    runs: Path, key: tuple[str, str, str], *, database: Path
) -> Iterator[PredictionArchive]:
    """Yield the archive of the key's unfinished run, new where there is none, for this process.

    Raises:
        RunBusyError: Another process evaluates the same key.
        DatabaseBusyError: Another process is writing the database.
        DatabaseError: The database can't be read.
        DiskFullError: The disk is full.
        OSError: It can't be read or written.
    """
    path = unfinished_path(runs, key)
    archive = PredictionArchive.open(path)
    try:
        if _settle_if_stored(archive, runs=runs, database=database):
            archive.close()
            archive = PredictionArchive.open(path)
        yield archive
    finally:
        archive.close()
        remove_if_empty(path.parent)


def repair_runs(runs: Path, *, database: Path, now: datetime) -> None:
    """Give stored runs the folder that a crash kept from them, and remove what is stale.

    A run that was scored anew and never stored is stale at once: it is made again in seconds.

    Runs that another process works on are left alone.

    Raises:
        DatabaseBusyError: Another process is writing the database.
        DatabaseError: The database can't be read.
        DiskFullError: The disk is full.
        OSError: A folder can't be written.
    """
    folder = runs / UNFINISHED
    found = {path: _run_id(path) for path in sorted(folder.glob(f"*{SUFFIX}"))}
    stored = _stored(database, [run_id for run_id in found.values() if run_id is not None])
    for path, run_id in found.items():
        stale = _is_stale(path, now)
        if run_id not in stored and not stale:
            continue
        with suppress(RunBusyError), PredictionArchive.open(path) as archive:
            settled = _settle_if_stored(archive, runs=runs, database=database)
            # without content: another process has just finished the run, and this file is new
            if not settled and (stale or archive.content is None):
                _give_up(archive)
    remove_if_empty(folder)
    _repair_rescored(runs, database=database, now=now)
    _remove_partial(runs, now)


def _repair_rescored(runs: Path, *, database: Path, now: datetime) -> None:
    """Put folders of stored runs that were scored anew in their place; remove those of others."""
    waiting = runs / RESCORED
    found = [path for path in sorted(waiting.glob("*")) if not path.name.startswith(".")]
    stored = _stored(database, [path.name for path in found])
    for path in found:
        if path.name in stored:
            with suppress(FileNotFoundError):  # its own process has just done it
                path.rename(runs / path.name)
        elif _is_left(path, now):
            shutil.rmtree(path, ignore_errors=True)
    _remove_partial(waiting, now)
    remove_if_empty(waiting)


def _remove_partial(folder: Path, now: datetime) -> None:
    for path in folder.glob(".*.partial"):
        if _is_left(path, now):
            shutil.rmtree(path, ignore_errors=True)


def _is_left(path: Path, now: datetime) -> bool:
    return _is_older(path, now, timedelta(hours=LEFT_HOURS))


def _settle_if_stored(archive: PredictionArchive, *, runs: Path, database: Path) -> bool:
    """Return whether the database has the archive's run, which is settled then."""
    if archive.content is None:
        return False
    run_id = archive.content.header.run_id
    record = _stored(database, [run_id]).get(run_id)
    if record is None:
        return False
    _LOG.warning("run %s was stored when its harness was killed: its folder is made now", run_id)
    settle(record, archive, runs=runs)
    return True


def _stored(database: Path, run_ids: Sequence[str]) -> dict[str, RunRecord]:
    """Return those of these runs that ended and are stored, by id; a run cut off has not ended."""
    if not run_ids or not database.exists():
        return {}
    with ResultsStore.open_read_only(database) as store:
        records = [record for run_id in run_ids if (record := store.run(run_id)) is not None]
    return {
        record.run_id: record
        for record in records
        if record.outcome.status is not RunStatus.HARNESS_FAILED
    }


def _run_id(path: Path) -> str | None:
    """Return the run that the archive at `path` is of; None where that can't be read any more."""
    try:
        header = read_header(path)
    except FileNotFoundError:  # another process finished it meanwhile
        return None
    return None if header is None else header.run_id


def _is_stale(path: Path, now: datetime) -> bool:
    return _is_older(path, now, timedelta(days=STALE_DAYS))


def _is_older(path: Path, now: datetime, age: timedelta) -> bool:
    try:
        touched = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except FileNotFoundError:
        return False
    return now - touched > age


def _give_up(archive: PredictionArchive) -> None:
    content = archive.content
    if content is not None:
        _LOG.warning(
            "run %s of %s was cut off more than %d days ago and not gone on with: its %d"
            " predictions are removed",
            content.header.run_id,
            content.header.submission.name,
            STALE_DAYS,
            len(content.predicted),
        )
    archive.discard()
