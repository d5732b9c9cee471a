"""Kept predictions are scored anew as they were scored, or it is said what is missing."""

import shutil
from datetime import UTC, datetime, timedelta
from itertools import islice

import numpy as np
import pytest
from cut_runs import FIRST, SAMPLES, SECOND, SIGKILLED, CutRuns
from fakes import FakeRunner, write_tiny_benchmark

from harness.dataset.image_io import encode_gray_png
from harness.errors import (
    BenchmarkError,
    DatabaseBusyError,
    PredictionRejectedError,
    RunError,
    SubmissionError,
)
from harness.evaluation import kept_scores
from harness.evaluation import rescore as module
from harness.evaluation.archive import PREDICTIONS_NAME, read_predictions
from harness.evaluation.rescore import rescore
from harness.evaluation.target import EvaluationOptions
from harness.evaluation.unfinished import LEFT_HOURS, repair_runs
from harness.leaderboard.board import build_board
from harness.records.run import ClassCounts, FailureReason, RunStatus
from harness.store.database import ResultsStore


@pytest.fixture
def runs(tmp_path):
    return CutRuns(folder=tmp_path)


@pytest.fixture
def run(runs):
    """A completed run."""
    return runs.run(runs.runner())


def score_again(runs, run, *, run_id=SECOND, **manifest):
    scored = []
    done = rescore(
        run,
        runs.places,
        manifest=run.submission.model_copy(update=manifest),
        run_id=run_id,
        on_scored=scored.append,
    )
    assert sum(scored) == SAMPLES
    return done


def kept(runs, run):
    return runs.runs / run.run_id / PREDICTIONS_NAME


def everything(folder):
    return {p.relative_to(folder): p.stat().st_mtime_ns for p in folder.rglob("*")}


def test_equal_counts_write_nothing(runs, run):
    before = everything(runs.runs), runs.database.stat().st_mtime_ns
    done = score_again(runs, run)
    assert (done.run, done.identical) == (run, True)
    assert (done.samples, done.changed_samples) == (SAMPLES, 0)
    assert (everything(runs.runs), runs.database.stat().st_mtime_ns) == before


def test_a_corrected_class_map_scores_otherwise_and_counts_from_now_on(runs, run):
    done = score_again(runs, run, class_map={"car": "bus", "bus": "car"})
    assert (done.identical, done.changed_samples) == (False, SAMPLES)
    anew = runs.stored()[SECOND]
    assert anew == done.run
    assert anew.rescored_from == FIRST
    assert anew.key() == run.key()
    assert anew.outcome == run.outcome
    assert anew.finished_at > run.finished_at
    assert runs.stored()[FIRST] == run
    with ResultsStore.open_read_only(runs.database) as store:
        board = build_board(store, benchmark_digest=run.benchmark_digest, resamples=0)
    (row,) = (*board.ranked, *board.unranked)
    assert row.run_id == SECOND


def test_the_scores_are_those_of_an_evaluation_with_that_class_map(runs, run, tmp_path_factory):
    swapped = {"car": "bus", "bus": "car"}
    score_again(runs, run, class_map=swapped)
    afresh = CutRuns(folder=tmp_path_factory.mktemp("afresh"), class_map=swapped)
    afresh.run(afresh.runner())
    assert runs.counts(SECOND) == afresh.counts(FIRST)
    assert runs.counts(SECOND) != runs.counts(FIRST)


def test_the_new_run_keeps_the_same_predictions_and_can_be_scored_again(runs, run):
    done = score_again(runs, run, class_map={"car": "bus", "bus": "car"})
    assert done.run.predictions_kept
    assert kept(runs, run).samefile(kept(runs, done.run))
    assert (runs.runs / SECOND / "run.json").is_file()
    shutil.rmtree(runs.runs / FIRST)
    assert score_again(runs, done.run, run_id="000000000009").identical
    back = score_again(runs, done.run, run_id="000000000009", class_map={})
    assert back.run.rescored_from == SECOND
    assert runs.counts("000000000009") == runs.counts(FIRST)


