"""Makes an object of another material, lit by its own light; nothing of colours and patterns."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from harness.editing.procedural import material_tiles
from harness.editing.procedural.fields import (
    Field,
    Pixels,
    f32,
    generator,
    gradient,
    grid,
    mix,
    sample_image,
    sample_tile,
    smoothstep,
    unit,
)
from harness.editing.procedural.oklab import paint
from harness.editing.procedural.shading import ObjectView
from harness.editing.procedural.textures import Textures

Stops = tuple[tuple[float, float, float], ...]

_TURNS = ((1.0, 0.0), (0.985, 0.174), (0.985, -0.174), (0.996, 0.087), (0.996, -0.087))
"""Cosine and sine of the angles at which a texture may lie."""


@dataclass(frozen=True, kw_only=True)
class Material:
    """How an opaque material takes light."""

    tile: Callable[[], Pixels]
    """Makes its tile."""
    stops: Stops
    """Its colours by tone, OKLCh."""
    zoom: float = 1.0
    """Texture pixels per image pixel for an object of typical size."""
    shade: float = 1.0
    """How much of the object's own shading it keeps."""
    detail: float = 0.6
    """How much of the object's fine structure shows through."""
    gloss: float = 0.0
    """Strength of highlights."""


MATERIALS: dict[str, Material] = {
    "wood": Material(
        tile=material_tiles.wood,
        stops=((0.76, 0.095, 72), (0.66, 0.105, 66), (0.53, 0.10, 58), (0.38, 0.075, 50)),
        zoom=1.5,
        detail=0.8,
        gloss=0.25,
    ),
    "stone": Material(
        tile=material_tiles.stone,
        stops=((0.40, 0.010, 70), (0.55, 0.016, 80), (0.66, 0.018, 85), (0.84, 0.012, 90)),
        zoom=1.25,
        detail=0.7,
    ),
    "paper": Material(
        tile=material_tiles.paper,
        stops=((0.80, 0.022, 85), (0.89, 0.020, 88), (0.95, 0.014, 92)),
        zoom=1.3,
        shade=0.75,
        detail=0.7,
    ),
    "cloth": Material(
        tile=material_tiles.cloth,
        stops=((0.47, 0.055, 245), (0.62, 0.050, 243), (0.76, 0.038, 240)),
        zoom=1.5,
        detail=0.55,
    ),
    "leather": Material(
        tile=material_tiles.leather,
        stops=((0.30, 0.06, 42), (0.42, 0.085, 45), (0.53, 0.095, 50)),
        zoom=1.4,
        detail=0.6,
        gloss=0.45,
    ),
    "ceramic": Material(
        tile=material_tiles.ceramic,
        stops=((0.93, 0.012, 230), (0.89, 0.020, 235), (0.80, 0.03, 240)),
        detail=0.7,
        gloss=1.0,
    ),
    "plastic": Material(
        tile=material_tiles.grit,
        stops=((0.60, 0.20, 28), (0.62, 0.205, 28)),
        detail=0.8,
        gloss=1.0,
    ),
}


def _laid(view: ObjectView, tile: Pixels, zoom: float, seed: int) -> Pixels:
    """Return the tile wrapped around the object, shifted and turned by the seed."""
    random = generator(seed)
    turn = _TURNS[int(random.integers(0, len(_TURNS)))]
    shift = f32(random.integers(0, 512, 2))
    u, v = view.surface(*turn)
    return sample_tile(tile, u * np.float32(zoom) + shift[0], v * np.float32(zoom) + shift[1])


def _highlights(view: ObjectView, gloss: float) -> Field:
    """Return light added by a glossy surface: the source's own gleam and a soft lamp up left."""
    if gloss == 0:
        return np.zeros_like(view.lightness)
    nx, ny = view.normal
    nz = np.sqrt(np.maximum(np.float32(1) - nx * nx - ny * ny, np.float32(0)))
    facing = nz * np.float32(0.78) - ny * np.float32(0.50) - nx * np.float32(0.37)
    lamp = smoothstep(facing, 0.90, 1.0)
    return (lamp * np.float32(0.35) + view.gleam * np.float32(0.6)) * np.float32(gloss)


def _opaque(view: ObjectView, material: Material, seed: int, textures: Textures) -> Field:
    laid = f32(_laid(view, textures.of(material.tile), material.zoom, seed)) * np.float32(1 / 255)
    own = np.float32(1) + (view.shade - np.float32(1)) * np.float32(material.shade)
    light = own * view.form * (laid[..., 1] * np.float32(2))
    contrast = _detail_gain(view) * material.detail
    light = light + view.detail * np.float32(contrast) + _highlights(view, material.gloss)
    return f32(paint(textures.paints(material.stops), laid[..., 0], light))


def _detail_gain(view: ObjectView) -> float:
    """Return how much fine structure is raised, so that dark objects keep theirs visible."""
    low, _, high = view.tones
    return min(5.0, max(1.6, 1.0 / max(high - low, 0.1)))


_ROOM: Stops = (
    (0.98, 0.010, 240),
    (0.93, 0.018, 240),
    (0.82, 0.020, 245),
    (0.66, 0.016, 250),
    (0.34, 0.014, 255),
    (0.22, 0.010, 260),
    (0.36, 0.012, 80),
    (0.52, 0.012, 80),
    (0.62, 0.010, 80),
)
"""What polished metal mirrors from zenith to ground: bright sky, dark horizon, lit ground."""


