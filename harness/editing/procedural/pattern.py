"""Prints a pattern on an object, wrapped around it and lit by its light; nothing of materials."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from harness.editing.procedural import pattern_tiles
from harness.editing.procedural.fields import Field, Pixels, f32, generator, sample_tile
from harness.editing.procedural.oklab import paint
from harness.editing.procedural.shading import ObjectView
from harness.editing.procedural.textures import Textures

Stops = tuple[tuple[float, float, float], ...]


@dataclass(frozen=True, kw_only=True)
class Pattern:
    """A printed pattern."""

    tile: Callable[[], Pixels]
    """Makes its tile."""
    inks: tuple[Stops, ...]
    """Sets of ink colours, OKLCh; the seed chooses one."""
    zoom: float
    """Texture pixels per image pixel for an object of typical size."""
    turns: tuple[tuple[float, float], ...] = ((1.0, 0.0), (0.985, 0.174), (0.985, -0.174))
    """Cosine and sine of the angles at which it may lie."""


_CREAM = (0.94, 0.022, 90.0)
_NAVY = (0.33, 0.10, 262.0)
_RED = (0.56, 0.20, 27.0)
_TEAL = (0.52, 0.09, 195.0)

PATTERNS: dict[str, Pattern] = {
    "striped": Pattern(
        tile=pattern_tiles.striped,
        inks=((_CREAM, _RED), (_CREAM, _NAVY), (_CREAM, _TEAL)),
        zoom=1.55,
        turns=((0.94, 0.342), (0.94, -0.342), (0.174, 0.985), (0.985, 0.174)),
    ),
    "dotted": Pattern(
        tile=pattern_tiles.dotted,
        inks=((_RED, _CREAM), (_CREAM, _NAVY), (_TEAL, _CREAM)),
        zoom=1.75,
    ),
    "plaid": Pattern(
        tile=pattern_tiles.plaid,
        inks=(
            (_RED, _NAVY, (0.42, 0.10, 150.0), (0.90, 0.12, 95.0)),
            ((0.50, 0.10, 150.0), _NAVY, (0.30, 0.02, 260.0), (0.90, 0.10, 95.0)),
        ),
        zoom=1.55,
    ),
    "tiled": Pattern(
        tile=pattern_tiles.tiled,
        inks=(
            ((0.45, 0.11, 250.0), (0.62, 0.11, 232.0), (0.80, 0.06, 210.0), (0.90, 0.01, 90.0)),
            ((0.42, 0.09, 160.0), (0.60, 0.10, 170.0), (0.82, 0.06, 180.0), (0.90, 0.01, 90.0)),
        ),
        zoom=1.5,
    ),
    "floral": Pattern(
        tile=pattern_tiles.floral,
        inks=(
            (_CREAM, (0.52, 0.12, 145.0), (0.63, 0.20, 5.0), (0.86, 0.16, 92.0)),
            (_NAVY, (0.58, 0.12, 145.0), (0.80, 0.12, 0.0), (0.88, 0.16, 92.0)),
        ),
        zoom=1.5,
    ),
    "lettered": Pattern(
        tile=pattern_tiles.lettered,
        inks=((_CREAM, (0.25, 0.02, 260.0)), ((0.86, 0.16, 92.0), (0.25, 0.02, 260.0))),
        zoom=1.5,
        turns=((1.0, 0.0), (0.985, 0.174), (0.985, -0.174)),
    ),
}


def paint_pattern(view: ObjectView, value: str, seed: int, textures: Textures) -> Field:
    """Return the object printed with `value`, 0-255; what lies outside the mask means nothing."""
    pattern = PATTERNS[value]
    random = generator(seed)
    inks = pattern.inks[int(random.integers(0, len(pattern.inks)))]
    turn = pattern.turns[int(random.integers(0, len(pattern.turns)))]
    shift = f32(random.integers(0, 512, 2))
    u, v = view.surface(*turn)
    zoom = np.float32(pattern.zoom)
    laid = sample_tile(textures.of(pattern.tile), u * zoom + shift[0], v * zoom + shift[1])
    weave = sample_tile(textures.of(pattern_tiles.thread), u * zoom, v * zoom)
    ink = f32(laid[..., 0]) * np.float32(1 / 255)
    texture = f32(laid[..., 1]) * f32(weave[..., 1]) * np.float32(4 / (255 * 255))
    low, _, high = view.tones
    gain = min(5.0, max(1.5, 1.0 / max(high - low, 0.1)))
    light = view.shade * view.form * texture + view.detail * np.float32(gain * 0.7)
    light = light + view.gleam * np.float32(0.35)
    return f32(paint(textures.paints(inks), ink, light))
