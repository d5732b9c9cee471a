"""Whether an object's outline is still an edge after the edit; nothing of what is accepted."""

import cv2
import numpy as np
from numpy.typing import NDArray

MIN_GRADIENT = 8.0
"""Grey levels a pixel, in the channel where it is greatest, from which on there is an edge: a step
of 16 levels, which central differences see as 8 on either side."""
TOLERANCE = 2
"""How far from the outline its edge may lie, pixels: labels are drawn by hand."""
_MARGIN = TOLERANCE + 1
_SOBEL_SUM = 8
"""What Sobel's 3x3 kernel makes of a slope of one level a pixel."""


def edge_agreement(
    before: NDArray[np.uint8], after: NDArray[np.uint8], *, mask: NDArray[np.bool_]
) -> float | None:
    """Return the share of the outline's visible edge that is one in the edit too, 0-1.

    The outline is the mask's pixels that have one of their four neighbours outside it; where the
    object is cut off by the picture's border there is none. Of it, those pixels count that have an
    edge of the source within TOLERANCE, and of these the share is returned that have one of the
    edit there. An edge is a pixel whose colour changes by MIN_GRADIENT in one of the channels, so
    that an object which takes its surroundings' brightness but not their colour keeps its outline.

    Args:
        before: The source's RGB pixels, [H, W, 3].
        after: The edit's RGB pixels, of the same shape.
        mask: Where the object is in both, [H, W].

    Returns:
        None where there is no outline, or none that the source shows.
    """
    box = _box_of(mask)
    if box is None:
        return None
    seen = (_outline(mask[box]) & _edges(before[box])).astype(np.bool_)
    count = int(np.count_nonzero(seen))
    if count == 0:
        return None
    return int(np.count_nonzero(_edges(after[box])[seen])) / count


def _box_of(mask: NDArray[np.bool_]) -> tuple[slice, slice] | None:
    """Return the object's box with room for what decides about its outline."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if rows.size == 0:
        return None
    return _wider(rows), _wider(columns)


def _wider(places: NDArray[np.intp]) -> slice:
    return slice(max(0, int(places[0]) - _MARGIN), int(places[-1]) + _MARGIN + 1)


def _outline(mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    solid = mask.astype(np.uint8)
    # Beyond the picture erode sees nothing that erodes, so its border makes no outline.
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    core = np.asarray(cv2.erode(solid, cross), dtype=np.uint8)
    return solid - core


def _edges(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return 1 where an edge lies within TOLERANCE in both directions, [H, W]."""
    least = np.float32((_SOBEL_SUM * MIN_GRADIENT) ** 2)
    found = np.zeros(image.shape[:2], np.bool_)
    for channel in cv2.split(image):
        across = cv2.Sobel(channel, cv2.CV_32F, 1, 0)
        down = cv2.Sobel(channel, cv2.CV_32F, 0, 1)
        found |= across * across + down * down >= least
    reach = np.ones((2 * TOLERANCE + 1, 2 * TOLERANCE + 1), np.uint8)
    return np.asarray(cv2.dilate(found.astype(np.uint8), reach), dtype=np.uint8)
