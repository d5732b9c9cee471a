"""Snow on the ground, on whatever faces up, and in the air."""

import numpy as np

from harness.editing.procedural.air import (
    brightness,
    column_top,
    facing_up,
    haze,
    muted,
    overcast,
    rgb,
    sprites,
    unit_image,
)
from harness.editing.procedural.fields import (
    Field,
    Pixels,
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
from harness.editing.procedural.scene import Scene
from harness.editing.procedural.textures import Textures
from harness.editing.roles import Role

_SNOW = (0.93, 0.955, 0.99)


def drifts() -> Pixels:
    """Uneven snow cover."""
    return pixels(fractal(141, 8, 8, 5))


def flakes_near() -> Pixels:
    """A few large flakes out of focus."""
    return sprites(143, 46, radius=(2.6, 5.2), softness=1.7)


def flakes_middle() -> Pixels:
    """Flakes at middle distance."""
    return sprites(145, 420, radius=(1.0, 2.2), softness=0.8)


def flakes_far() -> Pixels:
    """Many small flakes."""
    return sprites(147, 1900, radius=(0.5, 1.0), softness=0.6)


def _noise(shape: tuple[int, int], shift: Field, zoom: float, textures: Textures) -> Field:
    x, y = grid(*shape)
    tile = textures.of(drifts)
    return unit_image(
        sample_tile(tile, x * np.float32(zoom) + shift[0], y * np.float32(zoom) + shift[1])
    )


def _ground_cover(layout: Layout, shift: Field, textures: Textures) -> Field:
    """Return how much snow lies on the ground, 0-1, thinner in tracks that run to the horizon."""
    height, width = layout.roles.shape
    x, y = grid(height, width)
    below = np.maximum(y - np.float32(layout.horizon), np.float32(4))
    fan = (x - np.float32(width / 2)) / below
    near = np.float32(900) / below
    tile = textures.of(drifts)
    tracks = unit_image(sample_tile(tile, fan * np.float32(46) + shift[0], near * np.float32(3)))
    patches = unit_image(sample_tile(tile, fan * np.float32(60), near * np.float32(14) + shift[1]))
    wear = smoothstep(tracks * np.float32(0.75) + patches * np.float32(0.25), 0.56, 0.80)
    # Wheels wear tracks into a road; a field keeps its snow.
    worn = 0.52 if (layout.roles == Role.GROUND).any() else 0.26
    return layout.ground * (np.float32(0.96) - wear * np.float32(worn))


def _caps(scene: Scene, noise: Field) -> Field:
    """Return the snow that lies on top of every labelled thing, as thick as it is near, 0-1."""
    layout, label = scene.layout, scene.source.label
    height = label.shape[0]
    total = np.zeros(label.shape, np.float32)
    holds = np.isin(layout.roles, (Role.THING, Role.THIN, Role.BUILT, Role.PLANT))
    for class_id in np.unique(label[holds]):
        region = (label == class_id) & holds
        _, below = column_top(region)
        thick = np.float32(height / 360) * (
            np.float32(2.5) + (np.float32(1) - layout.depth) * np.float32(12) * noise
        )
        cap = np.float32(1) - smoothstep(f32(below) / np.maximum(thick, np.float32(1)), 0.55, 1.25)
        # What reaches the frame's upper edge has no top in the image.
        start, _ = column_top(region)
        total = np.maximum(total, cap * region * (start > 0))
    return total


def _dust(scene: Scene, noise: Field) -> Field:
    """Return the snow caught on ledges, roofs and twigs inside regions, 0-1."""
    layout = scene.layout
    ledges = facing_up(scene.image)
    # Snow slides a little below the edge that caught it.
    lower = np.roll(ledges, 2, axis=0)
    lower[:2] = 0
    ledges = np.maximum(ledges, lower * np.float32(0.8))
    weight = np.array([0.0, 0.0, 1.0, 0.62, 0.5, 0.72, 0.80, 0.5], np.float32)[layout.roles]
    twigs = smoothstep(noise, 0.42, 0.80) * np.float32(0.55)
    growing = (layout.roles == Role.PLANT) | (layout.roles == Role.BACKDROP)
    caught = np.maximum(ledges, twigs * growing)
    return f32(caught * weight * ~layout.sky)


def _whitened(colour: Field, cover: Field, day: float) -> Field:
    """Return the scene with snow where `cover` says; the snow keeps the shading under it."""
    grey = muted(colour, 0.0)[..., 0]
    local = soften(grey, max(2.0, min(grey.shape) / 20))
    fine = (grey - local) * np.float32(0.55)
    shadow = smoothstep(local, 0.02, 0.50)
    level = np.float32(0.74) + shadow * np.float32(0.26) + fine
    tint = rgb(*_SNOW) - (np.float32(1) - shadow)[..., None] * rgb(0.07, 0.045, 0.0)
    white = unit(level)[..., None] * tint * np.float32(day)
    return mix(colour, white, cover)


def _flurry(colour: Field, seed: int, textures: Textures, day: float) -> Field:
    random = generator(seed)
    height, width = colour.shape[:2]
    x, y = grid(height, width)
    for make, strength, zoom in (
        (flakes_far, 0.62, 1.0),
        (flakes_middle, 0.85, 1.0),
        (flakes_near, 0.72, 0.8),
    ):
        shift = f32(random.integers(0, 512, 2))
        size = np.float32(zoom / max(0.5, min(height, width) / 360))
        flakes = unit_image(
            sample_tile(textures.of(make), x * size + shift[0], y * size + shift[1])
        )
        white = np.broadcast_to(
            rgb(0.97, 0.98, 1.0) * np.float32(min(1.0, day + 0.1)), colour.shape
        )
        colour = mix(colour, white, flakes * np.float32(strength))
    return colour


def snow(scene: Scene, seed: int, textures: Textures) -> Pixels:
    """Return the scene in snow."""
    layout = scene.layout
    day = min(1.0, 0.55 + brightness(scene.image))
    shift = f32(generator(seed).integers(0, 512, 2))
    noise = _noise(layout.roles.shape, shift, 1.4, textures)
    colour = muted(unit_image(scene.image), 0.62) * rgb(0.94, 0.985, 1.05)
    sky = rgb(0.83, 0.855, 0.885) * np.float32(day)
    colour = overcast(colour, layout, sky=sky, share=0.94, seed=seed, textures=textures)
    cover = np.maximum(
        _ground_cover(layout, shift, textures), _dust(scene, noise) * np.float32(0.85)
    )
    cover = np.maximum(cover, _caps(scene, noise) * np.float32(0.96))
    cover = soften(cover, 0.6) * ~layout.sky
    colour = _whitened(unit(colour), cover, day)
    colour = haze(colour, layout, air=sky, density=0.55, textures=textures)
    return pixels(_flurry(colour, seed + 1, textures, day))
