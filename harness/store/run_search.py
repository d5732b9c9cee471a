"""Which of all the stored runs are meant; nothing of what a run's row holds."""

from dataclasses import dataclass

import duckdb

from harness.records.run import RunRecord, RunStatus


@dataclass(frozen=True, kw_only=True)
class RunFilter:
    """What a run has to be; None for anything."""

    benchmark: str | None = None
    """The name of its benchmark."""
    submission: str | None = None
    """The name of its submission."""
    status: RunStatus | None = None
    """How it ended."""


_FITTING = """
    FROM run JOIN benchmark ON benchmark.digest = run.benchmark_digest
    WHERE coalesce(benchmark.name = $benchmark, $benchmark IS NULL)
        AND coalesce(run.submission = $submission, $submission IS NULL)
        AND coalesce(run.status = $status, $status IS NULL)
"""


def select_latest_runs(
    connection: duckdb.DuckDBPyConnection, wanted: RunFilter, *, limit: int
) -> tuple[RunRecord, ...]:
    """Return the runs that fit, the one that ended last first, at most `limit`."""
    rows = connection.execute(
        f"SELECT run.record {_FITTING} ORDER BY run.finished_at DESC, run.run_id LIMIT $limit",
        _values(wanted) | {"limit": limit},
    ).fetchall()
    return tuple(RunRecord.model_validate_json(record) for (record,) in rows)


def count_runs(connection: duckdb.DuckDBPyConnection, wanted: RunFilter) -> int:
    """Return how many runs fit."""
    row = connection.execute(f"SELECT count(*) {_FITTING}", _values(wanted)).fetchone()
    return int(row[0]) if row else 0


def select_runs_beginning(
    connection: duckdb.DuckDBPyConnection, prefix: str, *, limit: int
) -> tuple[RunRecord, ...]:
    """Return runs whose id begins with `prefix`, by id, at most `limit`."""
    rows = connection.execute(
        "SELECT record FROM run WHERE starts_with(run_id, ?) ORDER BY run_id LIMIT ?",
        [prefix, limit],
    ).fetchall()
    return tuple(RunRecord.model_validate_json(record) for (record,) in rows)


def _values(wanted: RunFilter) -> dict[str, str | int | None]:
    return {
        "benchmark": wanted.benchmark,
        "submission": wanted.submission,
        "status": wanted.status.value if wanted.status is not None else None,
    }
