"""Frees cut-outs of the fringe of their old background; nothing of where they go."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

CORE = 245
"""Coverage (0-255) from which a pixel shows the object alone."""
FRINGE_LOW, FRINGE_HIGH = 40, 235
"""Coverage is stretched from this range to 0-255: the outermost, mixed half pixel goes."""


def clean_cutout(
    rgb: NDArray[np.uint8], alpha: NDArray[np.uint8]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return colours without the old background's fringe, and a matte drawn in by half a pixel."""
    core = np.where(alpha >= CORE, np.uint8(255), np.uint8(0))
    # MinFilter takes the outermost ring away: its colours are mixed even at full coverage.
    inner = np.asarray(Image.fromarray(core).filter(ImageFilter.MinFilter(3)))
    colours = extend_colours(rgb, inner)
    stretched = (alpha.astype(np.float32) - FRINGE_LOW) * (255 / (FRINGE_HIGH - FRINGE_LOW))
    return colours, np.clip(np.rint(stretched), 0, 255).astype(np.uint8)


def extend_colours(rgb: NDArray[np.uint8], core: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return `rgb` with everything outside `core` replaced by colours that grow out of it."""
    result = rgb.copy()
    known = core > 0
    if not known.any():
        return result
    for radius in (1, 2, 4, 8, 16):
        if known.all():
            break
        weight = _blur(np.where(known, np.uint8(255), np.uint8(0)), radius).astype(np.float32)
        reached = (weight > 40) & ~known
        for channel in range(3):
            plane = np.where(known, result[..., channel], np.uint8(0))
            spread = _blur(plane, radius).astype(np.float32) * 255 / np.maximum(weight, 1)
            filled = np.clip(np.rint(spread), 0, 255).astype(np.uint8)
            result[..., channel] = np.where(reached, filled, result[..., channel])
        known |= reached
    return result


def _blur(plane: NDArray[np.uint8], radius: float) -> NDArray[np.uint8]:
    return np.asarray(Image.fromarray(plane).filter(ImageFilter.GaussianBlur(radius)))
