"""The object with its mask and label carried to another box; nothing of what lies behind it."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from harness.editing.editor import EditSource
from harness.editing.geometry.nearest import nearest_pixel
from harness.editing.geometry.placement import Placement, box_of


@dataclass(frozen=True, kw_only=True)
class Layer:
    """The object in its new place, cut to the frame."""

    pixels: NDArray[np.uint8]
    """Full-size RGB, meaningful inside `mask`."""
    mask: NDArray[np.bool_]
    """Its pixels inside the frame."""
    label: NDArray[np.uint8]
    """Full-size class ids, meaningful inside `mask`."""
    visible: float
    """Share of its area inside the frame."""


def carry(source: EditSource, mask: NDArray[np.bool_], to: Placement) -> Layer:
    """Return the object of `mask`, which is not empty, carried to its new place.

    Mask and label go by nearest neighbour. A move leaves every pixel as it is.
    """
    box = box_of(mask)
    cut_mask = mask[box]
    # Beyond the outline the object's own colours go on, so that scaling mixes no background in.
    near_y, near_x = nearest_pixel(cut_mask)
    cut = np.ascontiguousarray(source.image[box][near_y, near_x])
    pick = np.ix_(
        _nearest_index(cut_mask.shape[0], to.height), _nearest_index(cut_mask.shape[1], to.width)
    )
    new_mask, new_label = cut_mask[pick], source.label[box][pick]
    if (to.height, to.width) != cut_mask.shape:
        # Interpolation in fixed point: the same bytes on every CPU.
        larger = cv2.resize(cut, (to.width, to.height), interpolation=cv2.INTER_LINEAR_EXACT)
        cut = np.asarray(larger, dtype=np.uint8)
    return _framed(cut, new_mask, new_label, to=to, shape=source.label.shape)


def _framed(
    cut: NDArray[np.uint8],
    new_mask: NDArray[np.bool_],
    new_label: NDArray[np.uint8],
    *,
    to: Placement,
    shape: tuple[int, ...],
) -> Layer:
    height, width = shape
    y0, y1 = max(0, to.top), min(height, to.top + to.height)
    x0, x1 = max(0, to.left), min(width, to.left + to.width)
    pixels = np.zeros((height, width, 3), np.uint8)
    mask = np.zeros((height, width), np.bool_)
    label = np.zeros((height, width), np.uint8)
    if y0 >= y1 or x0 >= x1:
        return Layer(pixels=pixels, mask=mask, label=label, visible=0.0)
    inner = (slice(y0 - to.top, y1 - to.top), slice(x0 - to.left, x1 - to.left))
    pixels[y0:y1, x0:x1] = cut[inner]
    mask[y0:y1, x0:x1] = new_mask[inner]
    label[y0:y1, x0:x1] = new_label[inner]
    visible = np.count_nonzero(new_mask[inner]) / max(1, int(new_mask.sum()))
    return Layer(pixels=pixels, mask=mask, label=label, visible=visible)


def _nearest_index(size: int, new_size: int) -> NDArray[np.intp]:
    """Return for each new row (or column) the source's row whose centre is nearest."""
    return np.minimum((2 * np.arange(new_size) + 1) * size // (2 * new_size), size - 1)
