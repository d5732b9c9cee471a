"""A run that is cut off at any point goes on, and ends with the scores of an undisturbed one."""

import logging
import os
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from cut_runs import FIRST, LOST, SAMPLES, SECOND, SIGKILLED, THIRD, CutRuns, Killed, cut
from fakes import STREET, FakeRunner
from noise_scenes import VIOLET, RedReader, Scenes

from harness.dataset.image_io import encode_gray_png
from harness.errors import (
    RunBusyError,
    RunInterruptedError,
    RunStoppedError,
)
from harness.evaluation import archive_lock
from harness.evaluation.archive import PREDICTIONS_NAME, read_predictions
from harness.evaluation.evaluate import reuse_run
from harness.evaluation.target import EvaluationOptions
from harness.evaluation.unfinished import STALE_DAYS, repair_runs, unfinished_path
from harness.records.run import RunStatus


@pytest.mark.parametrize("error", [LOST, Killed(), RunStoppedError("stop", remedy="Go on.")])
@pytest.mark.parametrize("answers", [1, 5, SAMPLES - 1])
def test_only_what_is_missing_is_run_and_the_scores_are_the_same(runs, undisturbed, answers, error):
    cut(runs, answers, error)
    scored = []
    rest = runs.runner()
    record = runs.run(rest, run_id=SECOND, on_scored=scored.append)

    assert record.outcome.status is RunStatus.COMPLETED
    assert len(rest.seen) == SAMPLES - answers
    assert len(set(rest.seen)) == len(rest.seen)
    assert sum(scored) == SAMPLES
    assert runs.counts(record.run_id) == undisturbed
    assert record.outcome.predictions == SAMPLES
    assert runs.left() == []


@pytest.mark.parametrize("answers", [1, 2])
def test_sources_are_judged_on_their_edits_pixels_after_a_cut_too(tmp_path, monkeypatch, answers):
    monkeypatch.setattr(
        "harness.evaluation.evaluate.own_label_space", lambda _manifest, **_: STREET
    )
    scenes = Scenes(tmp_path / "scenes")
    label, whole = [[1, 1, 2, 255]], [[1, 1, 1, 1]]
    for name in ("a", "b"):
        scenes.add(name, [[8, 8, 8, 8]], label, whole)
        scenes.add(name, [[99, 8, 99, 99]], label, whole, edit=VIOLET)
    scenes.filter(RedReader())
    answer = encode_gray_png(np.array([[2, 1, 2, 1]], np.uint8))
    found = []
    for name in ("calm", "cut"):
        runs = CutRuns(folder=tmp_path / name)
        runs.benchmark = scenes.folder
        if name == "cut":
            with pytest.raises(RunInterruptedError):
                runs.run(runs.cut_after(answers, LOST, predict=lambda _id: answer))
        runs.run(FakeRunner(lambda _id: answer))
        found.append(runs.counts(FIRST))
    calm, cut_off = found
    assert calm[1]  # rows of paired_count
    assert cut_off == calm


def test_a_run_keeps_its_id_and_tells_of_its_parts(runs):
    cut(runs, 5)
    cut(runs, 3, Killed(), run_id=SECOND)
    record = runs.run(runs.runner(), run_id=THIRD)

    assert record.run_id == FIRST
    assert set(runs.stored()) == {FIRST}
    assert [p.predictions for p in record.parts] == [5, 3, 4]
    assert record.parts[0].ending == "cut off: the engine went away"
    assert record.parts[1].ending.startswith("killed")
    assert record.parts[1].ended_at is None
    assert record.parts[2].ending == "completed"
    assert record.started_at == record.parts[0].started_at
    assert runs.notes == [
        f"resuming run {FIRST}: 5 of 12 images were predicted before it was cut off",
        f"resuming run {FIRST}: 8 of 12 images were predicted before it was cut off",
    ]


def test_an_undisturbed_run_has_no_parts_and_keeps_its_predictions(runs):
    record = runs.run(runs.runner())

    assert record.parts == ()
    assert record.predictions_kept
    kept = dict(read_predictions(runs.runs / FIRST / PREDICTIONS_NAME))
    assert kept == {key: runs.predict(key) for key in runs.runner_ids()}
    assert runs.notes == []


def test_predictions_are_dropped_where_nobody_wants_them(runs):
    record = runs.run(runs.runner(), options=EvaluationOptions(keep_predictions=False))

    assert not record.predictions_kept
    assert sorted(p.name for p in (runs.runs / FIRST).iterdir()) == ["log.txt", "run.json"]
    assert runs.left() == []


def test_a_failed_run_keeps_no_predictions(runs):
    wrong = runs.ending_after(4, SIGKILLED.model_copy(update={"exit_code": 1}))
    record = runs.run(wrong)

    assert record.outcome.status is RunStatus.SUBMISSION_FAILED
    assert not record.predictions_kept
    assert runs.left() == []
    again = runs.runner()
    runs.run(again, run_id=SECOND)
    assert len(again.seen) == SAMPLES


def test_a_run_that_was_cut_off_is_stored_once_until_it_ends(runs):
    for number, answers in enumerate((2, 2, 2)):
        cut(runs, answers, run_id=f"{number:012x}")
        (stored,) = runs.stored().values()
        assert stored.outcome.status is RunStatus.HARNESS_FAILED
        assert stored.outcome.predictions == 2 * (number + 1)
        assert "went away" in stored.outcome.detail
    assert reuse_run(runs.target(), runs.places) is None
    record = runs.run(runs.runner())
    assert {r.outcome.status for r in runs.stored().values()} == {RunStatus.COMPLETED}
    assert [p.predictions for p in record.parts] == [2, 2, 2, 6]


