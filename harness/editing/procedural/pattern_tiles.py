"""Printed pattern tiles: which ink lies where; nothing of the objects they are printed on.

A tile has three channels: ink (row of the paint table), light (factor times 128), cover (255 where
the print hides the object's own surface).
"""

import numpy as np

from harness.editing.procedural.fields import (
    TILE,
    Field,
    Pixels,
    f32,
    generator,
    grid,
    pixels,
    smoothstep,
    unit,
)
from harness.editing.procedural.noise import emboss, soft_tile, value_noise


def _tile(ink: Field, light: Field | float = 1.0) -> Pixels:
    lit = np.broadcast_to(f32(light), ink.shape)
    return np.stack([pixels(ink), pixels(lit * np.float32(0.5)), pixels(np.ones_like(ink))], -1)


def _band(position: Field, centre: float, width: float) -> Field:
    """Return 1 inside a band of a period-1 position, with soft sides."""
    away = np.abs(
        (position - np.float32(centre) + np.float32(0.5)) % np.float32(1) - np.float32(0.5)
    )
    return np.float32(1) - smoothstep(away, width / 2 - 0.008, width / 2 + 0.008)


def striped() -> Pixels:
    """Broad stripes, ink 1 on ink 0, each with a thin companion."""
    _, y = grid(TILE, TILE)
    at = y / np.float32(64)
    return _tile(np.maximum(_band(at, 0.5, 0.44), _band(at, 0.08, 0.07)))


def dotted() -> Pixels:
    """Round dots in a staggered grid."""
    x, y = grid(TILE, TILE)
    pitch = np.float32(64)
    row = np.floor(y / (pitch / 2))
    dx = (x + (row % 2) * (pitch / 2)) % pitch - pitch / 2
    dy = y % (pitch / 2) - pitch / 4
    first = dx * dx + dy * dy
    return _tile(np.float32(1) - smoothstep(np.sqrt(first), 12.2, 13.8))


def plaid() -> Pixels:
    """Tartan: two sets of bands crossing in a twill weave; inks 0, 1/3, 2/3 and 1."""
    x, y = grid(TILE, TILE)
    twill = ((x + y) % 8 < 4).astype(np.float32)
    inks = []
    for at in (x / np.float32(128), y / np.float32(128)):
        ink = _band(at, 0.30, 0.34) * np.float32(1 / 3)
        ink = np.maximum(ink, _band(at, 0.30, 0.05) * np.float32(1.0))
        ink = np.where(_band(at, 0.75, 0.16) > 0.5, np.float32(2 / 3), ink)
        ink = np.where(_band(at, 0.75, 0.03) > 0.5, np.float32(1.0), ink)
        inks.append(ink)
    woven = np.where(twill > 0.5, inks[0], inks[1])
    light = np.float32(1) + (soft_tile(twill, 0.7) - np.float32(0.5)) * np.float32(0.12)
    return _tile(woven, light)


