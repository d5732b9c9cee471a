"""Rain: grey light, wet dark ground that mirrors what stands on it, and streaks."""

import cv2
import numpy as np

from harness.editing.procedural.air import (
    brightness,
    column_top,
    haze,
    muted,
    overcast,
    rgb,
    unit_image,
)
from harness.editing.procedural.fields import (
    TILE,
    Field,
    Pixels,
    blur,
    f32,
    generator,
    grid,
    mix,
    pixels,
    sample_image,
    sample_tile,
    smoothstep,
    soften,
    unit,
)
from harness.editing.procedural.layout import Layout
from harness.editing.procedural.noise import fractal
from harness.editing.procedural.textures import Textures
from harness.editing.roles import Role


def ripples() -> Pixels:
    """Three channels: two of small waves and one of puddles."""
    planes = [fractal(151, 32, 64, 2), fractal(153, 32, 64, 2), fractal(155, 4, 8, 4)]
    return pixels(np.stack(planes, axis=-1))


def _streaks(seed: int, *, count: int, length: int, width: int, softness: float) -> Pixels:
    """Return a tile of slanted drops smeared by their fall."""
    random = generator(seed)
    margin = length + 8
    canvas = np.zeros((TILE + 2 * margin, TILE + 2 * margin), np.uint8)
    places = random.integers(0, TILE + margin, (count, 2)).tolist()
    glows = random.integers(90, 256, count).tolist()
    reach = (length * (0.6 + 0.8 * random.random(count))).astype(np.intp).tolist()
    for (x, y), glow, fall in zip(places, glows, reach, strict=True):
        start = (x + margin // 2, y + margin // 2)
        cv2.line(canvas, start, (start[0] - fall // 6, start[1] + fall), glow, width)
    soft = blur(canvas, softness * 0.6, softness * 2)
    return soft[margin : margin + TILE, margin : margin + TILE].copy()


def streaks_far() -> Pixels:
    """Many short thin streaks."""
    return _streaks(157, count=1500, length=16, width=1, softness=0.7)


def streaks_middle() -> Pixels:
    """Longer streaks."""
    return _streaks(159, count=420, length=34, width=1, softness=0.9)


def streaks_near() -> Pixels:
    """A few long, broad, blurred streaks."""
    return _streaks(161, count=70, length=74, width=3, softness=1.6)


def splashes() -> Pixels:
    """Small crowns where drops hit the ground."""
    random = generator(163)
    canvas = np.zeros((TILE, TILE), np.uint8)
    for x, y in random.integers(8, TILE - 8, (500, 2)).tolist():
        cv2.ellipse(canvas, (x, y), (3, 1), 0, 0, 360, 200, 1)
        canvas[y - 3, x] = 220
    return blur(canvas, 0.6)


def _wet_ground(colour: Field, layout: Layout, shift: Field, textures: Textures) -> Field:
    """Return the scene with its ground darkened and mirroring, the flatter the view the more."""
    ground = layout.ground
    height, width = ground.shape
    x, y = grid(height, width)
    below = np.maximum(y - np.float32(layout.horizon), np.float32(3))
    fan = (x - np.float32(width / 2)) / below
    wave = sample_tile(
        textures.of(ripples),
        fan * np.float32(130) + shift[0],
        np.float32(9000) / below + shift[1],
    )
    waves = unit_image(wave) - np.float32(0.5)
    start, _ = column_top(ground > 0.5)
    foot = soften(f32(start) * np.float32(1 / height), 2.0) * np.float32(height)
    mirrored = np.clip(np.float32(2) * foot - y + waves[..., 1] * np.float32(10), 0, height - 1)
    sideways = np.clip(x + waves[..., 0] * np.float32(7), 0, width - 1)
    calm = blur(pixels(colour), 1.2, 5.0)
    image = unit_image(sample_image(calm, sideways, mirrored))
    puddle = smoothstep(waves[..., 2] + np.float32(0.5), 0.52, 0.70)
    flat = np.float32(0.30) + layout.depth * np.float32(0.25)
    paved = 1.0 if (layout.roles == Role.GROUND).any() else 0.6
    share = unit(flat + puddle * np.float32(0.34)) * ground * np.float32(paved)
    soaked = (
        colour
        * (np.float32(1) - ground * (np.float32(0.38) + puddle * np.float32(0.14)))[..., None]
    )
    return mix(soaked, image, share)


def _downpour(colour: Field, layout: Layout, seed: int, textures: Textures, day: float) -> Field:
    random = generator(seed)
    height, width = colour.shape[:2]
    x, y = grid(height, width)
    lean = np.float32(1 if random.integers(0, 2) else -1)
    light = np.broadcast_to(rgb(0.82, 0.85, 0.89) * np.float32(day), colour.shape)
    size = np.float32(1 / max(0.5, min(height, width) / 360))
    for make, strength in ((streaks_far, 0.34), (streaks_middle, 0.46), (streaks_near, 0.26)):
        shift = f32(random.integers(0, 512, 2))
        fall = sample_tile(textures.of(make), x * lean * size + shift[0], y * size + shift[1])
        colour = mix(colour, light, unit_image(fall) * np.float32(strength))
    near = np.maximum(y - np.float32(layout.horizon), np.float32(8)) * np.float32(1 / height)
    zoom = np.float32(0.55) / np.sqrt(near)
    drops = sample_tile(textures.of(splashes), x * zoom * size, y * zoom * size)
    return mix(colour, light, unit_image(drops) * layout.ground * np.float32(0.42))


def rain(image: Pixels, layout: Layout, seed: int, textures: Textures) -> Pixels:
    """Return the scene in rain."""
    day = min(1.0, 0.42 + brightness(image) * 0.95)
    shift = f32(generator(seed).integers(0, 512, 2))
    sky = rgb(0.55, 0.58, 0.62) * np.float32(day)
    colour = muted(unit_image(image), 0.66) * rgb(0.70, 0.735, 0.77)
    colour = overcast(colour, layout, sky=sky, share=0.90, seed=seed, textures=textures)
    colour = _wet_ground(colour, layout, shift, textures)
    colour = haze(colour, layout, air=sky, density=0.75, textures=textures)
    return pixels(_downpour(unit(colour), layout, seed + 1, textures, day))
