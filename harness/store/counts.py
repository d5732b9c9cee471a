"""The rows of pixel counts, in and out in bulk; nothing of what is computed from them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice

import duckdb
import numpy as np
from numpy.typing import NDArray

from harness.errors import DatabaseError
from harness.records.run import ClassCounts

ROWS_AT_ONCE = 1_000
"""How many rows are in memory at a time while they are stored."""


class CountKind(StrEnum):
    """What was counted under which label, by the name of its table."""

    OWN = "class_count"
    """Each sample's prediction under the sample's own label."""
    PAIRED = "paired_count"
    """The prediction of an edit's source under the edit's filtered label; named by the edit."""


@dataclass(frozen=True, kw_only=True)
class CountsTable:
    """Counts of some runs, row by row; all arrays have the same length."""

    run_ids: tuple[str, ...]
    """The runs, in the order that was asked for."""
    sample_ids: tuple[str, ...]
    """The samples of the runs' benchmarks, by id."""
    run: NDArray[np.int64]
    """Each row's position in `run_ids`."""
    sample: NDArray[np.int64]
    """Each row's position in `sample_ids`."""
    class_id: NDArray[np.int64]
    """Each row's class; -1 gathers predictions outside the classes."""
    tp: NDArray[np.int64]
    """True positive pixels."""
    fp: NDArray[np.int64]
    """False positive pixels."""
    fn: NDArray[np.int64]
    """False negative pixels."""


def insert_counts(
    connection: duckdb.DuckDBPyConnection,
    counts: Iterable[ClassCounts],
    *,
    run_id: str,
    benchmark_digest: str,
    kind: CountKind = CountKind.OWN,
) -> None:
    """Store the counts of a run, which are taken batch by batch; in a transaction of the caller's.

    Raises:
        DatabaseError: A sample is not an accepted one of the run's benchmark or, of `PAIRED`
            counts, no edit that is compared with its source under a filtered label.
    """
    # Columns from the start: a record takes four times the memory of its values.
    rows = (
        (row.sample_id, row.class_id, row.tp, row.fp, row.fn)
        for row in counts
        if row.tp or row.fp or row.fn
    )
    while columns := [list(column) for column in zip(*islice(rows, ROWS_AT_ONCE), strict=True)]:
        _check_samples(connection, sorted(set(columns[0])), benchmark_digest, kind)
        _insert_rows(connection, columns, run_id=run_id, kind=kind)


def _insert_rows(
    connection: duckdb.DuckDBPyConnection,
    columns: Sequence[Sequence[object]],
    *,
    run_id: str,
    kind: CountKind,
) -> None:
    # One statement over five lists: no data-frame library is needed, and 7,500 rows take
    # hundredths of a second where one INSERT a row takes many seconds (benchmarks/ranking.py).
    connection.execute(
        f"""
        INSERT INTO {kind.value}
        SELECT ?, unnest(?::VARCHAR[]), unnest(?::INTEGER[]),
            unnest(?::BIGINT[]), unnest(?::BIGINT[]), unnest(?::BIGINT[])
        """,
        [run_id, *columns],
    )


def select_counts(
    connection: duckdb.DuckDBPyConnection,
    run_ids: Sequence[str],
    *,
    kind: CountKind = CountKind.OWN,
) -> CountsTable:
    """Return the counts of these runs, in no particular order of rows."""
    samples = connection.execute(
        """
        SELECT DISTINCT sample_id FROM sample
        WHERE benchmark_digest IN (
            SELECT benchmark_digest FROM run WHERE list_contains(?::VARCHAR[], run_id)
        )
        ORDER BY sample_id
        """,
        [list(run_ids)],
    ).fetchall()
    sample_ids = tuple(sample_id for (sample_id,) in samples)
    columns = connection.execute(
        f"""
        WITH asked AS (SELECT unnest(?::VARCHAR[]) AS run_id, unnest(?::BIGINT[]) AS run),
        known AS (SELECT unnest(?::VARCHAR[]) AS sample_id, unnest(?::BIGINT[]) AS sample)
        SELECT run, sample, class_id::BIGINT AS class_id, tp, fp, fn
        FROM {kind.value} JOIN asked USING (run_id) JOIN known USING (sample_id)
        """,  # noqa: S608 - no value in it
        [list(run_ids), list(range(len(run_ids))), sample_ids, list(range(len(sample_ids)))],
    ).fetchnumpy()
    whole = {name: np.asarray(column, dtype=np.int64) for name, column in columns.items()}
    return CountsTable(run_ids=tuple(run_ids), sample_ids=sample_ids, **whole)


def select_unpaired_runs(
    connection: duckdb.DuckDBPyConnection, benchmark_digest: str
) -> frozenset[str]:
    """Return the completed runs of a benchmark that lack counts under filtered labels."""
    rows = connection.execute(
        "SELECT run_id FROM unpaired_run WHERE benchmark_digest = ?", [benchmark_digest]
    ).fetchall()
    return frozenset(run_id for (run_id,) in rows)


def _check_samples(
    connection: duckdb.DuckDBPyConnection,
    sample_ids: list[str],
    benchmark_digest: str,
    kind: CountKind,
) -> None:
    known = {CountKind.OWN: "sample WHERE accepted AND", CountKind.PAIRED: "filtered_edit WHERE"}
    strangers = connection.execute(
        f"""
        SELECT sample_id FROM (SELECT unnest(?::VARCHAR[]) AS sample_id)
        ANTI JOIN (SELECT sample_id FROM {known[kind]} benchmark_digest = ?) USING (sample_id)
        ORDER BY sample_id LIMIT 1
        """,  # noqa: S608 - no value in it
        [sample_ids, benchmark_digest],
    ).fetchone()
    if strangers is not None:
        what = {CountKind.OWN: "a scored sample", CountKind.PAIRED: "an edit with a filtered label"}
        msg = f"sample {strangers[0]} is not {what[kind]} of benchmark {benchmark_digest[:12]}"
        raise DatabaseError(
            msg,
            remedy="Evaluate again on the benchmark as it is built now.",
        )
