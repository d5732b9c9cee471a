"""What a pixel's colours and those around it say, as numbers; no edges, shapes or textures."""

from itertools import product

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Plane = NDArray[np.float32]
"""One or more values a pixel, [H, W] or [H, W, C]."""

WIDTH, HEIGHT = 96, 72
"""The size at which pixels are classified."""
NEAR, MIDDLE, FAR = 2, 5, 12
"""Radii of the windows whose colours count, in pixels of that size."""
BINS = 8
"""Steps of each Lab axis in the table of how common a colour is."""

LAB_SHIFT = np.array([0.0, 0.6, 0.6], dtype=np.float32)
LAB_RANGE = np.array([1.0, 1.2, 1.2], dtype=np.float32)
"""Bring Lab / 100 of almost every colour to 0..1."""

# sRGB to CIE XYZ under D65, rows divided by the white point (IEC 61966-2-1).
TO_XYZ = np.array(
    [
        [0.4124564 / 0.95047, 0.3575761 / 0.95047, 0.1804375 / 0.95047],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339 / 1.08883, 0.1191920 / 1.08883, 0.9503041 / 1.08883],
    ],
    dtype=np.float32,
)


def small_lab(image: NDArray[np.uint8]) -> Plane:
    """Return an RGB image as CIE Lab at the working size; L, a and b divided by 100."""
    small = Image.fromarray(image).resize((WIDTH, HEIGHT), Image.Resampling.BOX)
    encoded = np.asarray(small, dtype=np.float32) / 255
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    xyz = linear @ TO_XYZ.T
    root = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    x, y, z = np.moveaxis(root, 2, 0)
    lab = np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=2) / 100
    return lab.astype(np.float32)


def box_mean(values: Plane, radius: int) -> Plane:
    """Return the mean over a square window around every pixel, cut off at the border."""
    for axis in (0, 1):
        length = values.shape[axis]
        sums = np.cumsum(values, axis=axis, dtype=np.float64)
        sums = np.concatenate([np.zeros_like(sums.take([0], axis=axis)), sums], axis=axis)
        first = np.maximum(np.arange(length) - radius, 0)
        last = np.minimum(np.arange(length) + radius + 1, length)
        counts = (last - first).reshape([-1 if i == axis else 1 for i in range(values.ndim)])
        values = (sums.take(last, axis=axis) - sums.take(first, axis=axis)) / counts
    return values.astype(np.float32)


def color_features(lab: Plane) -> Plane:
    """Return what every pixel's surroundings look like, [H, W, features].

    Nothing says what the image as a whole looks like: there are few places to learn from, and
    trees would learn to tell those apart.
    """
    near, middle, far = (box_mean(lab, radius) for radius in (NEAR, MIDDLE, FAR))
    planes = [lab, near, middle, _spread(lab, near, NEAR), _spread(lab, middle, MIDDLE)]
    planes += [*_hues(near), near - far, near - lab.mean(axis=(0, 1))]
    planes += [near - lab.mean(axis=1, keepdims=True), _commonness(lab), _position()]
    return np.concatenate(planes, axis=2).astype(np.float32)


def context_features(shares: Plane) -> Plane:
    """Return what classes are thought to be around every pixel, from class shares [H, W, K]."""
    windows = [box_mean(shares, radius) for radius in (NEAR, MIDDLE, FAR)]
    above, below, left, right = (_shifted(windows[1], *way) for way in _ways(FAR))
    overall = np.broadcast_to(shares.mean(axis=(0, 1)), shares.shape)
    most = np.broadcast_to(windows[1].max(axis=(0, 1)), shares.shape)
    sides = [above[..., :1], below[..., :1], left[..., :1], right[..., :1]]
    return np.concatenate([*windows, overall, most, *sides], axis=2)


def _spread(lab: Plane, mean: Plane, radius: int) -> Plane:
    """Return the standard deviation of each channel in a window."""
    return np.sqrt(np.maximum(box_mean(lab**2, radius) - mean**2, 0))


def _hues(lab: Plane) -> list[Plane]:
    """Return how colourful a pixel is and in which direction."""
    chroma = np.hypot(lab[..., 1:2], lab[..., 2:3])
    return [chroma, lab[..., 1:] / (chroma + 0.02)]


def _ways(distance: int) -> tuple[tuple[int, int], ...]:
    """Return offsets up, down, left and right."""
    return ((-distance, 0), (distance, 0), (0, -distance), (0, distance))


def _shifted(values: Plane, down: int, across: int) -> Plane:
    """Return for every pixel the values at an offset from it, or at the border if beyond."""
    rows = np.clip(np.arange(values.shape[0]) + down, 0, values.shape[0] - 1)
    columns = np.clip(np.arange(values.shape[1]) + across, 0, values.shape[1] - 1)
    return values[rows[:, None], columns]


def _commonness(lab: Plane) -> Plane:
    """Return the logarithm of how much of the image, and of its rim, has such a colour."""
    share = (lab + LAB_SHIFT) / LAB_RANGE
    cells = np.clip((share * BINS).astype(int), 0, BINS - 1)
    flat = (cells[..., 0] * BINS + cells[..., 1]) * BINS + cells[..., 2]
    rim = np.concatenate([flat[:6].ravel(), flat[:, :6].ravel(), flat[:, -6:].ravel()])
    shares = []
    for pixels in (flat.ravel(), rim):
        counts = np.bincount(pixels, minlength=BINS**3).reshape([BINS] * 3).astype(np.float32)
        shares.append(np.log(_blurred_table(counts).ravel()[flat] / pixels.size + 1e-4))
    return np.stack(shares, axis=2)


def _blurred_table(counts: Plane) -> Plane:
    """Return a colour table in which neighbouring cells share their counts."""
    padded = np.pad(counts, 1)
    weight = {0: 0.5, 1: 0.25, -1: 0.25}
    size = counts.shape[0]
    parts = (
        weight[i]
        * weight[j]
        * weight[k]
        * padded[1 + i : 1 + i + size, 1 + j : 1 + j + size, 1 + k : 1 + k + size]
        for i, j, k in product((-1, 0, 1), repeat=3)
    )
    return sum(parts, start=np.zeros_like(counts))


def _position() -> Plane:
    """Return the place in the image: height, and distance from the vertical middle line."""
    rows = np.linspace(0, 1, HEIGHT)[:, None].repeat(WIDTH, axis=1)
    columns = np.abs(np.linspace(-1, 1, WIDTH))[None].repeat(HEIGHT, axis=0)
    return np.stack([rows, columns], axis=2)