def test_predictions_are_copied_where_there_are_no_links(runs, run, monkeypatch):
    def refuse(*_):
        raise OSError(1, "no links here")

    monkeypatch.setattr(module.os, "link", refuse)
    done = score_again(runs, run, class_map={"car": "bus", "bus": "car"})
    assert kept(runs, done.run).read_bytes() == kept(runs, run).read_bytes()
    assert not kept(runs, run).samefile(kept(runs, done.run))


def test_a_manifest_that_reads_otherwise_is_stored_with_the_same_counts(runs, run):
    done = score_again(runs, run, title="A better title")
    assert (done.identical, done.changed_samples) == (False, 0)
    assert runs.stored()[SECOND].submission.title == "A better title"
    assert runs.counts(SECOND) == runs.counts(FIRST)


def test_one_sample_that_counts_otherwise_is_one(runs, run):
    sample_id = runs.runner_ids()[3]
    other = encode_gray_png(np.full((12, 16), 3, np.uint8))
    changed = CutRuns(folder=runs.folder)
    record = changed.run(
        FakeRunner(lambda key: other if key == sample_id else runs.predict(key)),
        run_id=SECOND,
        options=EvaluationOptions(again=True),
    )
    shutil.copy(kept(runs, record), kept(runs, run))
    done = score_again(runs, run, run_id="000000000009")
    assert (done.identical, done.changed_samples) == (False, 1)


def test_a_stored_count_that_is_not_found_again_is_a_change(runs, run):
    own, paired = runs.counts(FIRST)
    assert paired == []
    named = ("sample_id", "class_id", "tp", "fp", "fn")
    rows = [ClassCounts(**dict(zip(named, row, strict=True))) for row in own]
    stray = ClassCounts(sample_id=own[0][0], class_id=-1, tp=0, fp=7, fn=0)
    other = run.model_copy(update={"run_id": SECOND})
    with ResultsStore.open(runs.database) as store:
        store.add_run(other, [*rows, stray])
    shutil.copytree(runs.runs / FIRST, runs.runs / SECOND)
    done = score_again(runs, other, run_id="000000000009")
    assert (done.identical, done.changed_samples) == (False, 1)
    assert runs.counts("000000000009") == runs.counts(FIRST)


def damage(runs, run, keep):
    path = kept(runs, run)
    path.write_bytes(path.read_bytes()[:keep])


def test_a_torn_file_names_how_many_are_missing(runs, run):
    whole = kept(runs, run).stat().st_size
    damage(runs, run, whole // 2)
    left = {name for name, _ in read_predictions(kept(runs, run))}
    missing = sorted(set(runs.runner_ids()) - left)
    assert 0 < len(missing) < SAMPLES
    with pytest.raises(RunError, match=f"^{len(missing)} of the 12 predictions") as refused:
        score_again(runs, run)
    assert missing[0] in str(refused.value)
    assert "--again" in refused.value.remedy
    assert set(runs.stored()) == {FIRST}


def test_one_flipped_bit_is_found(runs, run):
    data = bytearray(kept(runs, run).read_bytes())
    data[data.index(b"IDAT") + 8] ^= 1
    kept(runs, run).write_bytes(data)
    with pytest.raises(RunError, match="missing or damaged"):
        score_again(runs, run)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda path: path.unlink(), "predictions of run 000000000001 are gone"),
        (lambda path: path.write_bytes(b"anything"), "damaged at its begin"),
    ],
)
def test_predictions_that_are_not_there_are_named(runs, run, spoil, says):
    spoil(kept(runs, run))
    with pytest.raises(RunError, match=says):
        score_again(runs, run)


def test_the_predictions_of_another_image_are_refused(runs, run):
    other = run.model_copy(update={"image_digest": "sha256:" + "b" * 64})
    with pytest.raises(RunError, match="another image, benchmark or limits"):
        score_again(runs, other)


def test_a_run_that_kept_nothing_says_so(runs):
    run = runs.run(runs.runner(), options=EvaluationOptions(keep_predictions=False))
    with pytest.raises(RunError, match="kept no predictions"):
        score_again(runs, run)


