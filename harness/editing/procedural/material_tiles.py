"""Relief and tone tiles of the materials; nothing of the objects they are put on.

A tile has three channels: tone (row of the paint table), light (factor times 128), gloss.
"""

import numpy as np

from harness.editing.procedural.fields import (
    TILE,
    Field,
    Pixels,
    f32,
    grid,
    pixels,
    smoothstep,
    unit,
)
from harness.editing.procedural.noise import (
    cells,
    emboss,
    fractal,
    ridges,
    soft_tile,
    speckle,
    stretch,
    value_noise,
)


def _tile(tone: Field, light: Field, gloss: Field | float = 0.0) -> Pixels:
    shine = np.broadcast_to(f32(gloss), tone.shape)
    return np.stack([pixels(tone), pixels(light * np.float32(0.5)), pixels(shine)], axis=-1)


def _wrap_sample(tile: Field, x: Field, y: Field) -> Field:
    columns = np.floor(x).astype(np.intp) % TILE
    rows = np.floor(y).astype(np.intp) % TILE
    return tile[rows, columns]


def _triangle(values: Field) -> Field:
    """Return a wave of 0-1 with period 1."""
    return f32(np.abs(values - np.floor(values) - np.float32(0.5)) * np.float32(2))


def wood() -> Pixels:
    """Boards of sawn timber: growth rings cut lengthwise, fibres, knots and dark joints."""
    x, y = grid(TILE, TILE)
    board_height = np.float32(64)
    board = np.floor(y / board_height)
    offset = board * np.float32(173)
    warp = fractal(11, 2, 8, 3)
    bend = _wrap_sample(warp, x + offset, y * np.float32(0.5) + offset * np.float32(2))
    across = (y - board * board_height) / board_height - np.float32(0.5)
    knot_x = _wrap_sample(value_noise(13, 4, 4), x * 0 + offset, x * 0 + offset) * TILE
    reach = (x - knot_x + TILE * np.float32(1.5)) % TILE - TILE * np.float32(0.5)
    # Cathedral figure: the rings are paraboloids around the pith, cut by the board's plane.
    pith = across * across * np.float32(3.4) + np.abs(reach) * np.float32(0.0032)
    rings = (pith + bend * np.float32(1.7)) * np.float32(5.5)
    saw = rings - np.floor(rings)
    late_wood = smoothstep(saw, 0.35, 0.92) * (np.float32(1) - smoothstep(saw, 0.93, 1.0))
    fibre = stretch(value_noise(17, 32, 512) + value_noise(19, 64, 256))
    pores = smoothstep(value_noise(23, 64, 512), 0.62, 0.85)
    board_tone = _wrap_sample(value_noise(29, 8, 8), x * 0 + offset * 3, x * 0 + offset)
    tone = (
        np.float32(0.14)
        + late_wood * np.float32(0.48)
        + fibre * np.float32(0.20)
        + pores * np.float32(0.14)
        + (board_tone - np.float32(0.5)) * np.float32(0.35)
    )
    edge = np.minimum(y % board_height, board_height - y % board_height)
    joint = np.float32(1) - smoothstep(edge, 0.6, 2.2)
    butt = np.abs((x + offset * np.float32(1.7)) % TILE - np.float32(256))
    joint = np.maximum(joint, np.float32(1) - smoothstep(butt, 0.6, 2.0))
    light = emboss(fibre * np.float32(0.4) - joint, 0.35) * (
        np.float32(1) - joint * np.float32(0.72)
    )
    return _tile(unit(tone), light, unit(np.float32(1) - late_wood))


def stone() -> Pixels:
    """Rough-hewn rock: facets, granules of three minerals, pits and quartz veins."""
    facet, edge = cells(31, 36)
    body = fractal(33, 4, 4, 6)
    grain_tone, grain_edge = cells(35, 4096)
    pits = smoothstep(fractal(37, 32, 32, 3), 0.70, 0.88)
    ragged = soft_tile(unit(edge * np.float32(1 / 64)), 1.6) * np.float32(64)
    crack = np.float32(1) - smoothstep(ragged + body * np.float32(7), 2.5, 7.0)
    vein = smoothstep(ridges(39, 2, 5), 0.955, 0.995)
    tone = (
        np.float32(0.08)
        + body * np.float32(0.40)
        + (grain_tone - np.float32(0.5)) * np.float32(0.42)
        + facet * np.float32(0.28)
        + vein * np.float32(0.5)
    )
    relief = (
        body * np.float32(2.2)
        - crack * np.float32(1.2)
        - pits * np.float32(0.5)
        + unit(grain_edge * np.float32(0.25)) * np.float32(0.14)
    )
    light = emboss(relief, 2.6) * (np.float32(1) - crack * np.float32(0.60))
    light = light * (np.float32(1) - pits * np.float32(0.25))
    return _tile(unit(tone), light, grain_tone * np.float32(0.5))


