"""Images and masks at the size and in the form that the networks take, and back."""

from dataclasses import dataclass
from typing import assert_never

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from harness.editing.diffusion.presets import CanvasRule, LatentMask, Rounding
from harness.errors import ImageEditError

CELL = 8
"""Pixels a latent cell, on a side."""
MIN_SOURCE_SIDE = 16
"""The least height and width of a source image, in pixels."""
MIN_CANVAS_SIDE = 32
"""The least side that the UNet's three halvings leave anything of: 4 latent cells."""

_SIDES_TRIED = 4
"""A few cells less on the shorter side often meet the aspect exactly."""


@dataclass(frozen=True, kw_only=True)
class Canvas:
    """The size at which an image is edited, in pixels."""

    height: int
    """A multiple of 8."""
    width: int
    """A multiple of 8."""

    @property
    def latent_shape(self) -> tuple[int, int]:
        """Height and width in latent cells."""
        return self.height // CELL, self.width // CELL


def fit_canvas(height: int, width: int, *, native_side: int, rule: CanvasRule) -> Canvas:
    """Return the canvas for an image of `height` x `width` pixels.

    Raises:
        ImageEditError: The image is too small, or too long and narrow to keep its aspect.
    """
    if min(height, width) < MIN_SOURCE_SIDE:
        msg = f"the image is {width} x {height}, under {MIN_SOURCE_SIDE} pixels a side"
        raise ImageEditError(msg, remedy="Give a larger image.")
    match rule:
        case CanvasRule.SQUARE:
            return Canvas(height=native_side, width=native_side)
        case CanvasRule.ASPECT:
            return _with_aspect(height, width, native_side=native_side)
        case _:
            assert_never(rule)


def _with_aspect(height: int, width: int, *, native_side: int) -> Canvas:
    """Return the canvas nearest to the aspect among the largest few of the native area."""
    shorter, longer = sorted((height, width))
    most = int(native_side * (shorter / longer) ** 0.5) // CELL * CELL
    sides = range(most, max(most - _SIDES_TRIED * CELL, 0), -CELL)
    fitting = [
        (side, other)
        for side in sides
        for other in (round(longer * side / shorter / CELL) * CELL,)
        if side * other <= native_side**2
    ]
    if most < MIN_CANVAS_SIDE or not fitting:
        msg = (
            f"the image is {width} x {height}: with its aspect kept, one side would be {most} "
            f"pixels, and the model needs {MIN_CANVAS_SIDE}"
        )
        raise ImageEditError(msg, remedy="Crop the image to a less narrow part.")
    side, other = min(fitting, key=lambda pair: abs(pair[1] / pair[0] * shorter / longer - 1))
    if height <= width:
        return Canvas(height=side, width=other)
    return Canvas(height=other, width=side)


def to_tensor(image: NDArray[np.uint8], canvas: Canvas) -> torch.Tensor:
    """Return `image` [H, W, 3] as float32 [1, 3, h, w] in -1 to 1 at the canvas's size."""
    picture = Image.fromarray(image)
    size = (canvas.width, canvas.height)
    if picture.size != size:
        picture = picture.resize(size, Image.Resampling.BICUBIC)
    levels = np.array(picture, dtype=np.float32).transpose(2, 0, 1)
    return torch.from_numpy(np.ascontiguousarray(levels))[None] / 255 * 2 - 1


def to_levels(
    decoded: torch.Tensor, *, height: int, width: int, rule: Rounding
) -> NDArray[np.uint8]:
    """Return one decoded image [3, h, w] in -1 to 1 as uint8 [height, width, 3]."""
    shares = (decoded.float() / 2 + 0.5).clamp(0, 1) * 255
    match rule:
        case Rounding.TRUNCATED:
            levels = shares
        case Rounding.NEAREST:
            levels = shares.round()
        case _:
            assert_never(rule)
    pixels = levels.to(torch.uint8).permute(1, 2, 0).cpu().numpy()
    picture = Image.fromarray(np.ascontiguousarray(pixels))
    if picture.size != (width, height):
        picture = picture.resize((width, height), Image.Resampling.BICUBIC)
    return np.array(picture, dtype=np.uint8)


def to_latent_mask(
    mask: NDArray[np.bool_], latent_shape: tuple[int, int], *, rule: LatentMask
) -> torch.Tensor:
    """Return `mask` [H, W] as float32 [1, 1, h, w] of 0 and 1 in latent cells."""
    match rule:
        case LatentMask.LANCZOS_HALF:
            picture = Image.fromarray(mask.astype(np.uint8) * np.uint8(255))
            small = picture.resize(latent_shape[::-1], Image.Resampling.LANCZOS)
            cells = np.asarray(small, dtype=np.float32) / 255 >= 0.5
        case LatentMask.ANY_OVERLAP:
            cells = any_overlap(mask, latent_shape)
        case _:
            assert_never(rule)
    return torch.from_numpy(cells.astype(np.float32))[None, None]


def any_overlap(mask: NDArray[np.bool_], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Return which cells of a grid of `shape` over `mask` [H, W] hold a pixel of it."""
    sums = np.zeros((mask.shape[0] + 1, mask.shape[1] + 1), np.int64)
    sums[1:, 1:] = mask.cumsum(axis=0, dtype=np.int64).cumsum(axis=1)
    (top, bottom), (left, right) = (
        _edges(size, cells) for size, cells in zip(mask.shape, shape, strict=True)
    )
    rows = sums[bottom] - sums[top]
    inside: NDArray[np.bool_] = rows[:, right] - rows[:, left] > 0
    return inside


def _edges(size: int, cells: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the first pixel that each cell reaches into, and the first behind it."""
    numbers = np.arange(cells)
    return numbers * size // cells, -(-(numbers + 1) * size // cells)
