"""What an evaluation keeps in memory hardly grows with its samples (issue 5, point 6)."""

import gc
import tracemalloc
from collections.abc import Iterable

import numpy as np

from benchmarks.evaluate_scenes import write_benchmark
from harness.dataset.image_io import encode_gray_png
from harness.evaluation.evaluate import EvaluationPlaces, EvaluationTarget, evaluate
from harness.records.run import RunOutcome, RunStatus
from harness.records.submission import ContainerLimits, SubmissionManifest
from harness.store.database import ResultsStore

SIDE = 16
SOURCES = 10
FEW, MANY = 1000, 2500
GROWTH_BYTES = 1000
"""A sample of the manifest takes 3,500 as a record, a row of counts 1,000."""
TARGET = EvaluationTarget(
    manifest=SubmissionManifest(name="model", title="M", authors=("A",), label_space="voc"),
    image_digest="sha256:" + "a" * 64,
    limits=ContainerLimits(),
)
ANSWER = encode_gray_png(np.zeros((SIDE, SIDE), np.uint8))


class Answering:
    """A runner that keeps nothing of what it is given."""

    def run(self, _digest, samples: Iterable, *, on_prediction, **_rest):
        """Return how it went, as the sandbox would."""
        for sample in samples:
            on_prediction(sample.id, ANSWER)
        return RunOutcome(status=RunStatus.COMPLETED, exit_code=0, total_seconds=1.0, predictions=0)


def peak_of_evaluating(folder, count):
    """The most memory that an evaluation of `count` samples takes, in bytes."""
    benchmark = write_benchmark(folder / "many", sources=SOURCES, edits=count // SOURCES, side=SIDE)
    places = EvaluationPlaces(
        benchmark=benchmark, database=folder / "results.duckdb", runs=folder / "runs"
    )
    scored = []
    gc.collect()
    tracemalloc.start()
    try:
        evaluate(
            TARGET,
            places,
            runner=Answering(),
            engine="fake 1.0",
            run_id="0123456789ab",
            on_scored=scored.append,
        )
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert sum(scored) == count + SOURCES
    with ResultsStore.open_read_only(places.database) as store:
        counts = store.counts(("0123456789ab",))
    assert len(set(counts.sample.tolist())) == count + SOURCES
    return peak


def test_memory_grows_by_less_than_a_kilobyte_a_sample(tmp_path):
    peak_of_evaluating(tmp_path / "warm", SOURCES)  # imports and caches are not of any sample
    few = peak_of_evaluating(tmp_path / "few", FEW)
    many = peak_of_evaluating(tmp_path / "many", MANY)
    assert (many - few) / (MANY - FEW) < GROWTH_BYTES
