"""Which edits are kept: how much changed where it should, and where it should not."""

import numpy as np
from numpy.typing import NDArray

from harness.records.acceptance import AcceptanceRule, AcceptanceScores, RejectionReason
from harness.records.attributes import Scope

_DECIMALS = 6


def score_edit(
    before: NDArray[np.uint8],
    after: NDArray[np.uint8],
    *,
    scope: Scope,
    touched: NDArray[np.bool_] | None,
    visible_fraction: float | None,
) -> AcceptanceScores:
    """Return what the rule looks at.

    Args:
        before: The source's RGB pixels, [H, W, 3].
        after: The edit's RGB pixels, of the same shape.
        scope: What the edit may change.
        touched: Where it may change pixels, [H, W]: the object, before and after a move; it is
            not looked at for a global edit.
        visible_fraction: The share of a moved object's area inside the image, 0-1.
    """
    # Stays in 8 bits: ten times as fast as signed differences.
    change = np.maximum(before, after) - np.minimum(before, after)
    if scope is Scope.GLOBAL or touched is None:
        inside, background_psnr = change, None
    else:
        inside, background_psnr = change[touched], _psnr(change, outside=~touched)
    object_change = float(inside.mean()) / 255 if inside.size else 0.0
    return AcceptanceScores(
        object_change=round(object_change, _DECIMALS),
        background_psnr=background_psnr,
        visible_fraction=None if visible_fraction is None else round(visible_fraction, _DECIMALS),
    )


def judge(
    scores: AcceptanceScores, rule: AcceptanceRule, *, scope: Scope
) -> RejectionReason | None:
    """Return why the edit is rejected, or None where it is kept."""
    visible = scores.visible_fraction
    if scope is Scope.GEOMETRY and visible is not None and visible < rule.min_visible_fraction:
        return RejectionReason.OUT_OF_FRAME
    if scores.object_change < rule.min_object_change:
        return RejectionReason.UNCHANGED
    least, psnr = rule.min_background_psnr, scores.background_psnr
    if scope is Scope.LOCAL and psnr is not None and (least is None or psnr < least):
        return RejectionReason.BACKGROUND_CHANGED
    return None


def _psnr(change: NDArray[np.uint8], *, outside: NDArray[np.bool_]) -> float | None:
    """Return 10·log10(255² / mean squared change) in dB; None where not one pixel differs."""
    differs = (change[..., 0] | change[..., 1] | change[..., 2]) != 0
    changed = change[outside & differs].astype(np.float64)
    squared = float(np.sum(changed**2))
    if squared == 0:
        return None
    mean = squared / (int(np.count_nonzero(outside)) * change.shape[2])
    return round(float(10 * np.log10(255.0**2 / mean)), _DECIMALS)
