"""What `benchmarks.evaluate` runs in processes of their own, because their memory or time is told.

Run as `python -m benchmarks.evaluate_contenders NAME FOLDER`; it prints one JSON object.
"""

import json
import resource
import secrets
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import numpy as np
from PIL import Image

from benchmarks.evaluate_submission import Kind, model_in_process
from harness.dataset.benchmark_folder import BenchmarkFolder
from harness.dataset.image_io import encode_gray_png
from harness.evaluation.evaluate import evaluate
from harness.evaluation.feed import scored_samples
from harness.evaluation.target import EvaluationPlaces, EvaluationTarget
from harness.records.run import RunOutcome, RunRecord, RunStatus, StreamedSample
from harness.records.submission import ContainerLimits, SubmissionManifest
from harness.sandbox.runner import ONLY_CONTAINER, ContainerSlot, PredictionSink, SubmissionRunner

MEMORY = "memory"
_KIB = 1024


class AnsweringRunner:
    """A runner without a container that answers the same for every image and keeps nothing."""

    def __init__(self, prediction_png: bytes) -> None:
        """Answer `prediction_png`."""
        self._png = prediction_png

    def run(
        self,
        image_digest: str,
        samples: Iterable[StreamedSample],
        *,
        limits: ContainerLimits,
        run_id: str,
        on_prediction: PredictionSink,
        slot: ContainerSlot = ONLY_CONTAINER,
    ) -> RunOutcome:
        """Return how it went, as the sandbox would."""
        del image_digest, limits, run_id, slot
        began, answered = time.monotonic(), 0
        for sample in samples:
            on_prediction(sample.id, self._png)
            answered += 1
        return RunOutcome(
            status=RunStatus.COMPLETED,
            startup_seconds=0.0,
            total_seconds=time.monotonic() - began,
            predictions=answered,
        )


@contextmanager
def new_places(benchmark: BenchmarkFolder) -> Iterator[EvaluationPlaces]:
    """Give places on `benchmark` that nothing was evaluated in; they are removed afterwards."""
    with tempfile.TemporaryDirectory() as scratch:
        yield EvaluationPlaces(
            benchmark=benchmark,
            database=Path(scratch) / "results.duckdb",
            runs=Path(scratch) / "runs",
        )


def evaluated(
    target: EvaluationTarget, benchmark: BenchmarkFolder, runner: SubmissionRunner
) -> RunRecord:
    """Return the run of `target`, from nothing to what is stored."""
    with new_places(benchmark) as places:
        return evaluate(
            target,
            places,
            runner=runner,
            engine="measured",
            run_id=secrets.token_hex(6),
            on_scored=lambda _number: None,
        )


def model_alone(benchmark: BenchmarkFolder, kind: Kind) -> dict[str, float]:
    """Return the seconds in which a model is called on every image, as any script would."""
    predict, samples = model_in_process(kind), scored_samples(benchmark)
    began = time.monotonic()
    for sample_id in samples:
        with Image.open(benchmark.image_path(sample_id)) as opened:
            predict(np.array(opened.convert("RGB")))
    return {"seconds": time.monotonic() - began}


def memory(benchmark: BenchmarkFolder) -> dict[str, float]:
    """Return the peak of resident memory of an evaluation whose container answers at once."""
    before = _peak_mib()
    side = next(iter(scored_samples(benchmark).values())).width
    target = EvaluationTarget(
        manifest=SubmissionManifest(
            name="simulated", title="Simulated", authors=("Nobody",), label_space="voc"
        ),
        image_digest="sha256:" + "0" * 64,
        limits=ContainerLimits(),
    )
    began = time.monotonic()
    run = evaluated(
        target, benchmark, AnsweringRunner(encode_gray_png(np.zeros((side, side), np.uint8)))
    )
    return {
        "seconds": round(time.monotonic() - began, 1),
        "images a second": round(run.outcome.predictions / run.outcome.total_seconds),
        "peak MiB before": before,
        "peak MiB": _peak_mib(),
    }


def _peak_mib() -> float:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _KIB, 1)


@click.command()
@click.argument("name", type=click.Choice([MEMORY, Kind.SLEEP.value, Kind.BUSY.value]))
@click.argument("folder", type=click.Path(path_type=Path))
def main(name: str, folder: Path) -> None:
    """Print what the contender NAME has to say of the benchmark in FOLDER."""
    benchmark = BenchmarkFolder(folder)
    said = memory(benchmark) if name == MEMORY else model_alone(benchmark, Kind(name))
    click.echo(json.dumps(said))


if __name__ == "__main__":
    main()
