"""The paired bootstrap over sources: which are drawn, and intervals of what they give.

Sources are drawn, not samples, because the edits of one source share its objects, its label and
its difficulty: a source drawn twice carries its edits twice (Efron and Tibshirani, 1993, chapters
8 and 13: resample the independent unit; percentile interval). Every submission sees the same
resamples, which makes differences and ranks between submissions valid.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from harness.metrics.iou import Floats

CONFIDENCE_LEVEL = 0.95
DEFAULT_RESAMPLES = 2000
CHUNK_WEIGHTS = 4_000_000
"""Weights that are in memory at once: 32 MB."""


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """The ends of an interval, in the unit of what was resampled."""

    low: float
    """The 2.5 % quantile."""
    high: float
    """The 97.5 % quantile."""


def resampled_weights(sources: int, *, resamples: int, seed: int) -> Iterator[Floats]:
    """Yield how often each source is drawn, in chunks [b, S] of `resamples` rows in all.

    Each row is a draw of `sources` from `sources` with replacement. The rows depend on the
    arguments alone, not on the size of the chunks.
    """
    if sources == 0:
        return
    generator = np.random.default_rng(seed)
    chunk = max(1, CHUNK_WEIGHTS // sources)
    for start in range(0, resamples, chunk):
        rows = min(chunk, resamples - start)
        drawn = generator.integers(sources, size=(rows, sources))
        drawn += np.arange(rows)[:, np.newaxis] * sources
        counts = np.bincount(drawn.ravel(), minlength=rows * sources)
        yield counts.reshape(rows, sources).astype(np.float64)


def percentile_interval(values: Floats) -> Bounds | None:
    """Return the central 95 % of `values` [B] that are defined; None where fewer than two are."""
    known = values[~np.isnan(values)]
    if known.size < 2:
        return None
    tail = (1 - CONFIDENCE_LEVEL) / 2
    low, high = np.quantile(known, (tail, 1 - tail))
    return Bounds(low=float(low), high=float(high))
