"""What is stored batch by batch is what is stored at once, all of it or none."""

import duckdb
import pytest
from stored_results import EDITS, counts, header, run, samples

from harness.errors import DatabaseError
from harness.records.run import ClassCounts
from harness.store import benchmarks
from harness.store import counts as stored_counts
from harness.store.database import ResultsStore

SAMPLES = samples(
    "abcdefg", filtered=[("a", EDITS[0]), ("c", EDITS[0])], rejected=[("b", EDITS[0])]
)
HEADER = header(SAMPLES)
RUN = run(HEADER.digest)
ROWS = [
    row
    for number, one in enumerate(SAMPLES)
    if one.accepted
    for row in counts(one.id, road=(number, 2, 3), other=(0, number, 0))
]
PAIRED = [
    row
    for one in SAMPLES
    if one.accepted and one.judges_source
    for row in counts(one.id, road=(7, 0, 1))
]
TABLES = ("benchmark", "sample", "filtered_edit", "class_count", "paired_count")


def stored(path):
    """Every row of every table, once a benchmark and a run of it have been stored at `path`."""
    with ResultsStore.open(path) as store:
        store.add_benchmark(HEADER, iter(SAMPLES))
        store.add_run(RUN, iter(ROWS), paired=iter(PAIRED))
    with duckdb.connect(str(path), read_only=True) as connection:
        return {
            table: connection.execute(f"SELECT * FROM {table} ORDER BY ALL").fetchall()  # noqa: S608
            for table in TABLES
        }


@pytest.mark.parametrize("size", [1, 3, 7])
def test_the_size_of_batches_changes_no_row(tmp_path, monkeypatch, size):
    whole = stored(tmp_path / "whole.duckdb")
    monkeypatch.setattr(benchmarks, "SAMPLES_AT_ONCE", size)
    monkeypatch.setattr(stored_counts, "ROWS_AT_ONCE", size)
    assert stored(tmp_path / "batches.duckdb") == whole
    assert len(whole["sample"]) == len(SAMPLES)
    assert len(whole["filtered_edit"]) == 2
    assert len(whole["class_count"]) == sum(bool(row.tp or row.fp or row.fn) for row in ROWS)
    assert len(whole["paired_count"]) == 2


def test_a_stranger_in_a_late_batch_leaves_nothing_of_the_run(tmp_path, monkeypatch):
    monkeypatch.setattr(stored_counts, "ROWS_AT_ONCE", 2)
    rows = [*ROWS, ClassCounts(sample_id="f" * 16, class_id=0, tp=1, fp=0, fn=0)]
    with ResultsStore.open(tmp_path / "results.duckdb") as store:
        store.add_benchmark(HEADER, SAMPLES)
        with pytest.raises(DatabaseError, match="f" * 16):
            store.add_run(RUN, rows)
        assert store.runs(HEADER.digest) == ()
        assert store.counts((RUN.run_id,)).tp.size == 0


def test_samples_that_are_stored_are_not_asked_for_again(tmp_path):
    def unasked():
        raise AssertionError
        yield

    with ResultsStore.open(tmp_path / "results.duckdb") as store:
        store.add_benchmark(HEADER, SAMPLES)
        store.add_benchmark(HEADER, unasked())
        store.add_benchmark(HEADER.model_copy(update={"title": "Another"}), unasked())
        assert [one.title for one in store.benchmarks()] == ["Another"]
        assert store.samples(HEADER.digest) == SAMPLES


def test_storing_a_benchmark_leaves_the_database_its_memory(tmp_path):
    def limit(store):
        row = store._connection.execute("SELECT current_setting('memory_limit')").fetchone()
        return row[0]

    with ResultsStore.open(tmp_path / "results.duckdb") as store:
        before = limit(store)
        store.add_benchmark(HEADER, SAMPLES)
        assert limit(store) == before
