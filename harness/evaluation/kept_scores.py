"""Scores what was predicted before through the scorer that takes what is predicted now."""

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.dataset.benchmark_folder import BenchmarkFolder
from harness.evaluation.archive import read_predictions
from harness.evaluation.label_cache import LabelCache
from harness.evaluation.sample_table import SampleTable
from harness.evaluation.scoring import Scorer, keep_nothing


def scorer_on(
    benchmark: BenchmarkFolder,
    samples: SampleTable,
    *,
    table: NDArray[np.uint16],
    on_scored: Callable[[int], None],
    on_counted: Callable[[str, bytes], None] = keep_nothing,
) -> Scorer:
    """Return what scores `samples` by the labels of `benchmark`; the rest is as of `Scorer`.

    Raises:
        BenchmarkError: The benchmark is not built.
    """
    return Scorer(
        samples,
        read_label=LabelCache(benchmark).read,
        label_space=benchmark.header().label_space,
        table=table,
        on_scored=on_scored,
        on_counted=on_counted,
    )


def score_kept(path: Path, wanted: Iterable[str], scorer: Scorer) -> frozenset[str]:
    """Give the predictions kept at `path` to `scorer`, each sample's first; return what is missing.

    Args:
        path: An archive.
        wanted: The samples whose predictions are scored; others are passed over.
        scorer: Takes them. It may have some left to score when this returns.

    Raises:
        RejectedSampleError: A prediction was refused.
        OSError: The archive can't be read.
    """
    waiting = set(wanted)
    if not waiting:
        return frozenset()
    for sample_id, png in read_predictions(path):
        if sample_id in waiting:
            waiting.remove(sample_id)
            scorer.accept(sample_id, png)
    return frozenset(waiting)
