"""Tileable procedural noise, the same on every machine; nothing of what it is painted on."""

import cv2
import numpy as np
from numpy.typing import NDArray

from harness.editing.procedural.fields import TILE, Field, Mask, f32, generator, soften, unit


def value_noise(seed: int, cells_x: int, cells_y: int) -> Field:
    """Return smooth tileable noise of 0-1, [TILE, TILE].

    `cells_x` and `cells_y`, its lattice, are powers of two.
    """
    lattice = generator(seed).integers(0, 65536, (cells_y, cells_x), dtype=np.uint16)
    pad_x, pad_y = min(2, cells_x), min(2, cells_y)
    wrapped = np.pad(lattice, ((pad_y, pad_y), (pad_x, pad_x)), mode="wrap")
    step_x, step_y = TILE // cells_x, TILE // cells_y
    # A cell is smoothed at 8 pixels a side at most, then enlarged: much faster, and as smooth.
    small_x, small_y = min(8, step_x), min(8, step_y)
    fine = _enlarged(wrapped, small_x, small_y)
    if small_x > 1 or small_y > 1:
        sigma_x, sigma_y = max(0.3, 0.35 * small_x), max(0.3, 0.35 * small_y)
        blurred = cv2.GaussianBlur(fine, (0, 0), sigma_x, sigmaY=sigma_y)
        fine = np.asarray(blurred, dtype=np.uint16)
    fine = _enlarged(fine, step_x // small_x, step_y // small_y)
    top, left = pad_y * step_y, pad_x * step_x
    return f32(fine[top : top + TILE, left : left + TILE]) * np.float32(1 / 65535)


def _enlarged(values: NDArray[np.uint16], times_x: int, times_y: int) -> NDArray[np.uint16]:
    size = (values.shape[1] * times_x, values.shape[0] * times_y)
    return np.asarray(
        cv2.resize(values, size, interpolation=cv2.INTER_LINEAR_EXACT), dtype=np.uint16
    )


def stretch(values: Field) -> Field:
    """Return `values` with their 1st and 99th percentile moved to 0 and 1."""
    count = values.size
    ordered = np.partition(values, (count // 100, count - 1 - count // 100), axis=None)
    low, high = ordered[count // 100], ordered[count - 1 - count // 100]
    return unit((values - low) / np.maximum(high - low, np.float32(1e-6)))


def fractal(seed: int, cells_x: int, cells_y: int, octaves: int) -> Field:
    """Return the sum of `octaves` noises, each twice as fine and half as strong, of 0-1."""
    total = np.zeros((TILE, TILE), np.float32)
    weight = np.float32(1)
    for octave in range(octaves):
        fine_x, fine_y = min(cells_x << octave, TILE), min(cells_y << octave, TILE)
        total += value_noise(seed * 31 + octave, fine_x, fine_y) * weight
        weight *= np.float32(0.5)
    return stretch(total)


def ridges(seed: int, cells: int, octaves: int) -> Field:
    """Return thin bright ridges on dark ground: where smooth noise crosses its middle."""
    noise = fractal(seed, cells, cells, octaves)
    return unit(np.float32(1) - np.abs(noise - np.float32(0.5)) * np.float32(2))


def cells(seed: int, count: int) -> tuple[Field, Field]:
    """Return a tileable Voronoi diagram: a random value of each cell, and the distance to its edge.

    The distance is in pixels.
    """
    random = generator(seed)
    side = max(1, int(count**0.5))
    step = TILE / side
    grid_y, grid_x = np.divmod(np.arange(side * side), side)
    xs = ((grid_x + 0.1 + 0.8 * random.random(side * side)) * step).astype(np.intp) % TILE
    ys = ((grid_y + 0.1 + 0.8 * random.random(side * side)) * step).astype(np.intp) % TILE
    seeds = np.ones((TILE, TILE), np.uint8)
    seeds[ys, xs] = 0
    ids = np.zeros((TILE, TILE), np.int32)
    ids[ys, xs] = np.arange(1, side * side + 1)
    margin = min(TILE, int(3 * step))
    wrapped = np.pad(seeds, margin, mode="wrap")
    _, nearest = cv2.distanceTransformWithLabels(
        wrapped, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    ids_wrapped = np.pad(ids, margin, mode="wrap")
    lookup = np.zeros(int(nearest.max()) + 1, np.int32)
    lookup[nearest[wrapped == 0]] = ids_wrapped[wrapped == 0]
    owner = lookup[nearest]
    edge: Mask = (owner != np.roll(owner, 1, 0)) | (owner != np.roll(owner, 1, 1))
    distance, _ = cv2.distanceTransformWithLabels((~edge).astype(np.uint8), cv2.DIST_L2, 5)
    inner = (slice(margin, margin + TILE), slice(margin, margin + TILE))
    tones = np.concatenate([[0], random.random(side * side)]).astype(np.float32)
    return tones[owner[inner]], f32(distance[inner])


def speckle(seed: int) -> Field:
    """Return white noise of 0-1, [TILE, TILE]."""
    return generator(seed).random((TILE, TILE), dtype=np.float32)


def soft_tile(values: Field, sigma: float) -> Field:
    """Return a tile blurred without a seam."""
    margin = min(TILE, int(4 * sigma) + 2)
    wrapped = np.pad(values, margin, mode="wrap")
    return soften(wrapped, sigma)[margin : margin + TILE, margin : margin + TILE]


def emboss(height: Field, depth: float) -> Field:
    """Return the light, around 1, that a tile with this relief gets from the upper left."""
    slope = (height - np.roll(height, 1, 1)) + (height - np.roll(height, 1, 0))
    return f32(np.clip(np.float32(1) + slope * np.float32(depth), 0.4, 1.6))
