"""Tells which runs were cut off or are at work; nothing of resuming them."""

import fcntl
import os
from collections.abc import Mapping
from pathlib import Path

from harness.evaluation.archive import read_archive
from harness.evaluation.archive_content import ArchiveContent
from harness.evaluation.unfinished import SUFFIX, UNFINISHED
from harness.records.run_account import UnfinishedSummary


def list_unfinished(runs: Path, *, benchmarks: Mapping[str, str]) -> tuple[UnfinishedSummary, ...]:
    """Return the unfinished runs under `runs`, the one that was started last first.

    Args:
        runs: The folder of the runs.
        benchmarks: The names of the stored benchmarks by digest.

    Raises:
        OSError: A file of theirs can't be read.
    """
    found = []
    for path in sorted((runs / UNFINISHED).glob(f"*{SUFFIX}")):
        try:
            at_work = _is_locked(path)
            content = read_archive(path, checked=False)
        except FileNotFoundError:  # it was finished meanwhile
            continue
        if content is not None:
            found.append(_summary(content, at_work=at_work, benchmarks=benchmarks))
    return tuple(sorted(found, key=lambda run: str(run.started_at), reverse=True))


def _summary(
    content: ArchiveContent, *, at_work: bool, benchmarks: Mapping[str, str]
) -> UnfinishedSummary:
    header, parts = content.header, content.parts
    return UnfinishedSummary(
        run_id=header.run_id,
        submission=header.submission.name,
        benchmark=benchmarks.get(header.benchmark_digest),
        benchmark_digest=header.benchmark_digest,
        at_work=at_work,
        predictions=len(content.predicted),
        parts=len(parts),
        seconds=content.seconds,
        started_at=parts[0].started_at if parts else None,
        ending=parts[-1].ending if parts and not at_work else "",
        forced=header.forced,
        resumable=header.submission.stateless or content.outcome is not None,
    )


def _is_locked(path: Path) -> bool:
    """Return whether a process works on the archive; asking takes no lock away from anybody."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