def metal() -> Pixels:
    """Brushed sheet: hair-fine strokes, a little waviness, seams with rivets."""
    strokes = stretch(value_noise(41, 16, 512) + value_noise(43, 64, 512) * np.float32(0.6))
    waves = fractal(45, 4, 4, 2)
    x, y = grid(TILE, TILE)
    seam = np.minimum(np.abs(y % 256 - np.float32(128)), np.abs(x % 256 - np.float32(128)))
    groove = np.float32(1) - smoothstep(seam, 0.6, 2.0)
    rx, ry = (
        x % 32 - np.float32(16),
        np.minimum(np.abs(y % 256 - np.float32(118)), np.abs(y % 256 - np.float32(138))),
    )
    rivet = np.float32(1) - smoothstep(np.sqrt(rx * rx + ry * ry), 1.6, 3.4)
    light = emboss(strokes * np.float32(0.5) + rivet * np.float32(2.2) - groove, 0.35)
    light = light * (np.float32(1) - groove * np.float32(0.55))
    return _tile(waves, light, strokes)


def paper() -> Pixels:
    """Crumpled paper: flat facets between sharp creases, short fibres."""
    light = np.full((TILE, TILE), 1.0, np.float32)
    crease = np.zeros((TILE, TILE), np.float32)
    height = np.zeros((TILE, TILE), np.float32)
    for seed, count, depth in ((51, 25, 1.0), (53, 81, 0.6), (55, 196, 0.35)):
        tilt, edge = cells(seed, count)
        side = np.float32(TILE / count**0.5)
        ridge = np.float32(1) - smoothstep(edge, 0.0, 2.2)
        light += (tilt - np.float32(0.5)) * np.float32(0.34 * depth)
        height += unit(edge / side) * np.float32(9.0 * depth)
        crease = np.maximum(crease, ridge * np.float32(depth))
    fibre = fractal(57, 64, 64, 3)
    light = light * emboss(height, 0.16) + (fibre - np.float32(0.5)) * np.float32(0.10)
    light = light - crease * np.float32(0.10)
    return _tile(
        unit(np.float32(0.75) - crease * np.float32(0.35) + fibre * np.float32(0.2)), light
    )


def cloth() -> Pixels:
    """Coarse linen: threads over and under, uneven yarn, soft folds."""
    x, y = grid(TILE, TILE)
    pitch = np.float32(8)
    wobble = fractal(61, 8, 8, 3) * np.float32(4)
    warp_at = (x + wobble) / pitch
    weft_at = (y + np.roll(wobble, 91, 1)) / pitch
    warp_round = np.float32(1) - np.square(_triangle(f32(warp_at + np.float32(0.5))))
    weft_round = np.float32(1) - np.square(_triangle(f32(weft_at + np.float32(0.5))))
    over = (np.floor(warp_at) + np.floor(weft_at)) % 2 == 0
    thread = np.where(over, warp_round, weft_round)
    under = np.where(over, weft_round, warp_round)
    height = np.maximum(thread, under * np.float32(0.55))
    yarn = np.where(over, value_noise(63, 64, 8), value_noise(65, 8, 64))
    lint = fractal(67, 64, 64, 2)
    light = (np.float32(0.52) + height * np.float32(0.60)) * emboss(height, 0.22)
    tone = (
        np.float32(0.15)
        + yarn * np.float32(0.35)
        + lint * np.float32(0.2)
        + height * np.float32(0.3)
    )
    return _tile(unit(tone), light)


def folds() -> Pixels:
    """Height of hanging folds, in the first channel."""
    x, _ = grid(TILE, TILE)
    sway = fractal(69, 2, 2, 3)
    run = x / np.float32(128) + sway * np.float32(2.4)
    wave = _triangle(run)
    soft = wave * wave * (np.float32(3) - np.float32(2) * wave)
    return _tile(soft_tile(soft, 3.0), np.ones_like(soft))


def leather() -> Pixels:
    """Tanned hide: pebbled cells between fine wrinkles."""
    tone, edge = cells(73, 2500)
    wear = fractal(75, 4, 4, 4)
    dome = unit(edge * np.float32(0.28))
    wrinkle = smoothstep(ridges(77, 8, 3), 0.93, 0.99)
    light = emboss(soft_tile(dome, 0.8) - wrinkle * np.float32(0.6), 0.75)
    light = light * (np.float32(0.80) + dome * np.float32(0.24))
    return _tile(unit(wear * np.float32(0.7) + tone * np.float32(0.25)), light, dome)


def ceramic() -> Pixels:
    """Glaze: faint clouds and a net of hairline cracks."""
    cloud = fractal(79, 4, 4, 3)
    _, edge = cells(81, 144)
    craze = np.float32(1) - smoothstep(edge, 0.0, 1.2)
    return _tile(
        unit(np.float32(0.25) + cloud * np.float32(0.5) + craze * np.float32(0.3)),
        np.float32(1) - craze * np.float32(0.22),
    )


def grit() -> Pixels:
    """Very fine unevenness, for smooth surfaces."""
    fine = soft_tile(speckle(83), 0.8)
    return _tile(
        stretch(fine), np.float32(1) + (stretch(fine) - np.float32(0.5)) * np.float32(0.05)
    )
