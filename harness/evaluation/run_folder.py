"""The folder of one run: its record and its log, for people."""

import os
from pathlib import Path

from harness.records.run import RunRecord

RECORD_NAME = "run.json"
LOG_NAME = "log.txt"


def write_run_folder(runs: Path, record: RunRecord) -> Path:
    """Return the folder `runs`/<run id> with run.json and log.txt; whole or not there."""
    folder = runs / record.run_id
    partial = runs / f".{record.run_id}.partial"
    partial.mkdir(parents=True, exist_ok=True)
    (partial / RECORD_NAME).write_text(record.model_dump_json(indent=2) + "\n", encoding="utf-8")
    (partial / LOG_NAME).write_text(record.outcome.log, encoding="utf-8")
    os.replace(partial, folder)  # noqa: PTH105 - Path.replace refuses no less, but hides the rename
    return folder
