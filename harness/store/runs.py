"""The rows of runs; nothing of their pixel counts."""

from datetime import UTC, datetime

import duckdb

from harness.records.run import RunRecord, RunStatus


def insert_run(connection: duckdb.DuckDBPyConnection, record: RunRecord) -> None:
    """Store the run's row."""
    outcome = record.outcome
    benchmark_digest, image_digest, limits_digest = record.key()
    connection.execute(
        "INSERT INTO run VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            record.run_id,
            benchmark_digest,
            image_digest,
            limits_digest,
            record.submission.name,
            outcome.status.value,
            outcome.reason.value if outcome.reason else None,
            _utc(record.started_at),
            _utc(record.finished_at),
            outcome.predictions,
            outcome.startup_seconds,
            outcome.total_seconds,
            record.forced,
            record.harness_version,
            record.model_dump_json(),
            _utc(record.finished_at),
        ],
    )


def select_run(connection: duckdb.DuckDBPyConnection, run_id: str) -> RunRecord | None:
    """Return the run of this id, or None."""
    row = connection.execute("SELECT record FROM run WHERE run_id = ?", [run_id]).fetchone()
    return RunRecord.model_validate_json(row[0]) if row else None


def delete_cut_run(connection: duckdb.DuckDBPyConnection, run_id: str) -> None:
    """Remove the row of a run that was cut off, which its end replaces; others stay."""
    connection.execute(
        "DELETE FROM run WHERE run_id = ? AND status = ?", [run_id, RunStatus.HARNESS_FAILED.value]
    )


def run_is_stored(connection: duckdb.DuckDBPyConnection, run_id: str) -> bool:
    """Return whether a run of this id is stored."""
    row = connection.execute("SELECT 1 FROM run WHERE run_id = ?", [run_id]).fetchone()
    return row is not None


def select_runs(
    connection: duckdb.DuckDBPyConnection, benchmark_digest: str
) -> tuple[RunRecord, ...]:
    """Return the runs of a benchmark, the one that was asked for last at the end."""
    rows = connection.execute(
        "SELECT record FROM run WHERE benchmark_digest = ? ORDER BY counts_since, run_id",
        [benchmark_digest],
    ).fetchall()
    return tuple(RunRecord.model_validate_json(record) for (record,) in rows)


def update_counts_since(connection: duckdb.DuckDBPyConnection, run_id: str, now: datetime) -> None:
    """Let the run count from `now` on."""
    connection.execute("UPDATE run SET counts_since = ? WHERE run_id = ?", [_utc(now), run_id])


def select_completed_runs(
    connection: duckdb.DuckDBPyConnection, key: tuple[str, str, str]
) -> tuple[RunRecord, ...]:
    """Return the completed runs of this key, the one that ended last first."""
    rows = connection.execute(
        """
        SELECT record FROM run
        WHERE benchmark_digest = ? AND image_digest = ? AND limits_digest = ? AND status = ?
        ORDER BY finished_at DESC, run_id DESC
        """,
        [*key, RunStatus.COMPLETED.value],
    ).fetchall()
    return tuple(RunRecord.model_validate_json(record) for (record,) in rows)


def _utc(moment: datetime) -> datetime:
    """Return `moment` as the naive UTC that TIMESTAMP columns hold."""
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
