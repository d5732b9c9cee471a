"""Which run is gone on with, begun anew or taken for done, and what the user is told of it."""

from itertools import islice

import pytest
from cut_runs import FIRST, SAMPLES, SECOND, THIRD, CutRuns, cut

from harness.errors import DatabaseBusyError, RunInterruptedError, RunStoppedError
from harness.evaluation import kept_scores
from harness.evaluation.evaluate import reuse_run
from harness.evaluation.target import EvaluationOptions
from harness.records.run import RunStatus
from harness.store.database import ResultsStore


def lose_one(monkeypatch):
    """Let the archive give back all but one of its predictions."""
    real = kept_scores.read_predictions

    def short(path):
        return islice(real(path), 1, None)

    monkeypatch.setattr(kept_scores, "read_predictions", short)


def test_a_run_that_lacks_counts_is_never_stored_as_completed(runs, undisturbed, monkeypatch):
    cut(runs, 5)
    with monkeypatch.context() as patch:
        lose_one(patch)
        with pytest.raises(RunInterruptedError, match="only 11 of 12 predictions") as caught:
            runs.run(runs.runner())
    assert "predicted again" in caught.value.remedy
    assert runs.stored()[FIRST].outcome.status is RunStatus.HARNESS_FAILED
    assert runs.run(runs.runner()).outcome.predictions == SAMPLES
    assert runs.counts(FIRST) == undisturbed


@pytest.mark.parametrize(
    "options", [EvaluationOptions(fresh=True), EvaluationOptions(again=True, fresh=True)]
)
def test_a_run_that_ended_is_stored_whatever_is_asked_for(runs, monkeypatch, options):
    def busy(*_args, **_given):
        msg = "someone is using it"
        raise DatabaseBusyError(msg, remedy="Wait.")

    with monkeypatch.context() as patch:
        patch.setattr(ResultsStore, "add_run", busy)
        with pytest.raises(DatabaseBusyError):
            runs.run(runs.runner())
    nothing = runs.runner()
    record = runs.run(nothing, run_id=SECOND, options=options)
    assert (record.run_id, nothing.seen) == (FIRST, [])
    assert [part.ending for part in record.parts] == ["ended, but could not be stored", "completed"]
    assert ("once more to begin another" in runs.notes[-1]) == options.again


@pytest.mark.parametrize(
    ("fresh", "remedy"),
    [
        (True, "Run the same command again without --fresh to go on."),
        (False, "Run the same command again to go on."),
    ],
)
def test_a_stopped_run_says_what_goes_on_with_it(runs, fresh, remedy):
    stopping = runs.cut_after(5, KeyboardInterrupt())
    with pytest.raises(RunStoppedError) as caught:
        runs.run(stopping, options=EvaluationOptions(fresh=fresh))
    assert caught.value.remedy == remedy


def test_one_that_is_not_stateless_begins_nothing_anew_once_it_has_ended(tmp_path, monkeypatch):
    runs = CutRuns(folder=tmp_path, stateless=False)

    def interrupted(*_args, **_given):
        raise KeyboardInterrupt

    monkeypatch.setattr(ResultsStore, "add_run", interrupted)
    for _ in range(2):
        with pytest.raises(RunStoppedError, match="12 of 12") as caught:
            runs.run(runs.runner())
        assert "nothing is run again" in caught.value.remedy


def test_again_goes_on_with_a_run_that_followed_a_completed_one(runs):
    runs.run(runs.runner())
    cut(runs, 5, run_id=SECOND)
    rest = runs.runner()
    record = runs.run(rest, run_id=THIRD, options=EvaluationOptions(again=True))
    assert (record.run_id, len(rest.seen)) == (SECOND, SAMPLES - 5)


def test_a_run_without_a_wall_is_neither_reused_nor_resumed_by_one_with_all(runs):
    waiving = EvaluationOptions(waived=("swap", "memory"))
    cut(runs, 5, options=waiving)
    everything = runs.runner()
    assert runs.run(everything, run_id=SECOND).waived == ()
    assert len(everything.seen) == SAMPLES
    assert "memory, swap" in runs.notes[-1]

    other = runs.run(runs.runner(), run_id=THIRD, options=waiving, memory_mb=4096)
    assert other.waived == ("memory", "swap")
    target = runs.target(memory_mb=4096)
    assert reuse_run(target, runs.places) is None
    assert reuse_run(target, runs.places, waived=("memory",)) is None
    assert reuse_run(target, runs.places, waived=waiving.waived) == other
    strict = reuse_run(runs.target(), runs.places, waived=("pids",))
    assert strict is not None
    assert strict.run_id == FIRST


def test_the_run_with_this_manifest_is_reused_though_another_came_later(runs):
    first = runs.run(runs.runner())
    mapped = CutRuns(folder=runs.folder, class_map={"car": "bus"})
    notes = []
    assert reuse_run(mapped.target(), mapped.places, on_note=notes.append) is None
    (note,) = notes
    assert f"`harness rescore {FIRST} --submission FOLDER`" in note
    mapped.run(mapped.runner(), run_id=SECOND)
    assert reuse_run(runs.target(), runs.places, on_note=notes.append) == first
    assert len(notes) == 1
