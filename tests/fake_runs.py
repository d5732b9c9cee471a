"""Made-up runs for tests of the site and of what is told of a run: plausible, and some hostile."""

import hashlib
from datetime import UTC, datetime, timedelta

from harness.records.run import RunOutcome, RunPart, RunRecord, RunStatus
from harness.records.submission import ContainerLimits

HOSTILE = "<script>document.title='pwned'</script><img src=x onerror=alert(1)>"
LOG = f"Traceback (most recent call last):\n  {HOSTILE}\nMemoryError"
WHEN = datetime(2026, 11, 22, 13, 37, tzinfo=UTC)


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def outcome(**changes):
    fields = {
        "status": RunStatus.COMPLETED,
        "predictions": 1146,
        "startup_seconds": 1.5,
        "total_seconds": 21.5,
        "exit_code": 0,
    }
    return RunOutcome(**(fields | changes))


def run_record(run_id, manifest, ended, *, minutes=0, **changes):
    """Return a run that ended so, `minutes` before `WHEN`."""
    finished = WHEN - timedelta(minutes=minutes)
    fields = {
        "run_id": run_id,
        "benchmark_digest": sha("digest"),
        "image_digest": f"sha256:{sha(manifest.name)}",
        "submission": manifest,
        "limits": ContainerLimits(),
        "outcome": ended,
        "engine": "Docker 20.10.24, runc; Linux x86_64",
        "harness_version": "0.1.0",
        "started_at": finished - timedelta(seconds=ended.total_seconds),
        "finished_at": finished,
    }
    return RunRecord(**(fields | changes))


def parts():
    """Return three parts: killed, stopped and ended."""
    begin = WHEN - timedelta(minutes=90)
    return tuple(
        RunPart(
            started_at=begin + timedelta(minutes=30 * number),
            ended_at=begin + timedelta(minutes=30 * number + 10) if number else None,
            predictions=predictions,
            ending=ending,
        )
        for number, (predictions, ending) in enumerate(
            ((400, "killed"), (1, f"stopped by Ctrl-C {HOSTILE}"), (834, "ended"))
        )
    )
