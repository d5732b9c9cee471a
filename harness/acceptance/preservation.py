"""What an edit changed where it should and where it should not, without any model's help."""

import numpy as np
from numpy.typing import NDArray

from harness.acceptance.outline import edge_agreement
from harness.acceptance.ssim import background_ssim
from harness.records.acceptance import AcceptanceScores
from harness.records.attributes import Scope

_DECIMALS = 6


def score_edit(
    before: NDArray[np.uint8],
    after: NDArray[np.uint8],
    *,
    scope: Scope,
    touched: NDArray[np.bool_] | None,
    visible_fraction: float | None,
    mask: NDArray[np.bool_] | None = None,
) -> AcceptanceScores:
    """Return what the rule looks at, but for what models say.

    Args:
        before: The source's RGB pixels, [H, W, 3].
        after: The edit's RGB pixels, of the same shape.
        scope: What the edit may change.
        touched: Where it may change pixels, [H, W]: the object, before and after a move; it is
            not looked at for a global edit.
        visible_fraction: The share of a moved object's area inside the image, 0-1.
        mask: Where the object is in the source, [H, W]; None where there is none. Its outline is
            not looked at where the edit moves it.
    """
    # Stays in 8 bits: ten times as fast as signed differences.
    change = np.maximum(before, after) - np.minimum(before, after)
    psnr: float | None = None
    ssim: float | None = None
    if scope is Scope.GLOBAL or touched is None:
        inside = change
    else:
        inside, psnr = change[touched], _psnr(change, outside=~touched)
        ssim = None if psnr is None else background_ssim(before, after, touched=touched)
    stays = None if scope is Scope.GEOMETRY else mask
    agreement = None if stays is None else edge_agreement(before, after, mask=stays)
    return AcceptanceScores(
        object_change=round(float(inside.mean()) / 255 if inside.size else 0.0, _DECIMALS),
        background_psnr=psnr,
        visible_fraction=_rounded(visible_fraction),
        background_ssim=_rounded(ssim),
        edge_agreement=_rounded(agreement),
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DECIMALS)


def _psnr(change: NDArray[np.uint8], *, outside: NDArray[np.bool_]) -> float | None:
    """Return 10·log10(255² / mean squared change) in dB; None where not one pixel differs."""
    differs = (change[..., 0] | change[..., 1] | change[..., 2]) != 0
    changed = change[outside & differs].astype(np.float64)
    squared = float(np.sum(changed**2))
    if squared == 0:
        return None
    mean = squared / (int(np.count_nonzero(outside)) * change.shape[2])
    return round(float(10 * np.log10(255.0**2 / mean)), _DECIMALS)
