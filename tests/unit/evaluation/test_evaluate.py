"""An evaluation is stored whole, blames the right party, and is not repeated."""

import json

import numpy as np
import pytest
from fakes import STREET, FakeRunner, sample_id, write_tiny_benchmark

from harness.dataset.benchmark_folder import BenchmarkFolder
from harness.dataset.image_io import encode_gray_png
from harness.errors import BenchmarkError, RunInterruptedError
from harness.evaluation.evaluate import EvaluationPlaces, EvaluationTarget, evaluate, find_run
from harness.records.run import FailureReason, RunStatus
from harness.records.submission import ContainerLimits, SubmissionManifest
from harness.store.database import ResultsStore

DIGEST = "sha256:" + "a" * 64


@pytest.fixture
def places(tmp_path):
    write_tiny_benchmark(tmp_path / "tiny")
    return EvaluationPlaces(
        benchmark=BenchmarkFolder(tmp_path / "tiny"),
        database=tmp_path / "board" / "results.duckdb",
        runs=tmp_path / "board" / "runs",
    )


@pytest.fixture(autouse=True)
def street(monkeypatch):
    monkeypatch.setattr("harness.evaluation.evaluate.load_label_space", lambda _name: STREET)


def target(**limits):
    manifest = SubmissionManifest(name="model", title="Model", authors=("A",), label_space="street")
    return EvaluationTarget(
        manifest=manifest, image_digest=DIGEST, limits=ContainerLimits(**limits)
    )


def labels(places):
    by_id = {sample.id: sample for sample in places.benchmark.samples()}
    return lambda key: places.benchmark.label(by_id[key])


def perfect(places):
    label = labels(places)
    return FakeRunner(lambda key: encode_gray_png(label(key)))


def run(places, runner, *, chosen=None, on_scored=lambda _n: None):
    return evaluate(
        chosen or target(),
        places,
        runner=runner,
        engine="fake 1.0",
        run_id="0123456789ab",
        on_scored=on_scored,
    )


def stored(places):
    digest = places.benchmark.header().digest
    with ResultsStore.open_read_only(places.database) as store:
        return store.runs(digest)


def test_a_perfect_prediction_gives_no_false_pixel(places):
    scored = []
    runner = perfect(places)
    record = run(places, runner, on_scored=scored.append)
    assert record.outcome.status is RunStatus.COMPLETED
    assert sum(scored) == len(runner.seen) == 4 * 3
    assert [r.run_id for r in stored(places)] == ["0123456789ab"]
    with ResultsStore.open_read_only(places.database) as store:
        counts = store.counts(("0123456789ab",))
    assert counts.fp.sum() == counts.fn.sum() == 0
    assert counts.tp.sum() == 12 * (12 * 16 - 3)


def test_samples_go_out_in_an_order_that_says_nothing(places):
    runner = perfect(places)
    run(places, runner)
    assert runner.seen == sorted(runner.seen)


def test_the_run_folder_holds_record_and_log(places):
    record = run(places, perfect(places))
    folder = places.runs / record.run_id
    assert json.loads((folder / "run.json").read_text())["image_digest"] == DIGEST
    assert (folder / "log.txt").read_text() == "all well\n"
    assert [path.name for path in places.runs.iterdir()] == [record.run_id]


def test_the_same_key_is_found_and_other_limits_are_another_key(places):
    assert find_run(target(), places) is None
    record = run(places, perfect(places))
    found = find_run(target(), places)
    assert found is not None
    assert found.run_id == record.run_id
    assert find_run(target(memory_mb=4096), places) is None


def test_one_bad_prediction_is_the_submissions_fault_and_leaves_no_counts(places):
    label = labels(places)
    bad = sample_id("source 2")
    record = run(
        places,
        FakeRunner(lambda key: b"not a png" if key == bad else encode_gray_png(label(key))),
    )
    assert record.outcome.status is RunStatus.SUBMISSION_FAILED
    assert record.outcome.reason is FailureReason.BAD_PREDICTION
    assert record.outcome.sample_id == bad
    assert "signature" in record.outcome.detail
    with ResultsStore.open_read_only(places.database) as store:
        assert store.counts((record.run_id,)).tp.sum() == 0
    assert find_run(target(), places) is None


def test_a_prediction_of_another_size_is_named(places):
    small = encode_gray_png(np.zeros((3, 5), np.uint8))
    record = run(places, FakeRunner(lambda _key: small))
    assert record.outcome.reason is FailureReason.WRONG_SIZE
    assert "5x3" in record.outcome.detail


def test_a_lost_engine_is_stored_as_ours_and_raised(places):
    runner = perfect(places)
    runner.error = RunInterruptedError("the engine went away", remedy="Start it.")
    with pytest.raises(RunInterruptedError, match="went away"):
        run(places, runner)
    (record,) = stored(places)
    assert record.outcome.status is RunStatus.HARNESS_FAILED
    assert find_run(target(), places) is None


def test_a_changed_image_stops_the_run_before_it_counts(places):
    path = next((places.benchmark.path / "images").iterdir())
    data = bytearray(path.read_bytes())
    data[-20] ^= 1
    path.write_bytes(data)
    with pytest.raises(BenchmarkError, match=path.stem):
        run(places, perfect(places))
    assert stored(places) == ()
