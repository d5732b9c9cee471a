"""What a moved object leaves to be painted, and how it comes back into the picture."""

from dataclasses import dataclass
from typing import assert_never

import cv2
import numpy as np
from numpy.typing import NDArray

from harness.editing.diffusion.canvas import CELL, any_overlap
from harness.editing.diffusion.compositing import composite
from harness.editing.diffusion.geometry_rules import HoleCells, HoleReach
from harness.editing.geometry.moved import MovedObject, ObjectScene
from harness.editing.geometry.vacancy import rim_of, with_traces

DILATION = 5
"""Side in pixels of the square by which the hole is dilated."""


@dataclass(frozen=True, kw_only=True)
class Hole:
    """What is painted anew."""

    core: NDArray[np.bool_]
    """The pixels that show the object or its traces where it no longer is, [H, W]."""
    pixels: NDArray[np.bool_]
    """The core dilated: its edge reaches under the object's new outline, [H, W]."""


def hole_of(scene: ObjectScene, moved: MovedObject, rule: HoleReach) -> Hole:
    """Return what of `scene` has to be painted once its object has moved."""
    match rule:
        case HoleReach.OBJECT:
            core = scene.mask & ~moved.covered
            return Hole(core=core, pixels=_dilated(core))
        case HoleReach.VACATED:
            left = scene.vacancy.pixels & ~moved.covered
            traces = with_traces(left, rim_of(scene.mask)) & ~moved.covered
            core = left | (traces & ~scene.others)
            return Hole(core=core, pixels=_dilated(core) & ~scene.others)
        case _:
            assert_never(rule)


def painted_area(hole: Hole, *, size: tuple[int, int], rule: HoleCells) -> NDArray[np.bool_]:
    """Return what the model is told to paint, as it is or at `size` (height and width)."""
    match rule:
        case HoleCells.NEAREST:
            return hole.pixels
        case HoleCells.ANY_OVERLAP:
            cells = any_overlap(hole.pixels, (size[0] // CELL, size[1] // CELL))
            return cells.repeat(CELL, axis=0).repeat(CELL, axis=1)
        case _:
            assert_never(rule)


def with_object(image: NDArray[np.uint8], moved: MovedObject) -> NDArray[np.uint8]:
    """Return `image` with the object in its new place, its outline sharp."""
    pasted = image.copy()
    pasted[moved.covered] = moved.layer.pixels[moved.covered]
    return pasted


def put_together(
    source: NDArray[np.uint8],
    painted: NDArray[np.uint8],
    *,
    hole: Hole,
    moved: MovedObject,
) -> NDArray[np.uint8]:
    """Return the source with the hole painted and the object over it; the rest is untouched.

    Args:
        source: RGB, [H, W, 3].
        painted: What the model made, of the same shape.
        hole: What is taken of it.
        moved: The object.
    """
    share = _share(hole)[..., None]
    mixed = np.rint(source + share * (painted.astype(np.float32) - source)).astype(np.uint8)
    return composite(mixed, moved.layer.pixels, moved.covered)


def _share(hole: Hole) -> NDArray[np.float32]:
    """Return the model's share in each pixel: 1 in the core, fading out over the dilated rim."""
    framed = cv2.copyMakeBorder(hole.pixels.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    depth = cv2.distanceTransform(framed, cv2.DIST_L2, cv2.DIST_MASK_5)[1:-1, 1:-1]
    fading = np.clip(depth / (DILATION // 2 + 1), 0.0, 1.0)
    return np.where(hole.core, 1.0, np.where(hole.pixels, fading, 0.0)).astype(np.float32)


def _dilated(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    kernel = np.ones((DILATION, DILATION), np.uint8)
    dilated: NDArray[np.bool_] = cv2.dilate(mask.astype(np.uint8), kernel) > 0
    return dilated
