"""A reader answers as an open store does, and holds the database for its answers only."""

import pytest
from stored_results import header, random_counts, random_paired_counts, run, samples

from harness.errors import DatabaseError
from harness.leaderboard.board import build_board
from harness.store.counts import CountsTable
from harness.store.database import ResultsStore
from harness.store.reader import ResultsReader

SAMPLES = samples("abcd", filtered=[("a", None)])
HEADER = header(SAMPLES)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "results.duckdb"
    with ResultsStore.open(path) as store:
        store.add_benchmark(HEADER, SAMPLES)
        for seed, name in enumerate(("one", "two")):
            counts = random_counts(SAMPLES, seed=seed)
            paired = random_paired_counts(SAMPLES, counts, seed=seed)
            store.add_run(run(HEADER.digest, name), counts, paired=paired)
    return path


def as_lists(table: CountsTable):
    columns = (table.run, table.sample, table.class_id, table.tp, table.fp, table.fn)
    return table.run_ids, table.sample_ids, sorted(zip(*(c.tolist() for c in columns), strict=True))


def test_a_reader_answers_as_a_store_that_stays_open(path):
    reader = ResultsReader(path)
    with ResultsStore.open_read_only(path) as store:
        ids = [known.run_id for known in store.runs(HEADER.digest)]
        assert reader.benchmarks() == store.benchmarks() == (HEADER,)
        assert reader.samples(HEADER.digest) == store.samples(HEADER.digest) == SAMPLES
        assert reader.runs(HEADER.digest) == store.runs(HEADER.digest)
        assert reader.unpaired_runs(HEADER.digest) == store.unpaired_runs(HEADER.digest)
        assert as_lists(reader.counts(ids)) == as_lists(store.counts(ids))
        assert as_lists(reader.paired_counts(ids)) == as_lists(store.paired_counts(ids))
        board = build_board(store, benchmark_digest=HEADER.digest, resamples=20)
        assert build_board(reader, benchmark_digest=HEADER.digest, resamples=20) == board


def test_between_its_answers_others_may_write(path):
    reader = ResultsReader(path)
    before = reader.runs(HEADER.digest)
    with ResultsStore.open(path, patience_seconds=0) as store:
        store.add_run(run(HEADER.digest, "three"), ())
    assert len(reader.runs(HEADER.digest)) == len(before) + 1


def test_a_database_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DatabaseError, match="no results database"):
        ResultsReader(tmp_path / "none.duckdb").benchmarks()
