"""How fast `harness evaluate` is beside the same model called in one process, and what it takes.

A model takes 20 ms an image, asleep (as one on a GPU, the processors are free meanwhile) or busy on
one processor. Alone, it is called on each image of the benchmark, read and decoded by Pillow as in
the container, and nothing is scored. Behind the harness the same code runs in a hardened container,
and every prediction is checked, scored, kept and stored; counted are the seconds from the ready
line to the container's end, and the rest of the run apart. Both are run in turn. The empty model
decodes nothing: it shows the most that the harness itself can take. Peak memory is that of a
process that evaluates a simulated run, whose container answers at once.

Run it from the repository's root: `python -m benchmarks.evaluate [--images N] [--part PART]...`. It
needs a container engine and a base image (`harness base-image`), prints one JSON object and leaves
nothing behind.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import click
import docker

from benchmarks.evaluate_contenders import MEMORY, evaluated
from benchmarks.evaluate_scenes import write_benchmark
from benchmarks.evaluate_submission import Kind, built
from harness.dataset.benchmark_folder import BenchmarkFolder
from harness.distribution.local import processors
from harness.errors import SubmissionFailedError
from harness.evaluation.target import EvaluationTarget
from harness.evaluation.worker_plan import plan_workers
from harness.evaluation.workers import ParallelRunner
from harness.records.run import RunStatus
from harness.sandbox.docker_runner import DockerRunner
from harness.sandbox.engine import connect, describe

SMALL, MEDIUM, LARGE = 256, 512, 1024
"""Sides of the images in pixels: PNG files of 0.1, 0.5 and 1.8 MB."""
EDITS = 9
"""Edits of each source: they share its label."""
MEMORY_SIDE = 16


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One run through the harness."""

    seconds: float
    """From the ready line to the end of the container."""
    rest: float
    """What the command takes besides: the container's start, reading the manifest, storing."""


@click.command()
@click.option("--images", default=200, show_default=True, help="Images for the 20 ms models.")
@click.option("--empty-images", default=3000, show_default=True, help="For the empty model.")
@click.option("--repeats", default=3, show_default=True, help="Runs of each; their median counts.")
@click.option(
    "--samples",
    multiple=True,
    type=int,
    default=(1000, 10_000, 100_000),
    help="How many samples are simulated.",
)
@click.option(
    "--part",
    "parts",
    multiple=True,
    type=click.Choice(("overhead", "ceiling", "workers", "memory")),
    help="What is measured, all by default.",
)
def main(
    *,
    images: int,
    empty_images: int,
    repeats: int,
    samples: tuple[int, ...],
    parts: tuple[str, ...],
) -> None:
    """Print overhead, images a second and peak memory."""
    figures: dict[str, object] = {"processors": processors()}
    wanted = parts or ("overhead", "ceiling", "workers", "memory")
    client = connect()
    figures["engine"] = describe(client).summary()
    if "overhead" in wanted:
        figures |= overhead(client, images=images, repeats=repeats)
    if "ceiling" in wanted:
        figures |= ceiling(client, images=empty_images, repeats=repeats)
    if "workers" in wanted:
        figures |= workers(client, images=images, repeats=repeats)
    client.close()
    if "memory" in wanted:
        figures |= peak_memory(samples)
    click.echo(json.dumps(figures, indent=2))


def overhead(client: docker.DockerClient, *, images: int, repeats: int) -> dict[str, object]:
    """Return what the harness adds to models of 20 ms, by kind and size."""
    figures: dict[str, object] = {}
    for kind in (Kind.SLEEP, Kind.BUSY):
        with built(client, kind) as target:
            for side in (SMALL, MEDIUM):
                with tempfile.TemporaryDirectory() as scratch:
                    benchmark = _benchmark(Path(scratch), images=images, side=side)
                    pairs = [
                        (
                            _contender(kind.value, benchmark)["seconds"],
                            _run(client, target, benchmark),
                        )
                        for _ in range(repeats)
                    ]
                alone = [seconds for seconds, _ in pairs]
                behind = [run.seconds for _, run in pairs]
                figures[f"20 ms {kind.value}, {side}x{side}, {images} images"] = {
                    "seconds alone": _rounded(alone),
                    "seconds in the harness": _rounded(behind),
                    "overhead in %": round(
                        100 * (statistics.median(behind) / statistics.median(alone) - 1), 1
                    ),
                    "seconds besides": _rounded([run.rest for _, run in pairs]),
                }
    return figures


def ceiling(client: docker.DockerClient, *, images: int, repeats: int) -> dict[str, object]:
    """Return how many images a second the empty model gets, by size."""
    figures: dict[str, object] = {}
    with built(client, Kind.EMPTY) as target:
        for side, count in ((SMALL, images), (LARGE, images // 10)):
            with tempfile.TemporaryDirectory() as scratch:
                benchmark = _benchmark(Path(scratch), images=count, side=side)
                runs = [_run(client, target, benchmark) for _ in range(repeats)]
            figures[f"empty model, {side}x{side}, images a second"] = [
                round(count / run.seconds) for run in runs
            ]
    return figures


def workers(client: docker.DockerClient, *, images: int, repeats: int) -> dict[str, object]:
    """Return the images a second of one and two containers whose models are asleep."""
    figures: dict[str, object] = {}
    with built(client, Kind.SLEEP) as target, tempfile.TemporaryDirectory() as scratch:
        benchmark = _benchmark(Path(scratch), images=images, side=SMALL)
        for number in (1, 2):
            runs = [_run(client, target, benchmark, workers=number) for _ in range(repeats)]
            figures[f"20 ms sleep, {number} worker{'s' * (number > 1)}, images a second"] = [
                round(images / run.seconds, 1) for run in runs
            ]
    return figures


def peak_memory(samples: tuple[int, ...]) -> dict[str, object]:
    """Return the peak of resident memory by number of simulated samples."""
    figures: dict[str, object] = {}
    for count in samples:
        with tempfile.TemporaryDirectory() as scratch:
            benchmark = _benchmark(Path(scratch), images=count, side=MEMORY_SIDE)
            figures[f"{count} simulated samples"] = _contender(MEMORY, benchmark)
    return figures


def _benchmark(folder: Path, *, images: int, side: int) -> BenchmarkFolder:
    sources = images // (EDITS + 1)
    return write_benchmark(folder / "measured", sources=sources, edits=EDITS, side=side)


def _contender(name: str, benchmark: BenchmarkFolder) -> dict[str, float]:
    command = (sys.executable, "-m", "benchmarks.evaluate_contenders", name, str(benchmark.path))
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    said: dict[str, float] = json.loads(done.stdout)
    return said


def _run(
    client: docker.DockerClient,
    target: EvaluationTarget,
    benchmark: BenchmarkFolder,
    *,
    workers: int = 1,
) -> Measured:
    plan = plan_workers(target.manifest, target.limits, workers=workers)
    began = time.monotonic()
    runner = DockerRunner(client, salt=benchmark.header().digest)
    run = evaluated(target, benchmark, ParallelRunner(runner, plan))
    whole, outcome = time.monotonic() - began, run.outcome
    if outcome.status is not RunStatus.COMPLETED or outcome.startup_seconds is None:
        msg = f"the measured model failed: {outcome.detail}"
        raise SubmissionFailedError(msg, remedy="See why.")
    seconds = outcome.total_seconds - outcome.startup_seconds
    return Measured(seconds=seconds, rest=whole - seconds)


def _rounded(seconds: list[float]) -> list[float]:
    return [round(each, 2) for each in seconds]


if __name__ == "__main__":
    main()
