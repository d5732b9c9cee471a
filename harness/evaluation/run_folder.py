"""The folder of one run that ended: its record and its log, for people, and its predictions."""

import shutil
from contextlib import suppress
from pathlib import Path

from harness.evaluation.archive import PREDICTIONS_NAME, PredictionArchive
from harness.evaluation.full_disk import disk_errors
from harness.records.run import RunRecord

RECORD_NAME = "run.json"
LOG_NAME = "log.txt"
RESCORED = ".rescored"
"""The folder, in that of the runs, where those that are scored anew wait for being stored."""


def write_run_folder(runs: Path, record: RunRecord) -> Path:
    """Return the folder `runs`/<run id> with run.json and log.txt; whole or not there.

    One that is there is left as it is: a run ends once.

    Raises:
        DiskFullError: The disk is full.
        OSError: It can't be written.
    """
    folder = runs / record.run_id
    if folder.is_dir():
        return folder
    partial = runs / f".{record.run_id}.partial"
    try:
        with disk_errors(folder):
            partial.mkdir(parents=True, exist_ok=True)
            text = record.model_dump_json(indent=2) + "\n"
            (partial / RECORD_NAME).write_text(text, encoding="utf-8")
            (partial / LOG_NAME).write_text(record.outcome.log, encoding="utf-8")
            partial.replace(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return folder


def remove_if_empty(folder: Path) -> None:
    """Remove a folder in which nothing is left; one that is not there is none."""
    with suppress(OSError):
        folder.rmdir()


def settle(record: RunRecord, archive: PredictionArchive, *, runs: Path) -> None:
    """Give a stored run its folder, and its predictions to the folder where they are kept.

    Safe to do again after a crash at any point of it; afterwards nothing is unfinished of the run.

    Raises:
        DiskFullError: The disk is full.
        OSError: Something can't be written or moved.
    """
    folder = write_run_folder(runs, record)
    if record.predictions_kept:
        archive.move_to(folder / PREDICTIONS_NAME)
    else:
        archive.discard()
