"""The results database keeps what it is given, whole or not at all, and refuses what is not its."""

import subprocess
import sys

import numpy as np
import pytest
from stored_results import EDITS, counts, header, random_counts, run, samples

from harness.errors import (
    DatabaseError,
)
from harness.records.run import ClassCounts, FailureReason, RunStatus
from harness.store.database import ResultsStore

SAMPLES = samples(("a", "b"), rejected={("b", EDITS[1])})
HEADER = header(SAMPLES)
DIGEST = HEADER.digest
JUDGED = samples(
    ("a", "b"), rejected={("b", EDITS[0])}, filtered={("a", EDITS[0]), ("b", EDITS[0])}
)
JUDGED_HEADER = header(JUDGED, name="judged")
JUDGE = next(s.id for s in JUDGED if s.accepted and s.judges_source)
SOURCE = next(s.id for s in SAMPLES if s.edit is None)
REJECTED = next(s.id for s in SAMPLES if not s.accepted)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "leaderboard" / "results.duckdb"


@pytest.fixture
def store(path):
    with ResultsStore.open(path) as opened:
        opened.add_benchmark(HEADER, SAMPLES)
        yield opened


def rows(table):
    return sorted(
        (table.run_ids[r], table.sample_ids[s], c, tp, fp, fn)
        for r, s, c, tp, fp, fn in zip(
            *(column.tolist() for column in (table.run, table.sample, table.class_id)),
            *(column.tolist() for column in (table.tp, table.fp, table.fn)),
            strict=True,
        )
    )


def test_what_is_stored_comes_back_equal(store, path):
    record = run(DIGEST, log="a\nlog with 'quotes' and ünïcode")
    given = random_counts(SAMPLES, seed=1)
    store.add_run(record, given)
    assert store.benchmarks() == (HEADER,)
    assert store.samples(DIGEST) == SAMPLES
    assert store.runs(DIGEST) == (record,)
    assert rows(store.counts([record.run_id])) == sorted(
        (record.run_id, c.sample_id, c.class_id, c.tp, c.fp, c.fn) for c in given
    )
    assert path.exists()


def test_it_is_all_there_when_opened_again_for_reading(path):
    record = run(DIGEST)
    with ResultsStore.open(path) as store:
        store.add_benchmark(HEADER, SAMPLES)
        store.add_run(record, random_counts(SAMPLES, seed=1))
    with ResultsStore.open_read_only(path) as store:
        assert store.runs(DIGEST) == (record,)
        assert store.counts([record.run_id]).tp.size > 0


def test_a_store_that_is_opened_for_reading_is_not_written(path):
    with ResultsStore.open(path):
        pass
    with (
        ResultsStore.open_read_only(path) as store,
        pytest.raises(DatabaseError, match="read-only"),
    ):
        store.add_benchmark(HEADER, SAMPLES)


def test_counts_are_asked_for_by_run(store):
    first, second = run(DIGEST, "first"), run(DIGEST, "second")
    store.add_run(first, counts(SOURCE, car=(1, 2, 3), other=(0, 4, 0)))
    store.add_run(second, counts(SOURCE, bus=(5, 0, 0)))
    assert rows(store.counts([second.run_id])) == [(second.run_id, SOURCE, 2, 5, 0, 0)]
    both = store.counts([second.run_id, first.run_id])
    assert both.run_ids == (second.run_id, first.run_id)
    assert len(rows(both)) == 3
    assert (first.run_id, SOURCE, -1, 0, 4, 0) in rows(both)
    assert both.tp.dtype == np.int64
    assert store.counts(["0" * 12]).tp.size == 0


def test_counts_of_nothing_are_not_stored(store):
    record = run(DIGEST)
    store.add_run(record, counts(SOURCE, car=(0, 0, 0), bus=(1, 0, 0)))
    assert rows(store.counts([record.run_id])) == [(record.run_id, SOURCE, 2, 1, 0, 0)]


def test_a_benchmark_stored_again_takes_its_new_words_and_keeps_its_runs(store):
    record = run(DIGEST)
    store.add_run(record, counts(SOURCE, car=(1, 0, 0)))
    store.add_benchmark(HEADER, SAMPLES)
    changed = header(SAMPLES, title="Mini, corrected", qualifying_miou=0.5)
    store.add_benchmark(changed, SAMPLES)
    assert store.benchmarks() == (changed,)
    assert store.samples(DIGEST) == SAMPLES
    assert store.runs(DIGEST) == (record,)


def test_benchmarks_come_in_the_order_in_which_they_were_first_stored(store):
    later = header(samples(("c",)), name="camvid")
    store.add_benchmark(later, samples(("c",)))
    store.add_benchmark(header(SAMPLES, title="again"), SAMPLES)
    assert [h.name for h in store.benchmarks()] == ["mini", "camvid"]


def test_the_completed_runs_of_a_key_are_found_latest_first_and_another_key_is_not(store):
    old, new = run(DIGEST), run(DIGEST, minutes=5)
    failed = run(DIGEST, minutes=9, status=RunStatus.SUBMISSION_FAILED, reason=FailureReason.KILLED)
    for record in (new, old, failed):
        store.add_run(record, ())
    assert store.completed_runs(new.key()) == (new, old)
    assert store.runs(DIGEST) == (old, new, failed)
    other = run(DIGEST, "other")
    assert store.completed_runs(other.key()) == ()


