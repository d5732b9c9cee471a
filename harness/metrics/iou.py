"""IoU and mIoU of pooled counts, for the sample as drawn and for resamples; nothing of edits.

Inside an array NaN stands for "not defined", which NumPy has no other word for; `defined` turns
it into None wherever a number leaves this package.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class PixelCounts:
    """Counts of N images by C classes, kept as what ratios are made of.

    Held as float64, in which sums of counts are exact up to 2^53 pixels, because that is what
    BLAS multiplies.
    """

    hits: Floats
    """Shape [N, C]: true positives."""
    union: Floats
    """Shape [N, C]: true positives, false positives and false negatives."""
    labelled: Floats
    """Shape [N, C]: pixels of the class in the label, true positives and false negatives."""

    @classmethod
    def of(cls, tp: NDArray[np.int64], fp: NDArray[np.int64], fn: NDArray[np.int64]) -> Self:
        """Return the counts of arrays [N, C] of tp, fp and fn."""
        return cls(
            hits=tp.astype(np.float64),
            union=(tp + fp + fn).astype(np.float64),
            labelled=(tp + fn).astype(np.float64),
        )

    def at(self, images: NDArray[np.intp]) -> Self:
        """Return the counts of the images at these positions, in this order."""
        return type(self)(
            hits=self.hits[images], union=self.union[images], labelled=self.labelled[images]
        )

    def then(self, more: Self) -> Self:
        """Return these counts with the images of `more`, of the same classes, after them."""
        return type(self)(
            hits=np.concatenate((self.hits, more.hits)),
            union=np.concatenate((self.union, more.union)),
            labelled=np.concatenate((self.labelled, more.labelled)),
        )

    def pooled(self, weights: Floats) -> Self:
        """Return the counts summed over images, [B, C] for `weights` [B, N]: row by row a sum."""
        # One product over all columns: a third faster than three narrow ones.
        sums = weights @ np.hstack((self.hits, self.union, self.labelled))
        hits, union, labelled = np.split(sums, 3, axis=1)
        return type(self)(hits=hits, union=union, labelled=labelled)


def once_each(images: int) -> Floats:
    """Return the weights [1, N] that pool every image once: the sample as drawn."""
    return np.ones((1, images))


def class_iou(pooled: PixelCounts) -> Floats:
    """Return tp / (tp + fp + fn) per class; NaN where the denominator is 0."""
    return divided(pooled.hits, pooled.union)


def mean_iou(pooled: PixelCounts, classes: NDArray[np.bool_] | None = None) -> Floats:
    """Return the mIoU of each row of `pooled`: the mean of the IoUs of its classes.

    The definition of mmsegmentation's IoUMetric, with two differences (DESIGN.md, Scores): the
    classes are those that occur in the labels, so that the benchmark and not the submission says
    what is averaged, and predictions outside the classes have already cost the true class a fn.

    Args:
        pooled: Counts [B, C].
        classes: Which classes are averaged, [B, C]; None for those that occur in the labels.
    """
    counted = pooled.labelled > 0 if classes is None else classes
    total = np.where(counted, class_iou(pooled), 0.0).sum(axis=-1)
    return divided(total, counted.sum(axis=-1).astype(np.float64))


def pixel_accuracy(pooled: PixelCounts) -> Floats:
    """Return the share of labelled pixels predicted right, for each row of `pooled`."""
    return divided(pooled.hits.sum(axis=-1), pooled.labelled.sum(axis=-1))


def divided(numerator: Floats, denominator: Floats) -> Floats:
    """Return the quotient; NaN where the denominator is 0 or either is not defined."""
    shape = np.broadcast_shapes(numerator.shape, denominator.shape)
    quotient = np.full(shape, np.nan)
    np.divide(numerator, denominator, out=quotient, where=denominator != 0)
    return quotient


def mean_defined(values: Floats) -> Floats:
    """Return the mean over the first axis of what is defined; NaN where nothing is."""
    known = ~np.isnan(values)
    total = np.where(known, values, 0.0).sum(axis=0)
    return divided(total, known.sum(axis=0).astype(np.float64))


def defined(value: float | np.float64) -> float | None:
    """Return `value` as a plain float, or None where it is not defined."""
    return None if np.isnan(value) else float(value)
