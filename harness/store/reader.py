"""The results as somebody reads them who has long work to do in between; nothing is written.

A board of many submissions is minutes of resampling. Whoever kept the database open for it would
keep out every evaluation that wants to store its run.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from harness.records.manifest import BenchmarkHeader, Sample
from harness.records.run import RunRecord
from harness.store.counts import CountsTable
from harness.store.database import PATIENCE_SECONDS, ResultsStore


class ResultsReader:
    """Reads a results database as `ResultsStore` does, opening it for each answer only.

    Runs that are stored in between are in later answers and not in earlier ones; what is stored of
    a run that ended never changes. Each answer raises what `ResultsStore.open_read_only` does.
    """

    def __init__(self, path: Path, *, patience_seconds: float = PATIENCE_SECONDS) -> None:
        """Prepare to read the database at `path`."""
        self._path = path
        self._patience_seconds = patience_seconds

    def benchmarks(self) -> tuple[BenchmarkHeader, ...]:
        """Return the stored benchmarks, in the order in which they were first stored."""
        with self._open() as store:
            return store.benchmarks()

    def samples(self, benchmark_digest: str) -> tuple[Sample, ...]:
        """Return all samples of a benchmark, rejected ones included, by id."""
        with self._open() as store:
            return store.samples(benchmark_digest)

    def runs(self, benchmark_digest: str) -> tuple[RunRecord, ...]:
        """Return all runs of a benchmark, the one that was asked for last at the end."""
        with self._open() as store:
            return store.runs(benchmark_digest)

    def unpaired_runs(self, benchmark_digest: str) -> frozenset[str]:
        """Return the completed runs of a benchmark that lack counts under filtered labels."""
        with self._open() as store:
            return store.unpaired_runs(benchmark_digest)

    def counts(self, run_ids: Sequence[str]) -> CountsTable:
        """Return the counts of these runs as arrays: of each sample under its own label."""
        with self._open() as store:
            return store.counts(run_ids)

    def paired_counts(self, run_ids: Sequence[str]) -> CountsTable:
        """Return the counts of sources under the filtered labels of their edits, by edit."""
        with self._open() as store:
            return store.paired_counts(run_ids)

    def _open(self) -> AbstractContextManager[ResultsStore]:
        return ResultsStore.open_read_only(self._path, patience_seconds=self._patience_seconds)
