"""Lays brush strokes over an image along its contours; nothing of which medium they are."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from harness.editing.procedural.fields import (
    Field,
    Mask,
    Pixels,
    box_mean,
    f32,
    grid,
    sample_tile,
    unit,
)
from harness.editing.procedural.noise import stretch, value_noise


@dataclass(frozen=True, kw_only=True)
class Brush:
    """One size of brush."""

    spacing: int
    """Pixels between strokes."""
    width: int
    """Thickness in pixels."""
    length: int
    """Length in pixels."""
    wander: float
    """How far a stroke's colour may stray, in grey levels."""


@dataclass(frozen=True, kw_only=True)
class Flow:
    """The direction along which strokes run: a unit vector per pixel."""

    x: Field
    y: Field
    detail: Field
    """How much is going on around a pixel, 0-1."""


@dataclass(frozen=True, kw_only=True)
class Layer:
    """Strokes of one brush, laid over each other."""

    colour: Field
    """Colour of the topmost stroke, 0-255, [H, W, 3]."""
    covered: Mask
    """Where there is a stroke."""
    bristle: Field
    """Streaks along each stroke, 0-1."""
    profile: Field
    """Distance from the stroke's axis, 0 to 1 at its side."""


@dataclass(frozen=True, kw_only=True)
class _Strokes:
    """Strokes in the order in which they are laid."""

    x: NDArray[np.intp]
    y: NDArray[np.intp]
    along_x: Field
    along_y: Field
    colour: Field


def bristles() -> Pixels:
    """Streaks along x: the marks of a brush's hairs."""
    streaks = stretch(value_noise(101, 8, 256) + value_noise(103, 16, 512) * np.float32(0.7))
    return (streaks * np.float32(255)).astype(np.uint8)


def swirl() -> Pixels:
    """Two channels of slow drift, for strokes where the image gives no direction."""
    planes = [value_noise(105, 4, 4), value_noise(107, 4, 4)]
    return (np.stack(planes, -1) * np.float32(255)).astype(np.uint8)


def flow_of(image: Pixels, drift: Pixels, radius: int) -> Flow:
    """Return stroke directions along the image's contours, by its smoothed structure tensor.

    Directions come as doubled-angle vectors and are halved by square roots, without trigonometry.
    """
    grey = cv2.GaussianBlur(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (0, 0), 1.5)
    gx = f32(cv2.Sobel(grey, cv2.CV_16S, 1, 0)) * np.float32(1 / 1024)
    gy = f32(cv2.Sobel(grey, cv2.CV_16S, 0, 1)) * np.float32(1 / 1024)
    everywhere = np.ones(grey.shape, np.bool_)
    half = np.float32(0.5)
    xx, yy = (box_mean(g * g * np.float32(8), everywhere, radius) for g in (gx, gy))
    xy = box_mean(gx * gy * np.float32(4) + half, everywhere, radius) - half
    double_x, double_y = xx - yy, xy * np.float32(4)
    x, y = grid(*grey.shape)
    slow = f32(sample_tile(drift, x, y)) * np.float32(1 / 255) - half
    calm = np.float32(0.004)
    double_x = double_x + slow[..., 0] * calm
    double_y = double_y + slow[..., 1] * calm
    length = np.sqrt(double_x * double_x + double_y * double_y) + np.float32(1e-9)
    cosine = double_x / length
    across_x = np.sqrt(unit((np.float32(1) + cosine) * half))
    across_y = np.sqrt(unit((np.float32(1) - cosine) * half))
    across_y = np.where(double_y < 0, -across_y, across_y)
    return Flow(x=-across_y, y=across_x, detail=_ranked(np.sqrt(xx + yy)))


def _ranked(values: Field) -> Field:
    """Return `values` scaled so that 1 is reached by the busiest twentieth, in a dark scene too."""
    rank = values.size * 19 // 20
    busy = np.partition(values, rank, axis=None)[rank]
    return unit(values / np.maximum(busy, np.float32(1e-3)))


def lay_strokes(
    image: Pixels,
    flow: Flow,
    brush: Brush,
    *,
    random: np.random.Generator,
    least_detail: float,
    hairs: Pixels,
) -> Layer:
    """Return strokes of one brush.

    Args:
        image: Where strokes take their colour.
        flow: Where they run.
        brush: Their size.
        random: Their places, order and colour jitter.
        least_detail: Strokes are laid only where more than this is going on.
        hairs: The tile of `bristles`.
    """
    height, width = image.shape[:2]
    ys, xs = np.mgrid[
        0 : height + brush.spacing : brush.spacing, 0 : width + brush.spacing : brush.spacing
    ]
    jitter = random.integers(-brush.spacing // 2, brush.spacing // 2 + 1, (2, *ys.shape))
    y = np.clip(ys + jitter[0], 0, height - 1).ravel()
    x = np.clip(xs + jitter[1], 0, width - 1).ravel()
    order = random.permutation(y.size)
    y, x = y[order], x[order]
    wanted = flow.detail[y, x] >= np.float32(least_detail)
    y, x = y[wanted], x[wanted]
    along_x, along_y = flow.x[y, x], flow.y[y, x]
    # A stroke strays mostly in brightness, a little in hue.
    stray = f32(random.integers(-8, 9, (y.size, 1))) + f32(random.integers(-3, 4, (y.size, 3)))
    colour = f32(image[y, x]) + stray * np.float32(brush.wander / 8)
    strokes = _Strokes(x=x, y=y, along_x=along_x, along_y=along_y, colour=colour)
    return _spread(_stroke_ids((height, width), strokes, brush), strokes, brush, hairs)


def _stroke_ids(shape: tuple[int, int], strokes: _Strokes, brush: Brush) -> NDArray[np.int32]:
    """Return the number, from 1, of the topmost stroke at each pixel; 0 where there is none."""
    ids = np.zeros(shape, np.int32)
    reach = np.float32(brush.length / 2)
    x, y = strokes.x, strokes.y
    dx = np.rint(strokes.along_x * reach).astype(np.intp)
    dy = np.rint(strokes.along_y * reach).astype(np.intp)
    ends = zip(
        (x - dx).tolist(), (y - dy).tolist(), (x + dx).tolist(), (y + dy).tolist(), strict=True
    )
    for number, (x0, y0, x1, y1) in enumerate(ends, start=1):
        cv2.line(ids, (x0, y0), (x1, y1), number, brush.width)
    return ids


def _spread(ids: NDArray[np.int32], strokes: _Strokes, brush: Brush, hairs: Pixels) -> Layer:
    """Return what each pixel knows of its stroke."""
    covered = ids > 0
    index = np.maximum(ids - 1, 0)
    if strokes.x.size == 0:
        blank = np.zeros(ids.shape, np.float32)
        return Layer(
            colour=np.zeros((*ids.shape, 3), np.float32),
            covered=covered,
            bristle=blank,
            profile=blank,
        )
    px, py = grid(*ids.shape)
    rx, ry = px - f32(strokes.x)[index], py - f32(strokes.y)[index]
    tx, ty = strokes.along_x[index], strokes.along_y[index]
    across = ry * tx - rx * ty
    run = rx * tx + ry * ty
    offset = f32((np.arange(strokes.x.size) * 89) % 512)[index]
    zoom = np.float32(5.0)
    bristle = sample_tile(hairs, run * np.float32(1.3) + offset, across * zoom + offset)
    return Layer(
        colour=strokes.colour[index],
        covered=covered,
        bristle=f32(bristle) * np.float32(1 / 255),
        profile=unit(np.abs(across) * np.float32(2.0 / brush.width)),
    )
