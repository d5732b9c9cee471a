"""Ranks, their intervals and the Pareto front of any scores; nothing of what the scores are."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.metrics.bootstrap import CONFIDENCE_LEVEL
from harness.metrics.iou import Floats

NOISE_DECIMALS = 9
"""Scores that agree to this many decimals are a tie: sums in another order are no difference."""


@dataclass(frozen=True, kw_only=True)
class RankInterval:
    """The central share of the ranks that resamples gave a submission."""

    best: int
    """The smallest rank in the interval."""
    worst: int
    """The largest rank in the interval."""


def ranks_ascending(scores: Floats) -> NDArray[np.int64]:
    """Return the rank of each score in its row, 1 for the smallest; ties share the smaller rank.

    Args:
        scores: Shape [..., N]. What is not defined (NaN) gets rank 0 and pushes no one down.
    """
    rounded = np.round(scores, NOISE_DECIMALS)
    lower = rounded[..., np.newaxis, :] < rounded[..., :, np.newaxis]
    ranks = 1 + lower.sum(axis=-1, dtype=np.int64)
    return np.where(np.isnan(scores), 0, ranks)


def rank_intervals(resampled_scores: Floats) -> tuple[RankInterval | None, ...]:
    """Return the 95 % interval of each submission's rank; None where it was never ranked.

    Args:
        resampled_scores: Shape [N, B]: one score for each submission and resample, the same
            resample in each column.
    """
    if resampled_scores.shape[1] == 0:
        return (None,) * len(resampled_scores)
    ranks = ranks_ascending(resampled_scores.T).T
    return tuple(_interval(row[row > 0]) for row in ranks)


def _interval(ranks: NDArray[np.int64]) -> RankInterval | None:
    if ranks.size == 0:
        return None
    tail = (1 - CONFIDENCE_LEVEL) / 2
    # A rank is a whole number: take one that occurred, the outer one where two are as near.
    best = np.quantile(ranks, tail, method="lower")
    worst = np.quantile(ranks, 1 - tail, method="higher")
    return RankInterval(best=int(best), worst=int(worst))


def pareto_front(quality: Floats, cost: Floats) -> NDArray[np.bool_]:
    """Return which entries no other beats: at least as good in both and better in one.

    Entries with an undefined quality or cost are not on the front and beat no one.
    """
    known = ~(np.isnan(quality) | np.isnan(cost))
    at_least = (quality[:, np.newaxis] >= quality) & (cost[:, np.newaxis] <= cost)
    strictly = (quality[:, np.newaxis] > quality) | (cost[:, np.newaxis] < cost)
    beaten = (at_least & strictly).any(axis=0)
    front: NDArray[np.bool_] = known & ~beaten
    return front
