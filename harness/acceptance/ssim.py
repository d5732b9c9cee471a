"""Structural similarity of two images outside a region; nothing of what is accepted."""

import cv2
import numpy as np
from numpy.typing import NDArray

# Wang, Bovik, Sheikh and Simoncelli, "Image quality assessment: from error visibility to structural
# similarity", IEEE TIP 13(4), 2004: section III-B and equation 13, with their own parameters.
SIGMA = 1.5
"""Standard deviation of the Gaussian window, pixels."""
RADIUS = 5
"""The window reaches this far from its centre: 11x11 pixels."""
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2

Plane = NDArray[np.float64]


def background_ssim(
    before: NDArray[np.uint8], after: NDArray[np.uint8], *, touched: NDArray[np.bool_]
) -> float | None:
    """Return the mean SSIM over the windows whose centres lie outside `touched`, -1 to 1.

    Luminance is compared (ITU-R BT.601), and the picture is mirrored at its border. Windows near
    the object hold some of it; as it is the background that is looked at, the edit is given the
    source's own pixels inside `touched` first.

    Args:
        before: The source's RGB pixels, [H, W, 3].
        after: The edit's RGB pixels, of the same shape.
        touched: Where the edit may change pixels, [H, W].

    Returns:
        None where not one pixel outside `touched` differs, or nothing lies outside.
    """
    change = before ^ after
    differs = ((change[..., 0] | change[..., 1] | change[..., 2]) != 0) & ~touched
    if not differs.any():
        return None
    # Where two windows hold the same pixels their SSIM is 1: only those around a difference count.
    height, width = touched.shape
    rows, columns = np.flatnonzero(differs.any(axis=1)), np.flatnonzero(differs.any(axis=0))
    inner = _span(rows, height, RADIUS), _span(columns, width, RADIUS)
    outer = _span(rows, height, 2 * RADIUS), _span(columns, width, 2 * RADIUS)
    old = _luminance(before[outer])
    new = np.where(touched[outer], old, _luminance(after[outer]))
    local = ssim_map(old, new)
    top, left = inner[0].start - outer[0].start, inner[1].start - outer[1].start
    centres = ~touched[inner]
    near = local[top : top + centres.shape[0], left : left + centres.shape[1]]
    outside = int(np.count_nonzero(~touched))
    return float(1.0 - np.sum(1.0 - near[centres]) / outside)


def ssim_map(first: Plane, second: Plane) -> Plane:
    """Return the SSIM of every window of two luminances of 0-255, [H, W], by its centre."""
    mean_1, mean_2 = _blurred(first), _blurred(second)
    product, squares = mean_1 * mean_2, mean_1 * mean_1 + mean_2 * mean_2
    covariance = _blurred(first * second) - product
    variances = _blurred(first * first + second * second) - squares
    luminance = (2 * product + _C1) / (squares + _C1)
    return np.asarray(luminance * ((2 * covariance + _C2) / (variances + _C2)), dtype=np.float64)


def _blurred(plane: Plane) -> Plane:
    size = (2 * RADIUS + 1, 2 * RADIUS + 1)
    blurred = cv2.GaussianBlur(plane, size, SIGMA, borderType=cv2.BORDER_REFLECT)
    return np.asarray(blurred, dtype=np.float64)


def _luminance(image: NDArray[np.uint8]) -> Plane:
    weights = np.array([[0.299, 0.587, 0.114]])
    return np.asarray(cv2.transform(image.astype(np.float64), weights), dtype=np.float64)


def _span(places: NDArray[np.intp], length: int, margin: int) -> slice:
    """Return from the first to the last of `places`, wider by `margin`, inside `length`."""
    return slice(max(0, int(places[0]) - margin), min(length, int(places[-1]) + margin + 1))
