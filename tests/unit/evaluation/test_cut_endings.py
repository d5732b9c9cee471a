"""Whatever ends a run - kill, signal, full disk - blames the right party and loses nothing."""

import os
from datetime import UTC, datetime

import pytest
from cut_runs import FIRST, LOST, SAMPLES, SECOND, SIGKILLED, CutRuns, Killed, cut

from harness.errors import (
    BenchmarkError,
    DatabaseBusyError,
    DiskFullError,
    ImageBuildError,
    RunInterruptedError,
    RunStoppedError,
    UnexplainedKillError,
)
from harness.evaluation import archive, part, run_folder
from harness.evaluation.archive import PREDICTIONS_NAME, read_predictions
from harness.evaluation.evaluate import reuse_run
from harness.evaluation.target import EvaluationOptions
from harness.evaluation.unfinished import repair_runs
from harness.records.run import FailureReason, RunStatus
from harness.store.database import ResultsStore


def die(*_args, **_kwargs):
    raise Killed


AFTER_THE_END = [
    (archive.PredictionArchive, "end_run"),
    (ResultsStore, "add_run"),
    (part, "settle"),
    (run_folder, "write_run_folder"),
    (run_folder.Path, "replace"),
    (archive.PredictionArchive, "move_to"),
]


@pytest.mark.parametrize(("where", "name"), AFTER_THE_END, ids=lambda value: str(value)[-20:])
def test_a_kill_while_the_end_is_stored_costs_no_prediction(
    runs, undisturbed, monkeypatch, where, name
):
    with monkeypatch.context() as patch:
        patch.setattr(where, name, die)
        with pytest.raises(Killed):
            runs.run(runs.runner())

    record = reuse_run(runs.target(), runs.places)
    if record is None:
        nothing = runs.runner()
        record = runs.run(nothing, run_id=SECOND)
        assert nothing.seen == []
    assert record.run_id == FIRST
    assert runs.counts(FIRST) == undisturbed
    assert sorted(p.name for p in (runs.runs / FIRST).iterdir()) == [
        "log.txt",
        PREDICTIONS_NAME,
        "run.json",
    ]
    assert len(dict(read_predictions(runs.runs / FIRST / PREDICTIONS_NAME))) == SAMPLES
    assert runs.left() == []
    assert list(runs.stored()) == [FIRST]


def test_a_kill_before_another_run_is_asked_for_loses_neither(runs, monkeypatch):
    """--again does not look for a stored run, so it has to find what the crash left by itself."""
    with monkeypatch.context() as patch:
        patch.setattr(part, "settle", die)
        with pytest.raises(Killed):
            runs.run(runs.runner())
    runs.run(runs.runner(), run_id=SECOND, options=EvaluationOptions(again=True))

    for run_id in (FIRST, SECOND):
        assert len(dict(read_predictions(runs.runs / run_id / PREDICTIONS_NAME))) == SAMPLES
    assert set(runs.stored()) == {FIRST, SECOND}


