"""Fog that thickens with distance."""

import numpy as np

from harness.editing.procedural.air import (
    brightness,
    clouds,
    haze,
    muted,
    overcast,
    rgb,
    unit_image,
)
from harness.editing.procedural.fields import Pixels, f32, generator, grid, pixels, sample_tile
from harness.editing.procedural.layout import Layout
from harness.editing.procedural.textures import Textures


def fog(image: Pixels, layout: Layout, seed: int, textures: Textures) -> Pixels:
    """Return the scene in fog."""
    day = min(1.0, 0.50 + brightness(image))
    air = rgb(0.80, 0.825, 0.84) * np.float32(day)
    colour = muted(unit_image(image), 0.70)
    colour = overcast(colour, layout, sky=air, share=0.92, seed=seed, textures=textures)
    x, y = grid(*layout.roles.shape)
    shift = f32(generator(seed).integers(0, 512, 2))
    banks = sample_tile(
        textures.of(clouds), x * np.float32(0.7) + shift[0], y * np.float32(1.7) + shift[1]
    )
    density = np.float32(2.9) * (np.float32(0.68) + unit_image(banks) * np.float32(0.64))
    colour = haze(colour, layout, air=air, density=density, textures=textures)
    # A veil right before the lens: fog leaves no full black even close by.
    return pixels(colour + (air - colour) * np.float32(0.10))
