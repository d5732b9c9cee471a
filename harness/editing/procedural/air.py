"""What fog, snow, rain and night share: scene brightness, overcast sky, haze, sprites, columns."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from harness.editing.procedural.fields import (
    TILE,
    Field,
    Mask,
    Pixels,
    blur,
    f32,
    generator,
    grid,
    mix,
    pixels,
    sample_tile,
    smoothstep,
    soften,
    unit,
)
from harness.editing.procedural.layout import Layout
from harness.editing.procedural.noise import fractal
from harness.editing.procedural.textures import Textures

_STEPS = 1024


def clouds() -> Pixels:
    """Soft tileable billows."""
    return pixels(fractal(131, 2, 4, 5))


def decay() -> Field:
    """exp(-x) for x of 0-8 in even steps, rounded so that no CPU's last bit shows."""
    values = [round(math.exp(-8.0 * i / (_STEPS - 1)), 6) for i in range(_STEPS)]
    return f32(np.array(values))


def transmission(thickness: Field, textures: Textures) -> Field:
    """Return the share of light that passes air of this optical thickness (Beer-Lambert)."""
    index = np.clip(thickness, 0, 8) * np.float32((_STEPS - 1) / 8)
    return textures.of(decay)[(index + np.float32(0.5)).astype(np.intp)]


def brightness(image: Pixels) -> float:
    """Return the scene's typical grey level, 0-1."""
    grey = cv2.cvtColor(np.ascontiguousarray(image[::2, ::2]), cv2.COLOR_RGB2GRAY)
    return float(np.partition(grey, grey.size * 6 // 10, axis=None)[grey.size * 6 // 10]) / 255


def unit_image(image: Pixels) -> Field:
    """Return the image as 0-1."""
    return f32(image) * np.float32(1 / 255)


def muted(colour: Field, saturation: float) -> Field:
    """Return the colours with their saturation multiplied."""
    grey = (
        colour[..., 0] * np.float32(0.299)
        + colour[..., 1] * np.float32(0.587)
        + colour[..., 2] * np.float32(0.114)
    )[..., None]
    return f32(grey + (colour - grey) * np.float32(saturation))


def rgb(red: float, green: float, blue: float) -> Field:
    """Return one colour."""
    return np.array([red, green, blue], np.float32)


def overcast(
    colour: Field, layout: Layout, *, sky: Field, share: float, seed: int, textures: Textures
) -> Field:
    """Return the scene with its sky replaced by a grey cloud cover of colour `sky`."""
    height, width = layout.roles.shape
    x, y = grid(height, width)
    shift = f32(generator(seed).integers(0, TILE, 2))
    billow = sample_tile(textures.of(clouds), x + shift[0], y * np.float32(1.8) + shift[1])
    shade = np.float32(0.90) + unit_image(billow) * np.float32(0.16)
    cover = sky * shade[..., None]
    above = soften(layout.sky.astype(np.float32), 1.2) * np.float32(share)
    return mix(colour, np.broadcast_to(cover, colour.shape), above)


def haze(
    colour: Field, layout: Layout, *, air: Field, density: Field | float, textures: Textures
) -> Field:
    """Return the scene behind air that scatters: I t + A (1 - t) (Koschmieder's law)."""
    share = np.float32(1) - transmission(layout.depth * f32(density), textures)
    return mix(colour, np.broadcast_to(air, colour.shape), share)


def column_top(region: Mask) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return for each pixel of `region` the row where its unbroken run upwards begins, and depth.

    Pixels outside mean nothing. The second array says how many rows below that start a pixel is.
    """
    rows = np.broadcast_to(np.arange(region.shape[0])[:, None], region.shape)
    starts = region.copy()
    starts[1:] &= ~region[:-1]
    start = np.maximum.accumulate(np.where(starts, rows, 0), axis=0)
    return start, rows - start


def sprites(seed: int, count: int, *, radius: tuple[float, float], softness: float) -> Pixels:
    """Return a tile of soft white dots of varied size."""
    random = generator(seed)
    margin = 24
    canvas = np.zeros((TILE + 2 * margin, TILE + 2 * margin), np.uint8)
    places = random.integers(0, TILE * 16, (count, 2))
    low, high = radius
    for (x, y), share, glow in zip(
        places.tolist(),
        random.random(count),
        random.integers(120, 256, count).tolist(),
        strict=True,
    ):
        size = round((low + (high - low) * float(share) ** 2) * 16)
        centre = (x + margin * 16, y + margin * 16)
        cv2.circle(canvas, centre, size, glow, -1, cv2.LINE_8, 4)
    soft = blur(canvas, softness)
    return soft[margin : margin + TILE, margin : margin + TILE].copy()


def edge_fade(height: int, width: int) -> Field:
    """Return how far a pixel lies from the image's middle, 0 there and 1 in the corners."""
    x, y = grid(height, width)
    dx = (x - np.float32(width / 2)) * np.float32(2 / width)
    dy = (y - np.float32(height / 2)) * np.float32(2 / height)
    return unit((dx * dx + dy * dy) * np.float32(0.5))


def facing_up(image: Pixels) -> Field:
    """Return how much a pixel looks like the upper edge of something, 0-1: light under dark."""
    grey = cv2.GaussianBlur(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (0, 0), 1.2)
    step = f32(cv2.Sobel(grey, cv2.CV_16S, 0, 1)) * np.float32(1 / 1020)
    return smoothstep(np.abs(step) * np.float32(0.45) + np.maximum(step, 0), 0.03, 0.22)