def test_a_failed_run_whose_folder_is_missing_gets_it(runs, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(part, "settle", die)
        with pytest.raises(Killed):
            runs.run(runs.ending_after(4, SIGKILLED.model_copy(update={"exit_code": 1})))
    repair_runs(runs.runs, database=runs.database, now=datetime.now(UTC))

    assert sorted(p.name for p in (runs.runs / FIRST).iterdir()) == ["log.txt", "run.json"]
    assert runs.left() == []


def test_a_failure_that_could_not_be_stored_is_not_run_again(runs, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(ResultsStore, "add_run", die)
        with pytest.raises(Killed):
            runs.run(runs.ending_after(4, SIGKILLED.model_copy(update={"exit_code": 1})))
    nothing = runs.runner()
    record = runs.run(nothing, run_id=SECOND)

    assert nothing.seen == []
    assert record.outcome.reason is FailureReason.KILLED
    assert record.run_id == FIRST


def test_a_database_in_use_costs_no_prediction(runs, undisturbed, monkeypatch):
    def busy(*_args, **_kwargs):
        msg = "process 7 is using it"
        raise DatabaseBusyError(msg, remedy="Wait.")

    with monkeypatch.context() as patch:
        patch.setattr(ResultsStore, "add_run", busy)
        with pytest.raises(DatabaseBusyError):
            runs.run(runs.runner())
    nothing = runs.runner()
    runs.run(nothing, run_id=SECOND)

    assert nothing.seen == []
    assert "nothing is run again" in runs.notes[-1]
    assert runs.counts(FIRST) == undisturbed


def full(*_args, **_kwargs):
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize(
    ("where", "name", "named"),
    [
        (os, "pwrite", ".predictions"),
        (os, "fdatasync", ".predictions"),
        (run_folder.Path, "write_text", FIRST),
        (run_folder.Path, "replace", FIRST),
        (archive.Path, "rename", PREDICTIONS_NAME),
    ],
)
def test_a_full_disk_is_named_and_the_run_goes_on_later(
    runs, undisturbed, monkeypatch, where, name, named
):
    real = getattr(where, name)
    runner = runs.runner()

    def full_after_three(*args, **kwargs):
        if len(runner.seen) > 3:
            raise OSError(28, "No space left on device")
        return real(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(where, name, full_after_three)
        with pytest.raises(DiskFullError, match=named) as caught:
            runs.run(runner)
    assert "Free some space" in caught.value.remedy

    record = reuse_run(runs.target(), runs.places) or runs.run(runs.runner(), run_id=SECOND)
    assert record.run_id == FIRST
    assert runs.counts(FIRST) == undisturbed
    assert runs.left() == []


def test_what_fails_while_a_cut_is_noted_does_not_hide_it(runs, monkeypatch, caplog):
    def broken(*_args, **_kwargs):
        msg = "the disk is full, writing the database"
        raise DiskFullError(msg, remedy="Free some space.")

    monkeypatch.setattr(ResultsStore, "add_run", broken)
    monkeypatch.setattr(archive.PredictionArchive, "end_part", full)
    with pytest.raises(RunInterruptedError, match="went away"):
        runs.run(runs.cut_after(3, LOST))
    assert "the disk is full" in caplog.text
    assert "No space left" in caplog.text
    monkeypatch.undo()
    assert runs.run(runs.runner()).outcome.status is RunStatus.COMPLETED


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RunStoppedError("stop", remedy="")])
def test_a_stopped_run_says_what_is_kept(runs, error):
    with pytest.raises(RunStoppedError, match=r"^stopped; 5 of 12 images are kept$") as caught:
        runs.run(runs.cut_after(5, error))
    assert caught.value.remedy == "Run the same command again to go on."
    assert runs.stored()[FIRST].outcome.status is RunStatus.HARNESS_FAILED
    record = runs.run(runs.runner())
    assert record.parts[0].ending == "stopped by the user"


def test_a_run_stopped_while_it_is_stored_has_everything_kept(runs, monkeypatch):
    def interrupted(*_args, **_kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ResultsStore, "add_run", interrupted)
        with pytest.raises(RunStoppedError, match="12 of 12"):
            runs.run(runs.runner())
    nothing = runs.runner()
    runs.run(nothing)
    assert nothing.seen == []


@pytest.mark.parametrize("reason", [FailureReason.KILLED, FailureReason.EXIT_CODE])
def test_the_first_sigkill_that_nobody_explains_is_not_blamed_and_the_second_is(runs, reason):
    killed = SIGKILLED.model_copy(update={"reason": reason})
    with pytest.raises(UnexplainedKillError, match="SIGKILL") as caught:
        runs.run(runs.ending_after(3, killed))
    assert "second time" in caught.value.remedy
    assert runs.stored()[FIRST].outcome.status is RunStatus.HARNESS_FAILED

    record = runs.run(runs.ending_after(2, killed), run_id=SECOND)
    assert record.run_id == FIRST
    assert record.outcome.status is RunStatus.SUBMISSION_FAILED
    assert record.outcome.reason is reason
    assert record.outcome.predictions == 5
    assert [p.predictions for p in record.parts] == [3, 2]


def test_a_run_completes_after_a_sigkill_that_nobody_explains(runs, undisturbed):
    with pytest.raises(UnexplainedKillError):
        runs.run(runs.ending_after(3))
    cut(runs, 1)
    runs.run(runs.runner(), run_id=SECOND)
    assert runs.counts(FIRST) == undisturbed


def test_other_signals_and_codes_are_blamed_at_once(runs):
    for code in (1, 139, 143):
        outcome = SIGKILLED.model_copy(update={"exit_code": code})
        record = runs.run(runs.ending_after(3, outcome), run_id=f"{code:012x}")
        assert record.outcome.status is RunStatus.SUBMISSION_FAILED


@pytest.mark.parametrize("answers", [0, 3])
def test_a_kill_is_remembered_where_the_run_begins_anew(tmp_path, answers):
    runs = CutRuns(folder=tmp_path, stateless=False)
    with pytest.raises(UnexplainedKillError):
        runs.run(runs.ending_after(answers))
    record = runs.run(runs.ending_after(answers), run_id=SECOND)
    assert record.outcome.reason is FailureReason.KILLED


def test_an_image_that_cannot_be_run_leaves_nothing(runs):
    with pytest.raises(ImageBuildError):
        runs.run(runs.cut_after(0, ImageBuildError("no command", remedy="Add one.")))
    assert runs.stored() == {}
    assert runs.left() == []


def test_a_prediction_that_is_not_accepted_any_more_fails_the_run(runs, monkeypatch):
    monkeypatch.setattr("harness.evaluation.archive.bounded_png", lambda png: png[:-1])
    cut(runs, 5)
    monkeypatch.undo()
    record = runs.run(runs.runner())
    assert record.outcome.reason is FailureReason.BAD_PREDICTION
    assert record.outcome.sample_id in runs.runner_ids()


def test_a_benchmark_that_is_mended_is_gone_on_with(runs, undisturbed, tmp_path):
    calm, whole = CutRuns(folder=tmp_path / "calm"), runs.runner()
    calm.run(whole)
    path = runs.benchmark.image_path(whole.seen[-1])
    good = path.read_bytes()
    path.write_bytes(good[:-20] + b"x" + good[-19:])
    with pytest.raises(BenchmarkError, match=path.stem):
        runs.run(runs.runner())
    path.write_bytes(good)
    rest = runs.runner()
    runs.run(rest)
    assert len(rest.seen) < SAMPLES
    assert runs.counts(FIRST) == undisturbed
