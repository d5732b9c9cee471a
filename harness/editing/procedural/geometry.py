"""Scales or moves the object with its label and mask, and fills where it stood."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from harness.editing.editor import EditResult
from harness.editing.procedural.fields import (
    Field,
    Mask,
    Pixels,
    f32,
    levels,
    mix,
    resized,
    smoothstep,
    soften,
)
from harness.editing.procedural.layout import Role
from harness.editing.procedural.scene import Scene, nearest_pixel

DEFAULT_AMOUNT = {"larger": 0.25, "smaller": 0.25, "left": 0.15, "right": 0.15}
"""How much an edit scales (of the object's size) or moves (of the image's width) if not told."""

_AIRBORNE = ("bird", "aeroplane", "airplane", "kite")
"""Classes that may hang in the air and throw no shadow at their foot."""


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Where the object's bounding box goes, in pixels; it may lie outside the frame."""

    top: int
    left: int
    height: int
    width: int


def place(mask: Mask, value: str, amount: float) -> Placement:
    """Return the box of the object of `mask` after the edit.

    Scaling keeps the middle of its lower edge, so that it goes on standing where it stood.
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    top, left = int(rows[0]), int(columns[0])
    height, width = int(rows[-1]) + 1 - top, int(columns[-1]) + 1 - left
    if value in ("left", "right"):
        step = round(amount * mask.shape[1])
        return Placement(
            top=top, left=left + (step if value == "right" else -step), height=height, width=width
        )
    scale = 1.0 + amount if value == "larger" else max(0.05, 1.0 - amount)
    new_height, new_width = max(1, round(height * scale)), max(1, round(width * scale))
    return Placement(
        top=top + height - new_height,
        left=left + (width - new_width) // 2,
        height=new_height,
        width=new_width,
    )


@dataclass(frozen=True, kw_only=True)
class _Layer:
    """The object in its new place, cut to the frame."""

    pixels: Pixels
    """Full-size RGB, meaningful inside `mask`."""
    mask: Mask
    """Its pixels inside the frame."""
    label: NDArray[np.uint8]
    """Full-size class ids, meaningful inside `mask`."""
    visible: float
    """Share of its area inside the frame."""


def _nearest_index(size: int, new_size: int) -> NDArray[np.intp]:
    """Return for each new row (or column) the source's row whose centre is nearest."""
    return np.minimum((2 * np.arange(new_size) + 1) * size // (2 * new_size), size - 1)


def _carried(scene: Scene, to: Placement) -> _Layer:
    """Return the object carried to its new place."""
    mask = scene.mask
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    box = (slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1))
    cut_mask = mask[box]
    # Beyond the outline the object's own colours go on, so that scaling mixes no background in.
    near_y, near_x = nearest_pixel(cut_mask)
    cut = np.ascontiguousarray(scene.image[box][near_y, near_x])
    pick = np.ix_(
        _nearest_index(cut_mask.shape[0], to.height), _nearest_index(cut_mask.shape[1], to.width)
    )
    new_mask, new_label = cut_mask[pick], scene.source.label[box][pick]
    if (to.height, to.width) != cut_mask.shape:
        cut = resized(cut, to.width, to.height)
    height, width = mask.shape
    y0, y1 = max(0, to.top), min(height, to.top + to.height)
    x0, x1 = max(0, to.left), min(width, to.left + to.width)
    layer = _Layer(
        pixels=np.zeros_like(scene.image),
        mask=np.zeros_like(mask),
        label=np.zeros_like(scene.source.label),
        visible=0.0,
    )
    if y0 >= y1 or x0 >= x1:
        return layer
    inner = (slice(y0 - to.top, y1 - to.top), slice(x0 - to.left, x1 - to.left))
    layer.pixels[y0:y1, x0:x1] = cut[inner]
    layer.mask[y0:y1, x0:x1] = new_mask[inner]
    layer.label[y0:y1, x0:x1] = new_label[inner]
    visible = np.count_nonzero(new_mask[inner]) / np.count_nonzero(new_mask)
    return _Layer(pixels=layer.pixels, mask=layer.mask, label=layer.label, visible=visible)


def _in_front(scene: Scene, foot: int) -> Mask:
    """Return the pixels of other things whose foot is lower in the image than row `foot`."""
    others = ((scene.roles == Role.THING) & ~scene.mask).astype(np.uint8)
    front = np.zeros(others.shape, np.bool_)
    for class_id in np.unique(scene.source.label[others > 0]):
        same = (scene.source.label == class_id) & (others > 0)
        _, parts, stats, _ = cv2.connectedComponentsWithStats(same.astype(np.uint8))
        feet = stats[:, cv2.CC_STAT_TOP] + stats[:, cv2.CC_STAT_HEIGHT] - 1
        nearer = feet > foot + 2
        nearer[0] = False
        front |= nearer[parts]
    return front


def _shadow(scene: Scene, to: Placement, mask: Mask) -> Field:
    """Return how much the object darkens the ground at its foot, 0-1."""
    if scene.source.object_class in _AIRBORNE or not mask.any():
        return np.zeros(mask.shape, np.float32)
    foot = np.zeros(mask.shape, np.float32)
    start = max(0, to.top + to.height - max(4, to.height // 7))
    foot[start:] = mask[start:]
    drop = max(1, to.height // 40)
    foot = np.roll(foot, drop, axis=0)
    foot[:drop] = 0
    return soften(foot, max(1.0, to.height / 30)) * np.float32(0.5)


def move(scene: Scene, value: str, amount: float | None, strength: float) -> EditResult:
    """Return the scene with its object scaled or moved; label and mask go with it.

    Args:
        scene: The source.
        value: `larger`, `smaller`, `left` or `right`.
        amount: How much; None for the value's default.
        strength: Share of that amount that is applied.
    """
    full = DEFAULT_AMOUNT[value] if amount is None else amount
    to = place(scene.mask, value, full * strength)
    layer = _carried(scene, to)
    covered = layer.mask & ~_in_front(scene, to.top + to.height - 1)
    backdrop = f32(scene.backdrop)
    backdrop = backdrop * (np.float32(1) - _shadow(scene, to, covered))[..., None]
    # Other things get no shadow and stay as they are.
    others = (scene.roles == Role.THING) & ~scene.mask
    backdrop[others] = scene.image[others]
    alpha = smoothstep(soften(covered.astype(np.float32), 0.8), 0.15, 0.8) * covered
    blended = mix(backdrop, f32(layer.pixels), alpha)
    label = scene.vacated_label.copy()
    label[covered] = layer.label[covered]
    return EditResult(
        image=levels(blended),
        label=label,
        mask=covered,
        visible_fraction=layer.visible,
    )