def tiled() -> Pixels:
    """Glazed square tiles, each of its own shade, with bevels and sunken grout (ink 1)."""
    x, y = grid(TILE, TILE)
    pitch = np.float32(32)
    shade = generator(91).random((16, 16), dtype=np.float32)
    tone = shade[(y // pitch).astype(np.intp), (x // pitch).astype(np.intp)]
    edge = np.minimum(
        np.minimum(x % pitch, pitch - 1 - x % pitch), np.minimum(y % pitch, pitch - 1 - y % pitch)
    )
    grout = np.float32(1) - smoothstep(edge, 0.8, 2.0)
    height = unit(edge * np.float32(1 / 5))
    light = emboss(soft_tile(height, 0.9), 1.6)
    return _tile(np.maximum(tone * np.float32(0.72), grout), light)


def floral() -> Pixels:
    """Scattered five-petalled flowers with yellow hearts, and leaves."""
    random = generator(93)
    ink = np.zeros((TILE, TILE), np.float32)
    for spot in range(64):
        row, column = divmod(spot, 8)
        cx = (column + 0.5 + 0.28 * (random.random() - 0.5)) * 64 + (row % 2) * 32
        cy = (row + 0.5 + 0.28 * (random.random() - 0.5)) * 64
        _flower(ink, cx, cy, radius=float(15 + 9 * random.random()), petals=_PETALS[spot % 2])
    return _tile(ink)


_PETALS = (
    ((0.0, -1.0), (0.951, -0.309), (0.588, 0.809), (-0.588, 0.809), (-0.951, -0.309)),
    ((0.0, 1.0), (0.951, 0.309), (0.588, -0.809), (-0.588, -0.809), (-0.951, 0.309)),
)


def _flower(
    ink: Field, cx: float, cy: float, *, radius: float, petals: tuple[tuple[float, float], ...]
) -> None:
    """Paint one flower at (cx, cy) into `ink`: leaves 1/3, petals 2/3, heart 1."""
    reach = int(2 * radius) + 1
    near = np.arange(-reach, reach + 1)
    place = np.ix_((int(cy) + near) % TILE, (int(cx) + near) % TILE)
    px, py = np.meshgrid(f32(near), f32(near))
    value = ink[place]
    for side in (-1.0, 1.0):
        along = px * np.float32(0.8 * side) + py * np.float32(0.6)
        across = px * np.float32(0.6) - py * np.float32(0.8 * side)
        leaf = np.square((along - np.float32(radius)) / np.float32(radius * 0.75)) + np.square(
            across / np.float32(radius * 0.27)
        )
        value = np.where((leaf < 1) & (value == 0), np.float32(1 / 3), value)
    for ux, uy in petals:
        ex = px - np.float32(ux * radius * 0.55)
        ey = py - np.float32(uy * radius * 0.55)
        value = np.where(ex * ex + ey * ey < (radius * 0.42) ** 2, np.float32(2 / 3), value)
    value = np.where(px * px + py * py < (radius * 0.26) ** 2, np.float32(1), value)
    ink[place] = value


_GLYPHS = {
    "A": "01110 10001 10001 11111 10001 10001 10001",
    "B": "11110 10001 10001 11110 10001 10001 11110",
    "E": "11111 10000 10000 11110 10000 10000 11111",
    "G": "01110 10001 10000 10111 10001 10001 01110",
    "K": "10001 10010 10100 11000 10100 10010 10001",
    "N": "10001 11001 10101 10011 10001 10001 10001",
    "R": "11110 10001 10001 11110 10100 10010 10001",
    "S": "01111 10000 10000 01110 00001 00001 11110",
    "T": "11111 00100 00100 00100 00100 00100 00100",
    "X": "10001 10001 01010 00100 01010 10001 10001",
    "Z": "11111 00001 00010 00100 01000 10000 11111",
    "M": "10001 11011 10101 10101 10001 10001 10001",
}
"""Capital letters as 7 rows of 5 dots."""


def lettered() -> Pixels:
    """Rows of large and small capital letters."""
    ink = np.zeros((TILE, TILE), np.float32)
    random = generator(95)
    letters = sorted(_GLYPHS)
    top = 0
    for dot in (7, 4, 7, 4, 7, 4, 7, 4, 7, 3):
        step = 7 * dot
        count = TILE // step
        for position in range(count):
            glyph = _GLYPHS[letters[int(random.integers(0, len(letters)))]]
            rows = np.array([[int(c) for c in row] for row in glyph.split()], dtype=np.float32)
            block = np.kron(rows, np.ones((dot, dot), np.float32))
            left = position * TILE // count
            height = min(block.shape[0], TILE - top)
            width = min(block.shape[1], TILE - left)
            ink[top : top + height, left : left + width] = block[:height, :width]
        top += 9 * dot
    return _tile(smoothstep(soft_tile(ink, 1.1), 0.38, 0.62))


def thread() -> Pixels:
    """Fine weave under a print, in the light channel."""
    fine = value_noise(97, 256, 512) + value_noise(99, 512, 256)
    return _tile(np.zeros((TILE, TILE), np.float32), np.float32(0.93) + fine * np.float32(0.07))
