"""Intersection over union from a confusion matrix; knows nothing of who predicted."""

import numpy as np
from numpy.typing import NDArray


def intersection_over_union(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return tp / (tp + fp + fn) by class; NaN for a class neither shown nor predicted.

    Args:
        counts: Pixels by true class (rows) and predicted class (columns).
    """
    hits = np.diag(counts)
    union = counts.sum(axis=0) + counts.sum(axis=1) - hits
    undefined = np.full(len(counts), np.nan)
    return np.divide(hits, union, out=undefined, where=union > 0)


def mean_iou(scores: NDArray[np.float64]) -> float:
    """Return the mean over the classes for which the score is defined."""
    return float(np.nanmean(scores))