def _metal(view: ObjectView, seed: int, textures: Textures) -> Field:
    laid = f32(_laid(view, textures.of(material_tiles.metal), 1.0, seed)) * np.float32(1 / 255)
    nx, ny = view.normal
    _, middle, _ = view.tones
    own = (view.base - np.float32(middle)) * np.float32(_detail_gain(view))
    # The mirrored direction follows the surface's tilt; the object's own light tilts it further.
    across = (
        np.float32(0.47)
        + ny * np.float32(0.50)
        + nx * np.float32(0.16)
        - own * np.float32(0.38)
        + (laid[..., 0] - np.float32(0.5)) * np.float32(0.34)
    )
    light = np.float32(1) + (laid[..., 1] * np.float32(2) - np.float32(1)) * np.float32(0.9)
    own_shade = np.float32(1) + (view.shade - np.float32(1)) * np.float32(0.55)
    light = light * own_shade * np.float32(view.exposure)
    light = light + view.detail * np.float32(1.1 * _detail_gain(view))
    return f32(paint(textures.paints(_ROOM), unit(across), light + _highlights(view, 0.8)))


def _cloth(view: ObjectView, seed: int, textures: Textures) -> Field:
    material = MATERIALS["cloth"]
    laid = f32(_laid(view, textures.of(material.tile), material.zoom, seed)) * np.float32(1 / 255)
    drape = _laid(view, textures.of(material_tiles.folds), 1.2, seed + 1)
    height = f32(drape[..., 0]) * np.float32(1 / 255)
    slope, _ = gradient(height)
    fold = np.float32(1) - slope * np.float32(5.5) + (height - np.float32(0.5)) * np.float32(0.24)
    light = view.shade * view.form * fold * laid[..., 1] * np.float32(2)
    light = light + view.detail * np.float32(material.detail * _detail_gain(view))
    seam_at = np.float32(max(3.0, 5.0 * view.scale))
    seam = np.abs(view.distance - seam_at)
    x, y = grid(*view.mask.shape)
    dash = ((x + y) * np.float32(0.125 / max(view.scale, 0.6))) % np.float32(1) < np.float32(0.6)
    stitch = (np.float32(1) - smoothstep(seam, 0.5, 1.5)) * dash
    hem = np.float32(1) - (np.float32(1) - smoothstep(seam, 0.8, 2.6)) * np.float32(0.30)
    painted = f32(paint(textures.paints(material.stops), laid[..., 0], light * hem))
    thread = f32(np.array([236, 214, 160])) * np.clip(light, 0.3, 1.1)[..., None]
    return mix(painted, np.broadcast_to(thread, painted.shape), stitch * np.float32(0.85))


def _glass(view: ObjectView, backdrop: Pixels) -> Field:
    """Return the scene behind, refracted and tinted, with the rim and gleams of thick glass."""
    nx, ny = view.normal
    x, y = grid(*view.mask.shape)
    # The outline bends the view most; the object's own relief ripples it a little.
    outer_x, outer_y = view.outline_normal
    bend, ripple = np.float32(0.75 * view.radius), np.float32(0.18 * view.radius)
    x = x + np.float32(view.window[1].start) - outer_x * bend - nx * ripple
    y = y + np.float32(view.window[0].start) - outer_y * bend - ny * ripple
    height, width = backdrop.shape[:2]
    behind = sample_image(backdrop, np.clip(x, 0, width - 1), np.clip(y, 0, height - 1))
    through = f32(behind) * f32(np.array([0.84, 0.96, 0.93])) + f32(np.array([8.0, 18.0, 17.0]))
    tilt = nx * nx + ny * ny
    fresnel = tilt * tilt
    sky = unit(np.float32(0.55) - ny * np.float32(0.55))
    mirrored = f32(np.array([196.0, 226.0, 232.0])) * sky[..., None] + np.float32(20)
    glass = mix(through, mirrored * np.float32(view.exposure), fresnel * np.float32(0.75))
    outline = np.float32(1) - smoothstep(view.distance, 0.8, max(2.2, 3.0 * view.scale))
    glass = glass * (np.float32(1) - outline * np.float32(0.45))[..., None]
    inner = np.abs(view.distance - np.float32(max(3.5, 5.0 * view.scale)))
    bright_rim = (np.float32(1) - smoothstep(inner, 0.6, 2.0)) * sky
    edges = view.detail * np.float32(150 * _detail_gain(view))
    lamp = _highlights(view, 1.0) + bright_rim * np.float32(0.55)
    own = (view.shade - np.float32(1)) * np.float32(34)
    return glass + (edges + own)[..., None] + (lamp * np.float32(190))[..., None]


def paint_material(
    view: ObjectView, value: str, *, seed: int, textures: Textures, backdrop: Callable[[], Pixels]
) -> Field:
    """Return the object made of `value`, 0-255; what lies outside the mask means nothing.

    Args:
        view: The object.
        value: The material.
        seed: Shifts and turns the texture.
        textures: Where tiles and tables are kept.
        backdrop: Returns the whole image without the object, for what lets light through.
    """
    match value:
        case "metal":
            return _metal(view, seed, textures)
        case "cloth":
            return _cloth(view, seed, textures)
        case "glass":
            return _glass(view, backdrop())
        case _:
            return _opaque(view, MATERIALS[value], seed, textures)
