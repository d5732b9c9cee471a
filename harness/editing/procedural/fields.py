"""Exact arithmetic on pixel fields: the same bytes on every x86 CPU; nothing of images' meaning.

OpenCV and NumPy choose code by the CPU. What is used here was compared with all dispatch switched
off: uint8/uint16 fixed-point filters, integer sums, and the IEEE operations + - * / sqrt. What
differs between CPUs (float Gaussian, float remap, exp, sin, plain distanceTransform) is avoided.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Field = NDArray[np.float32]
Mask = NDArray[np.bool_]

TILE = 512
"""Side of every tileable texture, in pixels."""


def f32(values: NDArray[np.generic] | float) -> Field:
    """Return `values` as float32."""
    return np.asarray(values, dtype=np.float32)


def u8(values: NDArray[np.generic]) -> Pixels:
    """Return `values`, which are bytes already, typed as such."""
    return np.asarray(values, dtype=np.uint8)


def levels(values: Field) -> Pixels:
    """Return 0-255 values as uint8, clipped and rounded."""
    return (np.clip(values, 0, 255) + np.float32(0.5)).astype(np.uint8)


def blur(image: Pixels, sigma: float, sigma_y: float | None = None) -> Pixels:
    """Return the image blurred by a Gaussian, in fixed point."""
    return u8(cv2.GaussianBlur(image, (0, 0), sigma, sigmaY=sigma if sigma_y is None else sigma_y))


def resized(image: Pixels, width: int, height: int) -> Pixels:
    """Return the image enlarged or reduced, interpolated in fixed point."""
    return u8(cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR_EXACT))


def unit(values: Field) -> Field:
    """Return `values` clipped to 0-1."""
    return np.clip(values, np.float32(0), np.float32(1))


def smoothstep(values: Field, low: float, high: float) -> Field:
    """Return 0 below `low`, 1 above `high` and a smooth cubic between."""
    t = unit((values - np.float32(low)) * np.float32(1.0 / (high - low)))
    return t * t * (np.float32(3) - np.float32(2) * t)


def pixels(values: Field) -> Pixels:
    """Return 0-1 values as uint8, rounded."""
    return (unit(values) * np.float32(255) + np.float32(0.5)).astype(np.uint8)


def soften(values: Field, sigma: float) -> Field:
    """Return 0-1 values blurred by a Gaussian of `sigma` pixels, in 16-bit fixed point."""
    coarse = 1 << max(0, int(sigma / 4).bit_length() - 1)
    height, width = values.shape[:2]
    fixed = (unit(values) * np.float32(65535) + np.float32(0.5)).astype(np.uint16)
    if coarse > 1:
        size = (max(1, width // coarse), max(1, height // coarse))
        small = cv2.resize(fixed, size, interpolation=cv2.INTER_LINEAR_EXACT)
        fixed = np.asarray(small, dtype=np.uint16)
    blurred = cv2.GaussianBlur(fixed, (0, 0), sigma / coarse, borderType=cv2.BORDER_REPLICATE)
    if coarse > 1:
        blurred = cv2.resize(blurred, (width, height), interpolation=cv2.INTER_LINEAR_EXACT)
    return f32(blurred) * np.float32(1 / 65535)


def box_mean(values: Field, weights: Mask, radius: int) -> Field:
    """Return the mean of 0-1 `values` over the `weights` pixels of each square window."""
    side = (2 * radius + 1, 2 * radius + 1)
    fixed = (unit(values) * np.float32(65535)).astype(np.int32) * weights
    border = cv2.BORDER_REFLECT_101 if radius < min(values.shape) else cv2.BORDER_REPLICATE
    total = cv2.boxFilter(fixed, cv2.CV_32S, side, normalize=False, borderType=border)
    count = cv2.boxFilter(
        weights.astype(np.uint8), cv2.CV_32S, side, normalize=False, borderType=border
    )
    return f32(total) / (f32(np.maximum(count, 1)) * np.float32(65535))


def edge_preserving(values: Field, weights: Mask, radius: int, edge: float) -> Field:
    """Return 0-1 `values` smoothed inside `weights` with steps above `edge` kept.

    The self-guided filter of He et al. (Guided Image Filtering, eq. 5-8), over masked windows.
    """
    mean = box_mean(values, weights, radius)
    variance = np.maximum(box_mean(values * values, weights, radius) - mean * mean, np.float32(0))
    slope = variance / (variance + np.float32(edge * edge))
    offset = mean * (np.float32(1) - slope)
    return box_mean(f32(slope), weights, radius) * values + box_mean(f32(offset), weights, radius)


def distance_inside(mask: Mask) -> Field:
    """Return each pixel's distance in pixels to the nearest pixel outside `mask`.

    What lies beyond the frame counts as outside, so that a full mask has a distance too.
    """
    padded = np.pad(mask.astype(np.uint8), 1)
    distance, _ = cv2.distanceTransformWithLabels(padded, cv2.DIST_L2, 5)
    return f32(distance[1:-1, 1:-1])


def gradient(values: Field) -> tuple[Field, Field]:
    """Return the horizontal and the vertical central difference."""
    padded = np.pad(values, 1, mode="edge")
    half = np.float32(0.5)
    return (
        (padded[1:-1, 2:] - padded[1:-1, :-2]) * half,
        (padded[2:, 1:-1] - padded[:-2, 1:-1]) * half,
    )


def _subpixel(positions: Field) -> Field:
    """Return positions on the grid of 1/32 pixel that remap works on.

    Left to remap, a position halfway between two grid points goes either way, by the CPU.
    """
    return f32(np.rint(positions * np.float32(32)) * np.float32(1 / 32))


def sample_tile(tile: Pixels, u: Field, v: Field) -> Pixels:
    """Return the tile's pixels at (u, v), repeated without end, interpolated in fixed point."""
    side = np.float32(TILE)
    return u8(
        cv2.remap(
            tile,
            _subpixel(u - np.floor(u / side) * side),
            _subpixel(v - np.floor(v / side) * side),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_WRAP,
        )
    )


def sample_image(image: Pixels, x: Field, y: Field) -> Pixels:
    """Return the image's pixels at (x, y), mirrored at the frame, interpolated in fixed point."""
    return u8(
        cv2.remap(
            image, _subpixel(x), _subpixel(y), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
        )
    )


def mix(first: Field, second: Field, share: Field) -> Field:
    """Return `first` where `share` is 0 and `second` where it is 1."""
    if first.ndim > share.ndim:
        share = share[..., None]
    return first + (second - first) * share


def grid(height: int, width: int) -> tuple[Field, Field]:
    """Return the x and the y coordinate of every pixel."""
    x = np.broadcast_to(np.arange(width, dtype=np.float32), (height, width))
    y = np.broadcast_to(np.arange(height, dtype=np.float32)[:, None], (height, width))
    return x.copy(), y.copy()


def generator(seed: int) -> np.random.Generator:
    """Return the generator of `seed`: Philox, whose stream is the same on every platform."""
    return np.random.Generator(np.random.Philox(seed & (2**64 - 1)))
