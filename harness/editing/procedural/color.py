"""Paints an object in another colour, its shading, texture and highlights kept."""

from dataclasses import dataclass

import numpy as np

from harness.editing.procedural.fields import (
    Field,
    Pixels,
    f32,
    generator,
    sample_tile,
    smoothstep,
    unit,
)
from harness.editing.procedural.noise import fractal
from harness.editing.procedural.oklab import paint
from harness.editing.procedural.shading import ObjectView
from harness.editing.procedural.textures import Textures


@dataclass(frozen=True, kw_only=True)
class Paint:
    """A colour in OKLCh."""

    lightness: float
    """The lightness at which the colour is most itself, 0-1."""
    chroma: float
    """Its chroma there."""
    hue: float
    """Its hue in degrees."""


PAINTS: dict[str, Paint] = {
    "violet": Paint(lightness=0.50, chroma=0.25, hue=302.0),
    "pink": Paint(lightness=0.72, chroma=0.19, hue=355.0),
    "blue": Paint(lightness=0.50, chroma=0.22, hue=262.0),
    "green": Paint(lightness=0.60, chroma=0.19, hue=145.0),
    "orange": Paint(lightness=0.71, chroma=0.18, hue=55.0),
    "yellow": Paint(lightness=0.85, chroma=0.175, hue=98.0),
    "tan": Paint(lightness=0.72, chroma=0.075, hue=72.0),
}

_MULTI = ("violet", "blue", "green", "yellow", "orange", "pink")


def _drift() -> Pixels:
    return (fractal(71, 2, 2, 3) * np.float32(255)).astype(np.uint8)


def _tonal_range(view: ObjectView, paint_at: float) -> Field:
    """Return the object's lightness moved towards the paint's, in the same order.

    The median goes most of the way to the paint's lightness; both tails are compressed just enough
    to keep the highlights under white and the shadows over black.
    """
    low, middle, high = view.tones
    centre = middle + (paint_at - middle) * 0.62
    # A flat, near-white or near-black object would show no form: its contrast is raised.
    contrast = min(2.0, max(0.95, 0.45 / max(high - low, 0.05)))
    offset = (view.lightness - np.float32(middle)) * np.float32(contrast)
    room_down = max(centre - 0.06, 0.05)
    room_up = max(0.97 - centre, 0.05)
    # x / (1 + |x| / room) is monotone and never leaves the room.
    room = np.where(offset < 0, np.float32(room_down), np.float32(room_up)).astype(np.float32)
    curved = offset / (np.float32(1) + np.abs(offset) / (room * np.float32(1.6)))
    limit = np.clip(curved, np.float32(-room_down), np.float32(room_up))
    return f32(np.float32(centre) + limit)


def _ramp_stops(colour: Paint) -> tuple[tuple[float, float, float], ...]:
    """Return the colour from black to white: fullest at its own lightness, white in highlights."""
    stops = []
    for step in range(33):
        level = step / 32
        if level <= colour.lightness:
            share = (level / colour.lightness) ** 0.75
        else:
            share = max(0.0, 1.0 - ((level - colour.lightness) / (1.02 - colour.lightness)) ** 1.5)
        stops.append((level, round(colour.chroma * share, 6), colour.hue))
    return tuple(stops)


def _coat(view: ObjectView, colour: Paint, textures: Textures) -> Pixels:
    tone = _tonal_range(view, colour.lightness)
    return paint(textures.paints(_ramp_stops(colour)), tone, np.ones_like(tone))


def paint_color(view: ObjectView, value: str, seed: int, textures: Textures) -> Field:
    """Return the object in the colour `value`, 0-255; what lies outside the mask means nothing."""
    if value != "multi":
        return f32(_coat(view, PAINTS[value], textures))
    random = generator(seed)
    u, v = view.surface(0.90, 0.436)
    shift = np.float32(random.integers(0, 512))
    drift = f32(sample_tile(textures.of(_drift), u + shift, v - shift)) * np.float32(1 / 255)
    extent = np.float32(view.size / view.scale)
    along = u / extent * np.float32(4.2) + drift * np.float32(2.2) + np.float32(random.random())
    index = np.floor(along)
    share = smoothstep(along - index, 0.80, 1.0)
    coats = [f32(_coat(view, PAINTS[name], textures)) for name in _MULTI]
    result = np.zeros((*view.mask.shape, 3), np.float32)
    turn = index.astype(np.intp) % len(_MULTI)
    for position, coat in enumerate(coats):
        after = coats[(position + 1) % len(coats)]
        here = turn == position
        result[here] = (coat + (after - coat) * unit(share)[..., None])[here]
    return result
