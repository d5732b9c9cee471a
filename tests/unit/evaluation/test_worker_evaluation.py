"""A whole evaluation by several containers: the scores of one, and blame where it belongs."""

import threading

import numpy as np
import pytest
from fakes import STREET, FakeRunner, write_tiny_benchmark
from worker_fakes import Stage, answer_all, until_stopped, wait_for

from harness.dataset.benchmark_folder import BenchmarkFolder
from harness.dataset.image_io import encode_gray_png
from harness.evaluation.evaluate import evaluate
from harness.evaluation.target import EvaluationOptions, EvaluationPlaces, EvaluationTarget
from harness.evaluation.worker_plan import WorkerPlan
from harness.evaluation.workers import ParallelRunner
from harness.records.run import FailureReason, RunStatus
from harness.records.submission import ContainerLimits, SubmissionManifest
from harness.store.database import ResultsStore

TARGET = EvaluationTarget(
    manifest=SubmissionManifest(name="m", title="M", authors=("A",), label_space="street"),
    image_digest="sha256:" + "a" * 64,
    limits=ContainerLimits(),
)


@pytest.fixture
def folder(tmp_path):
    write_tiny_benchmark(tmp_path / "tiny", sources=30)
    return BenchmarkFolder(tmp_path / "tiny")


def predict(sample_id):
    """A prediction that depends on nothing but the sample."""
    generator = np.random.default_rng(int(sample_id, 16))
    classes = len(STREET.classes)
    return encode_gray_png(generator.integers(0, classes, (12, 16)).astype(np.uint8))


def run(folder, place, runner, *, workers):
    places = EvaluationPlaces(benchmark=folder, database=place / "r.duckdb", runs=place / "runs")
    record = evaluate(
        TARGET,
        places,
        runner=runner,
        engine="none",
        run_id="0123456789ab",
        on_scored=lambda _count: None,
        options=EvaluationOptions(workers=workers),
    )
    with ResultsStore.open_read_only(places.database) as store:
        table = store.counts([record.run_id])
    rows = zip(table.sample.tolist(), table.class_id.tolist(), table.tp.tolist(), strict=True)
    return record, sorted(rows)


def predicting(samples, sink, _slot):
    class Predicted:
        """A sink that is given predictions in place of the images."""

        def __call__(self, sample_id, _png):
            sink(sample_id, predict(sample_id))

    return answer_all(samples, Predicted(), None)


def test_several_containers_have_the_scores_of_one(folder, tmp_path):
    together = ParallelRunner(
        Stage(dict.fromkeys(range(3), predicting)), WorkerPlan(gpu_ids=((), (), ())), samples=90
    )

    record, rows = run(folder, tmp_path / "three", together, workers=3)
    alone, expected = run(folder, tmp_path / "one", FakeRunner(predict), workers=1)

    assert (record.outcome.status, record.outcome.predictions) == (RunStatus.COMPLETED, 90)
    assert (record.workers, alone.workers) == (3, 1)
    assert rows == expected != []


def test_a_wrong_prediction_is_blamed_on_its_sample_and_container(folder, tmp_path):
    answered = threading.Event()
    wrong = []

    def wrong_once(samples, sink, slot):
        sample = next(samples)
        wrong.append(sample.id)
        sink(sample.id, encode_gray_png(np.zeros((3, 3), np.uint8)))
        answered.set()
        return until_stopped(samples, sink, slot)

    def right(samples, sink, slot):
        wait_for(answered)
        outcome = predicting(samples, sink, slot)
        assert outcome.status is RunStatus.SUBMISSION_FAILED  # scoring found it while this worked
        return outcome

    runner = ParallelRunner(Stage({0: wrong_once, 1: right}), WorkerPlan(gpu_ids=((), ())))
    record, rows = run(folder, tmp_path / "board", runner, workers=2)

    assert record.outcome.reason is FailureReason.WRONG_SIZE
    assert record.outcome.sample_id == wrong[0]
    assert record.outcome.detail.endswith("(worker 1 of 2)")
    assert rows == []
