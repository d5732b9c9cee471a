"""The edited object laid over its source, pixel by pixel; nothing of how it was edited."""

import cv2
import numpy as np
from numpy.typing import NDArray

FEATHER_PIXELS = 2.0
"""Width of the seam inside the object's outline, for an image of `FEATHER_SIDE`."""
FEATHER_SIDE = 512


def composite(
    source: NDArray[np.uint8], edited: NDArray[np.uint8], mask: NDArray[np.bool_]
) -> NDArray[np.uint8]:
    """Return `source` with `edited` inside `mask`; outside, every pixel is the source's.

    The seam is feathered inwards only: an outline pixel is a mixture, and none outside is touched.

    Args:
        source: RGB, [H, W, 3].
        edited: RGB, of the same shape.
        mask: The object's pixels, [H, W].
    """
    share = seam(mask)[..., None]
    mixed = source + share * (edited.astype(np.float32) - source)
    result = np.rint(mixed).clip(0, 255).astype(np.uint8)
    result[~mask] = source[~mask]
    return result


def seam(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return the share of the edit in each pixel, float32 [H, W]: 0 outside, 1 well inside.

    The image's border is no outline. Parts thinner than the seam still get their full share along
    their middle line, so that a thin object is edited as strongly as a thick one.
    """
    width = max(1.0, FEATHER_PIXELS * max(mask.shape) / FEATHER_SIDE)
    framed = cv2.copyMakeBorder(mask.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    depth = cv2.distanceTransform(framed, cv2.DIST_L2, cv2.DIST_MASK_5)[1:-1, 1:-1]
    if not (~mask).any():
        return np.ones(mask.shape, np.float32)
    reach = cv2.dilate(depth, np.ones((3, 3), np.uint8), iterations=int(np.ceil(width)))
    full = np.minimum(np.maximum(reach, 1.0), width)
    return np.where(mask, np.clip(depth / full, 0.0, 1.0), 0.0).astype(np.float32)
