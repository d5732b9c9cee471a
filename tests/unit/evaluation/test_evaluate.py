"""An evaluation is stored whole, blames the right party, and is not repeated."""

import json

import numpy as np
import pytest
from fakes import STREET, FakeRunner, sample_id, write_tiny_benchmark
from noise_scenes import VIOLET, RedReader, Scenes

from harness.dataset.benchmark_folder import BenchmarkFolder
from harness.dataset.image_io import encode_gray_png
from harness.errors import BenchmarkError, DiskFullError, RunInterruptedError
from harness.evaluation.evaluate import EvaluationPlaces, EvaluationTarget, evaluate, reuse_run
from harness.leaderboard.board import build_board
from harness.records.run import FailureReason, RunStatus
from harness.records.submission import ContainerLimits, SubmissionManifest
from harness.sandbox.hidden_ids import HiddenIds
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
    monkeypatch.setattr(
        "harness.evaluation.evaluate.own_label_space", lambda _manifest, **_: STREET
    )


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


def run(places, runner, *, chosen=None, on_scored=lambda _n: None, run_id="0123456789ab"):
    return evaluate(
        chosen or target(),
        places,
        runner=runner,
        engine="fake 1.0",
        run_id=run_id,
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
    ids = HiddenIds(DIGEST, salt=places.benchmark.header().digest)
    assert runner.seen == sorted(runner.seen, key=ids.hide) != sorted(runner.seen)


def test_the_run_folder_holds_record_and_log(places):
    record = run(places, perfect(places))
    folder = places.runs / record.run_id
    assert json.loads((folder / "run.json").read_text())["image_digest"] == DIGEST
    assert (folder / "log.txt").read_text() == "all well\n"
    assert [path.name for path in places.runs.iterdir()] == [record.run_id]


def test_the_same_key_is_found_and_other_limits_are_another_key(places):
    assert reuse_run(target(), places) is None
    record = run(places, perfect(places))
    found = reuse_run(target(), places)
    assert found is not None
    assert found.run_id == record.run_id
    assert reuse_run(target(memory_mb=4096), places) is None


def test_a_run_that_was_asked_for_again_says_so(places):
    first = run(places, perfect(places))
    second = run(places, perfect(places), run_id="ba9876543210")
    assert (first.forced, second.forced) == (False, True)
    assert [record.forced for record in stored(places)] == [False, True]


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
    assert reuse_run(target(), places) is None


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
    assert reuse_run(target(), places) is None


def test_a_changed_image_stops_the_run_before_it_counts(places):
    path = next((places.benchmark.path / "images").iterdir())
    data = bytearray(path.read_bytes())
    data[-20] ^= 1
    path.write_bytes(data)
    with pytest.raises(BenchmarkError, match=path.stem):
        run(places, perfect(places))
    (record,) = stored(places)
    assert record.outcome.status is RunStatus.HARNESS_FAILED


def test_an_image_that_is_evaluated_again_counts_again(places):
    """A submission that goes back to an earlier image is judged by that image (not run again)."""
    first = run(places, perfect(places))
    wrong = FakeRunner(lambda _key: encode_gray_png(np.zeros((12, 16), np.uint8)))
    other = EvaluationTarget(
        manifest=target().manifest, image_digest="sha256:" + "b" * 64, limits=ContainerLimits()
    )
    run(places, wrong, chosen=other, run_id="ba9876543210")

    def judged_by():
        with ResultsStore.open_read_only(places.database) as store:
            digest = places.benchmark.header().digest
            board = build_board(store, benchmark_digest=digest, resamples=0)
        return [row.run_id for row in (*board.ranked, *board.unranked)]

    assert judged_by() == ["ba9876543210"]
    assert reuse_run(target(), places).run_id == first.run_id
    assert judged_by() == [first.run_id]


def test_nothing_is_left_of_a_run_folder_that_cannot_be_written(places, monkeypatch):
    def full(*_args, **_kwargs):
        raise OSError(28, "No space left on device", "run.json")

    monkeypatch.setattr("pathlib.Path.replace", full)
    with pytest.raises(DiskFullError, match="0123456789ab"):
        run(places, perfect(places))
    assert [path.name for path in places.runs.iterdir()] == [".unfinished"]
    assert len(stored(places)) == 1


def test_a_shortened_manifest_is_refused_before_anything_runs(places):
    manifest = places.benchmark.path / "manifest.jsonl"
    lines = manifest.read_text(encoding="utf-8").splitlines(keepends=True)
    manifest.write_text("".join(lines[:5]), encoding="utf-8")
    runner = perfect(places)
    with pytest.raises(BenchmarkError, match="manifest"):
        run(places, runner)
    assert runner.seen == []


def test_a_changed_label_is_never_scored(places):
    path = next((places.benchmark.path / "labels").iterdir())
    path.write_bytes(encode_gray_png(np.ones((12, 16), np.uint8)))
    answer = encode_gray_png(np.zeros((12, 16), np.uint8))
    with pytest.raises(BenchmarkError, match=path.stem):
        run(places, FakeRunner(lambda _key: answer))
    (record,) = stored(places)
    assert record.outcome.status is RunStatus.HARNESS_FAILED


def test_a_changed_manifest_is_run_anew(places):
    run(places, perfect(places))
    changed = target().manifest.model_copy(update={"class_map": {"car": "bus"}})
    other = EvaluationTarget(manifest=changed, image_digest=DIGEST, limits=ContainerLimits())
    assert reuse_run(other, places) is None
    assert reuse_run(target(), places) is not None


def test_pixels_that_the_noise_filter_took_are_not_scored(tmp_path):
    scenes = Scenes(tmp_path)
    label, whole = [[1, 1, 2, 255]], [[1, 1, 1, 1]]
    source = scenes.add("a", [[8, 8, 8, 8]], label, whole)
    edit = scenes.add("a", [[99, 8, 99, 99]], label, whole, edit=VIOLET)
    scenes.filter(RedReader())  # takes the first pixel of the edit
    places = EvaluationPlaces(
        benchmark=scenes.folder, database=tmp_path / "results.duckdb", runs=tmp_path / "runs"
    )
    answer = encode_gray_png(np.array([[2, 1, 2, 1]], np.uint8))

    record = run(places, FakeRunner(lambda _: answer))

    assert record.outcome.status is RunStatus.COMPLETED
    with ResultsStore.open_read_only(places.database) as store:
        table = store.counts((record.run_id,))
    rows = zip(table.sample, table.class_id, table.tp, table.fp, table.fn, strict=True)
    assert {(table.sample_ids[n], *map(int, counts)) for n, *counts in rows} == {
        (source, 1, 1, 0, 1),
        (source, 2, 1, 1, 0),
        (edit, 1, 1, 0, 0),
        (edit, 2, 1, 0, 0),
    }