def test_a_failed_run_has_nothing_to_score(runs):
    ended = SIGKILLED.model_copy(update={"exit_code": 139})
    run = runs.run(runs.ending_after(3, ended))
    assert run.outcome.status is RunStatus.SUBMISSION_FAILED
    with pytest.raises(
        RunError, match=r"did not complete \(submission_failed, killed\)"
    ) as refused:
        score_again(runs, run)
    assert f"harness runs show {FIRST}" in refused.value.remedy


def test_another_build_of_the_benchmark_is_refused(runs, run):
    shutil.rmtree(runs.folder / "tiny")
    write_tiny_benchmark(runs.folder / "tiny", seed=8)
    with pytest.raises(BenchmarkError, match="predicted build"):
        score_again(runs, run)


def test_a_changed_label_is_never_scored(runs, run):
    path = next((runs.folder / "tiny" / "labels").iterdir())
    path.write_bytes(encode_gray_png(np.ones((12, 16), np.uint8)))
    with pytest.raises(BenchmarkError, match=path.stem):
        score_again(runs, run)


def test_a_class_map_of_no_class_is_refused_before_anything_is_scored(runs, run):
    with pytest.raises(SubmissionError, match="'lorry'"):
        score_again(runs, run, class_map={"lorry": "car"})


def test_a_prediction_that_is_refused_by_now_names_its_sample(runs, run, monkeypatch):
    def refuse(_png, **_size):
        raise PredictionRejectedError(FailureReason.BAD_PREDICTION, "no good")

    monkeypatch.setattr("harness.evaluation.scoring.decode_prediction", refuse)
    with pytest.raises(RunError, match=r"refuses the kept prediction of sample .*no good"):
        score_again(runs, run)


def test_nothing_is_left_where_the_scores_cannot_be_stored(runs, run, monkeypatch):
    def busy(*_args, **_given):
        msg = "someone is using it"
        raise DatabaseBusyError(msg, remedy="Wait.")

    monkeypatch.setattr(module.ResultsStore, "add_run", busy)
    with pytest.raises(DatabaseBusyError):
        score_again(runs, run, class_map={"car": "bus", "bus": "car"})
    assert [path.name for path in runs.runs.iterdir()] == [FIRST]
    assert kept(runs, run).is_file()


SWAPPED = {"car": "bus", "bus": "car"}


@pytest.mark.parametrize("stored", [True, False])
def test_a_scoring_that_was_cut_off_while_it_is_stored_is_settled(runs, run, monkeypatch, stored):
    real = module.ResultsStore.add_run

    def cut(*args, **given):
        if stored:
            real(*args, **given)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module.ResultsStore, "add_run", cut)
        with pytest.raises(KeyboardInterrupt):
            score_again(runs, run, class_map=SWAPPED)
    assert sorted(path.name for path in runs.runs.iterdir()) == [".rescored", FIRST]

    now = datetime.now(UTC)
    repair_runs(runs.runs, database=runs.database, now=now)
    assert (runs.runs / SECOND / PREDICTIONS_NAME).is_file() == stored
    assert (runs.left() == []) == stored
    repair_runs(runs.runs, database=runs.database, now=now + timedelta(hours=LEFT_HOURS, minutes=1))
    assert runs.left() == []
    assert (runs.runs / SECOND).is_dir() == stored


def test_a_folder_that_was_never_finished_is_removed_when_it_is_old(runs, run):
    del run
    partial = runs.runs / f".{SECOND}.partial"
    partial.mkdir()
    now = datetime.now(UTC)
    repair_runs(runs.runs, database=runs.database, now=now)
    assert partial.is_dir()
    repair_runs(runs.runs, database=runs.database, now=now + timedelta(hours=LEFT_HOURS, minutes=1))
    assert not partial.exists()


def test_predictions_that_vanish_while_they_are_scored_are_an_error(runs, run, monkeypatch):
    real = kept_scores.read_predictions
    monkeypatch.setattr(kept_scores, "read_predictions", lambda path: islice(real(path), 11))
    with pytest.raises(RunError, match="11 of the 12 predictions"):
        score_again(runs, run)