def test_counts_of_a_run_that_did_not_complete_are_left_out(store):
    failed = run(DIGEST, status=RunStatus.HARNESS_FAILED)
    store.add_run(failed, counts(SOURCE, car=(1, 0, 0)))
    assert store.runs(DIGEST) == (failed,)
    assert store.counts([failed.run_id]).tp.size == 0


@pytest.mark.parametrize("stranger", ["0" * 16, REJECTED])
def test_a_run_with_counts_of_an_unscored_sample_leaves_nothing(store, stranger):
    given = [*counts(SOURCE, car=(1, 0, 0)), *counts(stranger, car=(1, 0, 0))]
    with pytest.raises(DatabaseError, match=stranger):
        store.add_run(run(DIGEST), given)
    assert store.runs(DIGEST) == ()


@pytest.fixture
def judged(store):
    store.add_benchmark(JUDGED_HEADER, JUDGED)
    return store


def test_counts_under_filtered_labels_are_kept_apart(judged):
    record = run(JUDGED_HEADER.digest)
    own, paired = counts(JUDGE, car=(4, 1, 2)), counts(JUDGE, car=(5, 0, 1), other=(0, 0, 0))
    judged.add_run(record, own, paired=paired)
    assert rows(judged.counts([record.run_id])) == [(record.run_id, JUDGE, 1, 4, 1, 2)]
    assert rows(judged.paired_counts([record.run_id])) == [(record.run_id, JUDGE, 1, 5, 0, 1)]
    assert judged.paired_counts(["0" * 12]).tp.size == 0


@pytest.mark.parametrize(
    "stranger",
    [
        next(s.id for s in JUDGED if s.edit is None),
        next(s.id for s in JUDGED if s.accepted and s.edit == EDITS[1]),
        next(s.id for s in JUDGED if not s.accepted),
    ],
    ids=["source", "unfiltered", "rejected"],
)
def test_only_accepted_edits_with_a_filtered_label_have_paired_counts(judged, stranger):
    with pytest.raises(DatabaseError, match=f"{stranger} is not an edit with a filtered label"):
        judged.add_run(run(JUDGED_HEADER.digest), (), paired=counts(stranger, car=(1, 0, 0)))
    assert judged.runs(JUDGED_HEADER.digest) == ()


def test_a_run_without_counts_under_filtered_labels_is_told_from_one_with_nothing_to_count(judged):
    digest = JUDGED_HEADER.digest
    whole, lacking, voided = (run(digest, name) for name in ("whole", "lacking", "voided"))
    failed = run(digest, "failed", status=RunStatus.HARNESS_FAILED)
    own = counts(JUDGE, car=(4, 1, 2))
    judged.add_run(whole, own, paired=counts(JUDGE, car=(0, 0, 6)))
    judged.add_run(lacking, own)
    judged.add_run(voided, counts(SOURCE, car=(1, 0, 0)))  # all of the edit's label was taken
    judged.add_run(failed, own, paired=own)
    assert judged.unpaired_runs(digest) == {lacking.run_id}
    assert judged.paired_counts([failed.run_id]).tp.size == 0
    assert judged.unpaired_runs(DIGEST) == frozenset()


def test_a_run_that_breaks_off_while_counts_arrive_leaves_nothing(store):
    def breaking():
        yield from counts(SOURCE, car=(1, 0, 0))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.add_run(run(DIGEST), breaking())
    assert store.runs(DIGEST) == ()


def test_counts_that_name_a_class_twice_leave_nothing(store):
    twice = [ClassCounts(sample_id=SOURCE, class_id=1, tp=1, fp=0, fn=0)] * 2
    with pytest.raises(DatabaseError, match="Constraint"):
        store.add_run(run(DIGEST), twice)
    assert store.runs(DIGEST) == ()


def test_a_run_is_stored_once(store):
    store.add_run(run(DIGEST), ())
    with pytest.raises(DatabaseError, match="already stored"):
        store.add_run(run(DIGEST), ())


def test_a_run_of_an_unknown_benchmark_is_refused(store):
    with pytest.raises(DatabaseError, match="not stored"):
        store.add_run(run("f" * 64), ())


KILLED = """
import os, sys
from pathlib import Path
sys.path[:0] = sys.argv[2:]
from test_database import DIGEST, HEADER, SAMPLES, SOURCE, counts, run
from harness.store.database import ResultsStore

def dying():
    yield from counts(SOURCE, car=(1, 0, 0))
    os.kill(os.getpid(), 9)

with ResultsStore.open(Path(sys.argv[1])) as store:
    store.add_benchmark(HEADER, SAMPLES)
    store.add_run(run(DIGEST, "whole"), counts(SOURCE, car=(1, 0, 0)))
    store.add_run(run(DIGEST, "half"), dying())
"""


def test_a_killed_writer_leaves_what_it_had_committed_and_no_more(path, project_root):
    here = [str(project_root / "tests" / "unit" / "store"), str(project_root / "tests")]
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, str(path), *here], cwd=project_root, check=False
    )
    assert ended.returncode == -9
    with ResultsStore.open_read_only(path) as store:
        assert [record.submission.name for record in store.runs(DIGEST)] == ["whole"]
        assert store.benchmarks() == (HEADER,)


def test_a_record_of_another_version_is_said_to_be_one(store):
    store._connection.execute("""UPDATE benchmark SET record = '{"later": 1}'""")
    with pytest.raises(DatabaseError, match="BenchmarkHeader that this harness can't read"):
        store.benchmarks()
