"""The rows of benchmarks and their samples; nothing of runs."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice

import duckdb

from harness.records.manifest import BenchmarkHeader, Sample

SAMPLES_AT_ONCE = 200
"""How many samples are in memory at a time while they are stored."""
MEMORY_BYTES = 32 * 2**20
MEMORY_BYTES_A_SAMPLE = 256
"""How much DuckDB may take while it stores samples: so much, and more for each stored one."""


def insert_benchmark(
    connection: duckdb.DuckDBPyConnection, header: BenchmarkHeader, samples: Iterable[Sample]
) -> None:
    """Store the benchmark; one that is stored already takes the new title, bound and order.

    `samples` are asked for only where they are not stored yet, a batch at a time.
    """
    record = header.model_dump_json()
    stored = connection.execute(
        "SELECT record FROM benchmark WHERE digest = ?", [header.digest]
    ).fetchone()
    if stored == (record,):
        return
    connection.execute(
        """
        INSERT INTO benchmark
        SELECT ?, (SELECT coalesce(max(ordinal), 0) + 1 FROM benchmark), ?, ?, ?, ?
        ON CONFLICT (digest) DO UPDATE SET
            name = excluded.name, title = excluded.title,
            qualifying_miou = excluded.qualifying_miou, record = excluded.record
        """,
        [header.digest, header.name, header.title, header.qualifying_miou, record],
    )
    _insert_classes(connection, header)
    _insert_edits(connection, header)
    if stored is None:
        rest = iter(samples)
        while batch := list(islice(rest, SAMPLES_AT_ONCE)):
            _bound_memory(connection)
            _insert_samples(connection, header.digest, batch)
            _insert_filtered_edits(connection, header.digest, batch)


@contextmanager
def bounded_memory(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Let DuckDB put aside on disk what the block writes and commits, where memory is short.

    What a transaction writes stays in memory up to its end otherwise: 300 MB of 100,000 samples.
    The index on them does so all the same, so the bound grows with their number.
    """
    try:
        yield
    finally:
        connection.execute("RESET memory_limit")


def _bound_memory(connection: duckdb.DuckDBPyConnection) -> None:
    row = connection.execute("SELECT count(*) FROM sample").fetchone()
    rows = row[0] if row else 0
    bound = MEMORY_BYTES + MEMORY_BYTES_A_SAMPLE * (rows + SAMPLES_AT_ONCE)
    connection.execute(f"SET memory_limit = '{bound} bytes'")


def select_benchmarks(connection: duckdb.DuckDBPyConnection) -> tuple[BenchmarkHeader, ...]:
    """Return the stored benchmarks, in the order in which they were first stored."""
    rows = connection.execute("SELECT record FROM benchmark ORDER BY ordinal").fetchall()
    return tuple(BenchmarkHeader.model_validate_json(record) for (record,) in rows)


def benchmark_is_stored(connection: duckdb.DuckDBPyConnection, digest: str) -> bool:
    """Return whether a benchmark of this digest is stored."""
    row = connection.execute("SELECT 1 FROM benchmark WHERE digest = ?", [digest]).fetchone()
    return row is not None


def select_samples(
    connection: duckdb.DuckDBPyConnection, benchmark_digest: str
) -> tuple[Sample, ...]:
    """Return all samples of a benchmark, rejected ones included, by id."""
    rows = connection.execute(
        "SELECT record FROM sample WHERE benchmark_digest = ? ORDER BY sample_id",
        [benchmark_digest],
    ).fetchall()
    return tuple(Sample.model_validate_json(record) for (record,) in rows)


def _insert_classes(connection: duckdb.DuckDBPyConnection, header: BenchmarkHeader) -> None:
    classes = header.label_space.classes
    connection.execute(
        """
        INSERT INTO label_class SELECT ?, unnest(?::INTEGER[]), unnest(?::VARCHAR[])
        ON CONFLICT DO UPDATE SET name = excluded.name
        """,
        [header.digest, [c.id for c in classes], [c.name for c in classes]],
    )


def _insert_edits(connection: duckdb.DuckDBPyConnection, header: BenchmarkHeader) -> None:
    connection.execute(
        """
        INSERT INTO edit SELECT ?, unnest(?::VARCHAR[]), unnest(?::VARCHAR[]), unnest(?::INTEGER[])
        ON CONFLICT DO UPDATE SET position = excluded.position
        """,
        [
            header.digest,
            [edit.attribute.value for edit in header.edits],
            [edit.value for edit in header.edits],
            list(range(len(header.edits))),
        ],
    )


def _insert_samples(
    connection: duckdb.DuckDBPyConnection, benchmark_digest: str, samples: Sequence[Sample]
) -> None:
    connection.execute(
        """
        INSERT INTO sample
        SELECT ?, unnest(?::VARCHAR[]), unnest(?::VARCHAR[]), unnest(?::VARCHAR[]),
            unnest(?::VARCHAR[]), unnest(?::VARCHAR[]), unnest(?::BOOLEAN[]), unnest(?::VARCHAR[])
        """,
        [
            benchmark_digest,
            [sample.id for sample in samples],
            [sample.source_id for sample in samples],
            [sample.source_name for sample in samples],
            [sample.edit.attribute.value if sample.edit else None for sample in samples],
            [sample.edit.value if sample.edit else None for sample in samples],
            [sample.accepted for sample in samples],
            [sample.model_dump_json() for sample in samples],
        ],
    )


def _insert_filtered_edits(
    connection: duckdb.DuckDBPyConnection, benchmark_digest: str, samples: Sequence[Sample]
) -> None:
    judges = [sample.id for sample in samples if sample.accepted and sample.judges_source]
    if judges:
        connection.execute(
            "INSERT INTO filtered_edit SELECT ?, unnest(?::VARCHAR[])", [benchmark_digest, judges]
        )
