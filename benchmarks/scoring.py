"""How fast one prediction is scored, beside the two usual ways to do it, in one run.

Run it as `python benchmarks/scoring.py`. The inputs are made up: labels in blocks, as objects
are, predictions that are wrong on a tenth of the pixels.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import click
import numpy as np
from numpy.typing import NDArray

from harness.metrics.confusion import count_classes

IGNORE = 255
BLOCK = 40
Bytes = NDArray[np.uint8]
Totals = tuple[NDArray[np.int64], NDArray[np.int64]]


@dataclass(frozen=True, kw_only=True)
class Contender:
    """One way to get intersections and unions per class."""

    name: str
    """What it is."""
    score: Callable[[Bytes, Bytes, int], Totals]
    """Takes label, prediction and number of classes."""


def harness_counts(label: Bytes, prediction: Bytes, classes: int) -> Totals:
    """Return intersection and union as `harness evaluate` gets them."""
    counts = count_classes(label, prediction, class_ids=tuple(range(classes)), ignore_id=IGNORE)
    return counts.tp[:-1], (counts.tp + counts.fp + counts.fn)[:-1]


def three_histograms(label: Bytes, prediction: Bytes, classes: int) -> Totals:
    """Return intersection and union by mmsegmentation's definition: a histogram each."""
    kept = label != IGNORE
    true, said = label[kept], prediction[kept]
    areas = [np.bincount(ids, minlength=classes) for ids in (said[said == true], said, true)]
    return areas[0], areas[1] + areas[2] - areas[0]


def masked_matrix(label: Bytes, prediction: Bytes, classes: int) -> Totals:
    """Return intersection and union of a confusion matrix over the pixels that are not ignored."""
    kept = label != IGNORE
    joint = label[kept].astype(np.int64) * classes + prediction[kept]
    matrix = np.bincount(joint, minlength=classes**2).reshape(classes, classes)
    hits = matrix.diagonal()
    return hits, matrix.sum(axis=0) + matrix.sum(axis=1) - hits


CONTENDERS = (
    Contender(name="harness.metrics.confusion", score=harness_counts),
    Contender(name="three histograms (mmsegmentation's definition)", score=three_histograms),
    Contender(name="masked confusion matrix", score=masked_matrix),
)


def made_up_pair(width: int, height: int, *, classes: int, seed: int) -> tuple[Bytes, Bytes]:
    """Return a label in blocks with 2 % ignored, and a prediction that errs on 10 %."""
    generator = np.random.default_rng(seed)
    blocks = generator.integers(0, classes, (-(-height // BLOCK), -(-width // BLOCK)))
    objects = np.kron(blocks, np.ones((BLOCK, BLOCK), dtype=np.int64))[:height, :width]
    label = objects.astype(np.uint8)
    wrong = generator.random(label.shape) < 0.1
    prediction = np.where(wrong, generator.integers(0, classes, label.shape), label)
    label[generator.random(label.shape) < 0.02] = IGNORE
    return label, prediction.astype(np.uint8)


def median_milliseconds(
    contender: Contender, pairs: list[tuple[Bytes, Bytes]], *, classes: int
) -> float:
    """Return the median time of one image."""
    times = []
    for label, prediction in pairs:
        start = time.perf_counter()
        contender.score(label, prediction, classes)
        times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times)


@click.command()
@click.option("--width", default=480, show_default=True, help="Image width.")
@click.option("--height", default=360, show_default=True, help="Image height.")
@click.option("--classes", default=21, show_default=True, help="Number of classes.")
@click.option("--images", default=200, show_default=True, help="Images scored in each round.")
@click.option("--rounds", default=3, show_default=True, help="Rounds; the best median counts.")
def main(*, width: int, height: int, classes: int, images: int, rounds: int) -> None:
    """Print the milliseconds an image of each way to score it."""
    pairs = [made_up_pair(width, height, classes=classes, seed=seed) for seed in range(8)]
    for label, prediction in pairs:
        expected = CONTENDERS[1].score(label, prediction, classes)
        for contender in CONTENDERS:
            found = contender.score(label, prediction, classes)
            if not all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True)):
                msg = f"{contender.name} counts otherwise"
                raise click.ClickException(msg)
    work = (pairs * -(-images // len(pairs)))[:images]
    best = dict.fromkeys(CONTENDERS, float("inf"))
    for _ in range(rounds):
        for contender in CONTENDERS:
            median = median_milliseconds(contender, work, classes=classes)
            best[contender] = min(best[contender], median)
    click.echo(f"scoring {width}x{height}, {classes} classes, one thread, same counts from all")
    for contender, milliseconds in best.items():
        click.echo(f"  {contender.name:50s} {milliseconds:7.3f} ms an image")


if __name__ == "__main__":
    main()
