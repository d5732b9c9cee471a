"""The folder of one run: its record and its log, for people."""

import shutil
from pathlib import Path

from harness.records.run import RunRecord

RECORD_NAME = "run.json"
LOG_NAME = "log.txt"


def write_run_folder(runs: Path, record: RunRecord) -> Path:
    """Return the folder `runs`/<run id> with run.json and log.txt; whole or not there.

    Raises:
        OSError: It can't be written.
    """
    folder = runs / record.run_id
    partial = runs / f".{record.run_id}.partial"
    try:
        partial.mkdir(parents=True, exist_ok=True)
        text = record.model_dump_json(indent=2) + "\n"
        (partial / RECORD_NAME).write_text(text, encoding="utf-8")
        (partial / LOG_NAME).write_text(record.outcome.log, encoding="utf-8")
        partial.replace(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return folder