def test_where_nothing_was_predicted_the_run_just_begins(runs):
    cut(runs, 0)
    record = runs.run(runs.runner(), run_id=SECOND)

    assert record.run_id == FIRST
    assert record.parts == ()
    assert runs.notes == []


def test_a_submission_with_a_memory_begins_anew_and_says_why(tmp_path):
    runs = CutRuns(folder=tmp_path, stateless=False)
    cut(runs, 5)
    everything = runs.runner()
    record = runs.run(everything, run_id=SECOND)

    assert record.run_id == FIRST
    assert len(everything.seen) == SAMPLES
    assert record.parts == ()
    (note,) = runs.notes
    assert "5 of 12" in note
    assert "stateless" in note


def test_fresh_throws_away_what_was_predicted_and_that_it_was_cut_off(runs):
    cut(runs, 5)
    everything = runs.runner()
    runs.run(everything, run_id=SECOND, options=EvaluationOptions(fresh=True))

    assert len(everything.seen) == SAMPLES
    (record,) = runs.stored().values()
    assert (record.run_id, record.outcome.status) == (FIRST, RunStatus.COMPLETED)
    assert "--fresh" in runs.notes[0]


def test_again_goes_on_with_a_run_that_again_began(runs):
    again = EvaluationOptions(again=True)
    runs.run(runs.runner())
    cut(runs, 5, run_id=SECOND, options=again)
    record = runs.run(runs.runner(), run_id=THIRD, options=again)

    assert (record.run_id, record.forced) == (SECOND, True)
    assert [p.predictions for p in record.parts] == [5, 7]


def test_again_is_not_answered_with_the_rest_of_a_first_run(runs):
    cut(runs, 5)
    everything = runs.runner()
    record = runs.run(everything, run_id=SECOND, options=EvaluationOptions(again=True))

    assert record.run_id == FIRST
    assert len(everything.seen) == SAMPLES
    assert "--again" in runs.notes[0]


def test_another_class_map_loses_no_prediction(tmp_path, runs):
    cut(runs, 5)
    mapped = CutRuns(folder=tmp_path, class_map={"car": "bus"})
    rest = mapped.runner()
    record = mapped.run(rest, run_id=SECOND)

    assert len(rest.seen) == SAMPLES - 5
    assert record.submission.class_map == {"car": "bus"}
    calm = CutRuns(folder=tmp_path / "calm", class_map={"car": "bus"})
    calm.run(calm.runner())
    assert mapped.counts(FIRST) == calm.counts(FIRST)


def test_other_limits_are_another_run(runs):
    cut(runs, 5)
    everything = runs.runner()
    runs.run(everything, run_id=SECOND, memory_mb=4096)

    assert len(everything.seen) == SAMPLES
    assert runs.left() == [".unfinished"]
    rest = runs.runner()
    runs.run(rest, run_id=THIRD)
    assert len(rest.seen) == SAMPLES - 5


def test_two_at_once_is_an_error_that_names_the_other(runs, monkeypatch):
    monkeypatch.setattr(archive_lock, "LOCK_PATIENCE_SECONDS", 0.0)
    caught = []

    def another(_count):
        if not caught:
            with pytest.raises(RunBusyError) as refused:
                runs.run(runs.runner(), run_id=SECOND)
            caught.append(refused.value)

    record = runs.run(runs.runner(), on_scored=another)
    assert f"process {os.getpid()}" in str(caught[0])
    assert record.outcome.status is RunStatus.COMPLETED


def test_other_keys_run_side_by_side(runs):
    other = []

    def another(_count):
        if not other:
            other.append(None)
            other.append(runs.run(runs.runner(), run_id=SECOND, memory_mb=4096))

    runs.run(runs.runner(), on_scored=another)
    assert set(runs.stored()) == {FIRST, SECOND}
    assert runs.left() == []


def test_what_nobody_goes_on_with_is_given_up_after_a_while(runs, caplog):
    cut(runs, 5)
    path = unfinished_path(runs.runs, runs.target().key_on(runs.benchmark.header()))
    now = datetime.now(UTC)
    repair_runs(runs.runs, database=runs.database, now=now)
    assert path.exists()
    with caplog.at_level(logging.WARNING):
        later = now + timedelta(days=STALE_DAYS + 1)
        repair_runs(runs.runs, database=runs.database, now=later)
    assert not path.exists()
    assert FIRST in caplog.text
    assert runs.left() == []


def test_a_stale_run_that_is_at_work_is_left_alone(runs, monkeypatch):
    monkeypatch.setattr(archive_lock, "LOCK_PATIENCE_SECONDS", 0.0)
    looked = []

    def look(_count):
        if not looked:
            later = datetime.now(UTC) + timedelta(days=STALE_DAYS + 1)
            repair_runs(runs.runs, database=runs.database, now=later)
            looked.append(True)

    runs.run(runs.runner(), on_scored=look)
    assert len(dict(read_predictions(runs.runs / FIRST / PREDICTIONS_NAME))) == SAMPLES


def test_the_board_of_the_runs_is_the_same_however_often_they_were_cut(runs, undisturbed):
    for answers in range(SAMPLES + 1):
        try:
            runs.run(runs.cut_after(1, Killed() if answers % 2 else LOST))
        except (Killed, RunInterruptedError):
            continue
        break
    assert runs.counts(FIRST) == undisturbed
    assert len(runs.stored()[FIRST].parts) > 3
