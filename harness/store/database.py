"""The results database as the stages use it; nothing of ratios, ranks or pages.

DuckDB lets one process write, or several read. So a store is opened for moments, not for the
length of an evaluation.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Self

import duckdb
from pydantic import ValidationError

from harness.errors import DatabaseError
from harness.records.manifest import BenchmarkHeader, Sample
from harness.records.run import ClassCounts, RunRecord, RunStatus
from harness.store.benchmarks import (
    benchmark_is_stored,
    bounded_memory,
    insert_benchmark,
    select_benchmarks,
    select_samples,
)
from harness.store.connection import Access, connect, database_errors, transaction
from harness.store.counts import (
    CountKind,
    CountsTable,
    insert_counts,
    select_counts,
    select_unpaired_runs,
)
from harness.store.run_search import (
    RunFilter,
    count_runs,
    select_latest_runs,
    select_runs_beginning,
)
from harness.store.runs import (
    delete_cut_run,
    insert_run,
    run_is_stored,
    select_completed_runs,
    select_run,
    select_runs,
    update_counts_since,
)
from harness.store.schema import migrate, newest_version, schema_version

PATIENCE_SECONDS = 30.0
"""Four processes that each load a benchmark of 10,000 samples wait 1.2 s for one another on two
idle processors, and some ten times that on crowded ones."""
UNPAIRED = "it was scored before sources were counted under the filtered labels of their edits"
"""What is wrong with the runs of `ResultsStore.unpaired_runs`, for a person."""


class ResultsStore:
    """Benchmarks, runs and pixel counts in one DuckDB file; open it by `open`."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, path: Path) -> None:
        """Use `connection`, to the database at `path`, whose schema is this version's."""
        self._connection = connection
        self._path = path

    @classmethod
    @contextmanager
    def open(cls, path: Path, *, patience_seconds: float = PATIENCE_SECONDS) -> Iterator[Self]:
        """Yield the store at `path` for writing, made or migrated where that is needed.

        Raises:
            DatabaseBusyError: Another process still held it after `patience_seconds`.
            DatabaseError: It is damaged, of a newer schema, or another program's.
            PermissionRefusedError: It can't be written there.
        """
        connection = connect(path, access=Access.WRITE, patience_seconds=patience_seconds)
        try:
            with database_errors(path):
                migrate(connection, path)
            yield cls(connection, path)
        finally:
            connection.close()

    @classmethod
    @contextmanager
    def open_read_only(
        cls, path: Path, *, patience_seconds: float = PATIENCE_SECONDS
    ) -> Iterator[Self]:
        """Yield the store at `path` for reading; one of an older schema is migrated first.

        Raises:
            DatabaseBusyError: Another process still held it after `patience_seconds`.
            DatabaseError: It is missing, damaged, of a newer schema, or another program's.
            PermissionRefusedError: It can't be read, or must be migrated and can't be written.
        """
        connection = connect(path, access=Access.READ, patience_seconds=patience_seconds)
        try:
            with database_errors(path):
                version = schema_version(connection, path)
            if version < newest_version():
                connection.close()
                with cls.open(path, patience_seconds=patience_seconds):
                    pass
                connection = connect(path, access=Access.READ, patience_seconds=patience_seconds)
            yield cls(connection, path)
        finally:
            connection.close()

    def add_benchmark(self, header: BenchmarkHeader, samples: Iterable[Sample]) -> None:
        """Store a benchmark and its samples; storing it again changes its header at most."""
        with (
            self._reporting(),
            bounded_memory(self._connection),
            transaction(self._connection),
        ):
            insert_benchmark(self._connection, header, samples)

    def add_run(
        self,
        record: RunRecord,
        counts: Iterable[ClassCounts],
        *,
        paired: Iterable[ClassCounts] = (),
    ) -> None:
        """Store a run and, where it completed, its counts: all or nothing.

        Counts of a run that did not complete are left out, because they are never scored. A run
        that was cut off is stored as `harness_failed`; the same run's next end takes its place.

        Args:
            record: The run.
            counts: Of each sample's prediction under the sample's own label.
            paired: Of the sources' predictions under the filtered labels of their edits (see
                `Sample.judges_source`), by edit; a benchmark without such labels has none.

        Raises:
            DatabaseError: The run ended and is stored already, or its benchmark or a sample is not.
        """
        with self._reporting(), transaction(self._connection):
            delete_cut_run(self._connection, record.run_id)
            self._check_new(record)
            insert_run(self._connection, record)
            if record.outcome.status is not RunStatus.COMPLETED:
                return
            for kind, rows in ((CountKind.OWN, counts), (CountKind.PAIRED, paired)):
                insert_counts(
                    self._connection,
                    rows,
                    run_id=record.run_id,
                    benchmark_digest=record.benchmark_digest,
                    kind=kind,
                )

    def count_again(self, run_id: str, *, now: datetime) -> None:
        """Let a completed run count for its submission, before runs that ended later."""
        with self._reporting(), transaction(self._connection):
            update_counts_since(self._connection, run_id, now)

    def completed_runs(self, key: tuple[str, str, str]) -> tuple[RunRecord, ...]:
        """Return the completed runs of this key (see `RunRecord.key`), the latest one first."""
        with self._reporting():
            return select_completed_runs(self._connection, key)

    def run(self, run_id: str) -> RunRecord | None:
        """Return the run of this id, or None."""
        with self._reporting():
            return select_run(self._connection, run_id)

    def runs(self, benchmark_digest: str) -> tuple[RunRecord, ...]:
        """Return all runs of a benchmark, the one that was asked for last at the end."""
        with self._reporting():
            return select_runs(self._connection, benchmark_digest)

    def latest_runs(self, wanted: RunFilter, *, limit: int) -> tuple[RunRecord, ...]:
        """Return the runs that fit, of any benchmark, the one that ended last first."""
        with self._reporting():
            return select_latest_runs(self._connection, wanted, limit=limit)

    def count_runs(self, wanted: RunFilter) -> int:
        """Return how many runs fit."""
        with self._reporting():
            return count_runs(self._connection, wanted)

    def runs_beginning(self, prefix: str, *, limit: int) -> tuple[RunRecord, ...]:
        """Return runs whose id begins with `prefix`, by id, at most `limit`."""
        with self._reporting():
            return select_runs_beginning(self._connection, prefix, limit=limit)

    def benchmarks(self) -> tuple[BenchmarkHeader, ...]:
        """Return the stored benchmarks, in the order in which they were first stored."""
        with self._reporting():
            return select_benchmarks(self._connection)

    def samples(self, benchmark_digest: str) -> tuple[Sample, ...]:
        """Return all samples of a benchmark, rejected ones included, by id."""
        with self._reporting():
            return select_samples(self._connection, benchmark_digest)

    def counts(self, run_ids: Sequence[str]) -> CountsTable:
        """Return the counts of these runs as arrays: of each sample under its own label."""
        with self._reporting():
            return select_counts(self._connection, run_ids)

    def paired_counts(self, run_ids: Sequence[str]) -> CountsTable:
        """Return the counts of sources under the filtered labels of their edits, by edit."""
        with self._reporting():
            return select_counts(self._connection, run_ids, kind=CountKind.PAIRED)

    def unpaired_runs(self, benchmark_digest: str) -> frozenset[str]:
        """Return the completed runs of a benchmark that lack counts under filtered labels.

        They were scored before those were counted, and must be run again to be compared.
        """
        with self._reporting():
            return select_unpaired_runs(self._connection, benchmark_digest)

    def _check_new(self, record: RunRecord) -> None:
        if run_is_stored(self._connection, record.run_id):
            msg = f"run {record.run_id} is already stored in {self._path}"
            raise DatabaseError(
                msg,
                remedy="Evaluate again; each run has an id of its own.",
            )
        if not benchmark_is_stored(self._connection, record.benchmark_digest):
            msg = (
                f"benchmark {record.benchmark_digest[:12]} of run {record.run_id} is not stored"
                f" in {self._path}"
            )
            raise DatabaseError(
                msg,
                remedy="Evaluate again; the benchmark is stored before its runs.",
            )

    @contextmanager
    def _reporting(self) -> Iterator[None]:
        """Raise what DuckDB refuses, or a record it holds that can't be read, as our error."""
        try:
            with database_errors(self._path):
                yield
        except ValidationError as error:
            msg = f"{self._path} holds a {error.title} that this harness can't read"
            raise DatabaseError(
                msg,
                remedy="Use the harness version that wrote it, or evaluate again.",
            ) from error
