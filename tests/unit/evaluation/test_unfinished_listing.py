"""What was cut off is told of without being touched."""

import pytest
from cut_runs import FIRST, SECOND, CutRuns, Killed

from harness.errors import DatabaseBusyError, RunInterruptedError
from harness.evaluation import part
from harness.evaluation.archive import PredictionArchive
from harness.evaluation.unfinished import UNFINISHED, unfinished_path
from harness.evaluation.unfinished_listing import list_unfinished

LOST = RunInterruptedError("the engine went away", remedy="Start it.")


@pytest.fixture
def runs(tmp_path):
    return CutRuns(folder=tmp_path)


def listed(runs):
    names = {runs.benchmark.header().digest: "tiny"}
    return list_unfinished(runs.runs, benchmarks=names)


def test_nothing_is_unfinished_where_nothing_was_cut(runs):
    assert listed(runs) == ()
    runs.run(runs.runner())
    assert listed(runs) == ()


def test_a_run_that_was_cut_off_is_told_with_what_it_has(runs):
    with pytest.raises(RunInterruptedError):
        runs.run(runs.cut_after(5, LOST))
    with pytest.raises(Killed):
        runs.run(runs.cut_after(2, Killed()))
    path = unfinished_path(runs.runs, runs.target().key_on(runs.benchmark.header()))
    before = path.read_bytes()
    (run,) = listed(runs)
    assert (run.run_id, run.submission, run.benchmark) == (FIRST, "model", "tiny")
    assert (run.predictions, run.parts, run.at_work, run.resumable) == (7, 2, False, True)
    assert run.ending.startswith("killed")
    assert run.seconds >= 0
    assert path.read_bytes() == before
    assert runs.run(runs.runner()).run_id == FIRST
    assert listed(runs) == ()


def test_one_that_a_process_works_on_is_at_work(runs):
    with pytest.raises(RunInterruptedError):
        runs.run(runs.cut_after(5, LOST))
    path = unfinished_path(runs.runs, runs.target().key_on(runs.benchmark.header()))
    with PredictionArchive.open(path):
        (run,) = listed(runs)
        assert (run.at_work, run.ending) == (True, "")
    (run,) = listed(runs)
    assert (run.at_work, run.ending) == (False, "cut off: the engine went away")


def test_only_what_is_stateless_or_waits_to_be_stored_is_gone_on_with(runs, monkeypatch):
    runs.stateless = False
    with pytest.raises(RunInterruptedError):
        runs.run(runs.cut_after(5, LOST))
    (run,) = listed(runs)
    assert not run.resumable

    def busy(*_args, **_given):
        msg = "someone is using it"
        raise DatabaseBusyError(msg, remedy="Wait.")

    monkeypatch.setattr(part.ResultsStore, "add_run", busy)
    with pytest.raises(DatabaseBusyError):
        runs.run(runs.runner(), run_id=SECOND)
    (run,) = listed(runs)
    assert (run.predictions, run.resumable) == (12, True)


def test_an_unknown_benchmark_and_a_strange_file_do_no_harm(runs):
    with pytest.raises(RunInterruptedError):
        runs.run(runs.cut_after(5, LOST))
    (runs.runs / UNFINISHED / "note.txt").write_text("mine")
    (run,) = list_unfinished(runs.runs, benchmarks={})
    assert run.benchmark is None
    assert run.benchmark_digest == runs.benchmark.header().digest


def test_listing_reads_no_prediction_and_tells_what_takes_another_run_to_go_on(runs):
    runs.run(runs.runner())
    with pytest.raises(RunInterruptedError):
        runs.run(runs.cut_after(5, LOST), run_id=SECOND)
    path = unfinished_path(runs.runs, runs.target().key_on(runs.benchmark.header()))
    data = bytearray(path.read_bytes())
    data[data.index(b"IDAT") + 6] ^= 1
    path.write_bytes(data)
    (run,) = listed(runs)
    assert (run.predictions, run.forced) == (5, True)
    path.rename(path.with_suffix(".old"))
    assert listed(runs) == ()
