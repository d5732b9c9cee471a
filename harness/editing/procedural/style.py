"""Renders the whole image as a painting, a pencil sketch or an oil pastel."""

import cv2
import numpy as np

from harness.editing.procedural.fields import (
    Field,
    Pixels,
    blur,
    f32,
    generator,
    gradient,
    grid,
    levels,
    mix,
    pixels,
    sample_tile,
    smoothstep,
    soften,
    unit,
)
from harness.editing.procedural.noise import fractal, soft_tile, speckle, stretch, value_noise
from harness.editing.procedural.strokes import Brush, bristles, flow_of, lay_strokes, swirl
from harness.editing.procedural.textures import Textures


def tooth() -> Pixels:
    """Height of rough drawing paper."""
    rough = soft_tile(speckle(111), 1.1)
    return pixels(stretch(stretch(rough) + fractal(113, 64, 64, 2) * np.float32(0.6)))


def graphite() -> Pixels:
    """Pencil strokes along x: parallel lines of uneven pressure that break off."""
    _, y = grid(512, 512)
    sway = value_noise(115, 4, 8) * np.float32(10) + value_noise(117, 2, 64) * np.float32(3)
    at = (y + sway) * np.float32(1 / 6.4)
    line = np.abs(at - np.floor(at) - np.float32(0.5)) * np.float32(2)
    pressure = stretch(value_noise(119, 8, 128) + value_noise(121, 32, 256) * np.float32(0.4))
    return pixels(smoothstep(line, 0.15, 0.95) * (np.float32(0.35) + pressure * np.float32(0.75)))


def _saturated(image: Pixels, gain: float, contrast: float) -> Pixels:
    grey = f32(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY))[..., None]
    vivid = grey + (f32(image) - grey) * np.float32(gain)
    vivid = np.float32(128) + (vivid - np.float32(128)) * np.float32(contrast)
    return levels(vivid)


def _lifted(image: Pixels) -> Pixels:
    """Return a dark image brightened by a square-root curve, a bright one as it is."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    typical = int(np.partition(grey, grey.size * 6 // 10, axis=None)[grey.size * 6 // 10])
    share = min(1.0, max(0.0, (110 - typical) / 80))
    values = np.arange(256, dtype=np.float32)
    lifted = np.sqrt(values * np.float32(255))
    curve = values + (lifted - values) * np.float32(0.75 * share)
    return np.take(levels(curve), image)


def _brushes(height: int, width: int) -> tuple[Brush, Brush, Brush]:
    """Return a broad, a middle and a fine brush for an image of this size."""
    unit_width = max(1.0, min(height, width) / 360)
    sizes = ((9, 13, 34, 12.0), (7, 7, 20, 9.0), (4, 3, 11, 6.0))
    broad, middle, fine = (
        Brush(
            spacing=max(2, round(s * unit_width)),
            width=max(1, round(w * unit_width)),
            length=max(3, round(n * unit_width)),
            wander=c,
        )
        for s, w, n, c in sizes
    )
    return broad, middle, fine


def painting(image: Pixels, seed: int, textures: Textures) -> Pixels:
    """Return the image in oil: broad strokes first, finer ones where there is more to see."""
    random = generator(seed)
    hairs = textures.of(bristles)
    vivid = _saturated(_lifted(image), 1.28, 1.05)
    flow = flow_of(image, textures.of(swirl), 5)
    canvas = f32(cv2.medianBlur(vivid, 5))
    height = np.zeros(image.shape[:2], np.float32)
    for brush, soft, least in zip(
        _brushes(*image.shape[:2]), (4.0, 1.8, 0.7), (0.0, 0.22, 0.50), strict=True
    ):
        source = blur(vivid, soft)
        layer = lay_strokes(source, flow, brush, random=random, least_detail=least, hairs=hairs)
        streak = (layer.bristle - np.float32(0.5)) * np.float32(26)
        canvas = np.where(layer.covered[..., None], layer.colour + streak[..., None], canvas)
        ridge = layer.bristle * np.float32(0.55) + (np.float32(1) - layer.profile * layer.profile)
        height = np.where(layer.covered, ridge + np.float32(0.3), height)
    slope_x, slope_y = gradient(soften(height * np.float32(0.4), 0.7))
    lit = np.float32(1) + np.clip((slope_x + slope_y) * np.float32(1.15), -0.22, 0.26)
    return levels(f32(canvas * lit[..., None]))


def _tones(image: Pixels) -> Field:
    """Return the image's brightness, 0-1, stretched so that a dark scene fills the paper too."""
    grey = f32(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)) * np.float32(1 / 255)
    ranks = (grey.size * 2 // 100, grey.size * 96 // 100)
    ordered = np.partition(grey, ranks, axis=None)
    low, high = ordered[ranks[0]], ordered[ranks[1]]
    full = unit((grey - low) / np.maximum(high - low, np.float32(0.08)))
    local = soften(full, max(2.0, min(grey.shape) / 14))
    # Where a whole region is dark, hatching alone would drown what is in it.
    return unit(
        full * np.float32(0.62)
        + (full - local) * np.float32(0.75)
        + np.float32(0.36) * np.sqrt(local)
    )


def sketch(image: Pixels, seed: int, textures: Textures) -> Pixels:
    """Return the image in pencil: contours, then hatching in three directions as it darkens."""
    random = generator(seed)
    tone = _tones(image)
    x, y = grid(*tone.shape)
    scale = np.float32(1 / max(1.0, min(tone.shape) / 480))
    dark = np.zeros_like(tone)
    lines = textures.of(graphite)
    for cos, sin, threshold in ((0.80, 0.60, 0.80), (0.85, -0.53, 0.56), (0.35, 0.94, 0.36)):
        shift = f32(random.integers(0, 512, 2))
        u = (x * np.float32(cos) - y * np.float32(sin)) * scale + shift[0]
        v = (x * np.float32(sin) + y * np.float32(cos)) * scale * np.float32(1.35) + shift[1]
        mark = f32(sample_tile(lines, u, v)) * np.float32(1 / 255)
        amount = np.float32(1) - smoothstep(tone, threshold - 0.30, threshold + 0.04)
        dark = f32(dark + mark * amount * np.float32(0.40))
    edges = _contours(tone)
    paper = f32(sample_tile(textures.of(tooth), x, y)) * np.float32(1 / 255)
    deposit = unit(dark * (np.float32(0.55) + paper * np.float32(0.75)) + edges)
    deposit = unit(deposit + (np.float32(1) - tone) * np.float32(0.14))
    sheet = (
        np.array([247.0, 244.0, 236.0], np.float32)
        * (np.float32(0.965) + paper * np.float32(0.035))[..., None]
    )
    lead = np.array([52.0, 51.0, 56.0], np.float32)
    drawn = mix(sheet, np.broadcast_to(lead, sheet.shape), deposit * np.float32(0.95))
    return levels(drawn)


def _contours(tone: Field) -> Field:
    """Return pencil lines, 0-1, where the image is darker than its surroundings."""
    calm = soften(tone, 0.8)
    fine = calm / np.maximum(soften(tone, 2.6), np.float32(0.06))
    broad = soften(tone, 1.6) / np.maximum(soften(tone, 6.0), np.float32(0.06))
    thin = np.float32(1) - smoothstep(f32(fine), 0.70, 0.965)
    thick = np.float32(1) - smoothstep(f32(broad), 0.45, 0.92)
    return unit(thin * np.float32(0.85) + thick * np.float32(0.30))


def oil_pastel(image: Pixels, seed: int, textures: Textures) -> Pixels:
    """Return the image in oil pastel: short waxy strokes that catch on the paper's tooth."""
    random = generator(seed)
    height, width = image.shape[:2]
    hairs = textures.of(bristles)
    vivid = _saturated(_lifted(image), 1.7, 1.10)
    # Few sticks: colours come in steps.
    stepped = ((vivid.astype(np.uint16) + 14) // 28 * 28).clip(0, 255).astype(np.uint8)
    flow = flow_of(image, textures.of(swirl), 7)
    x, y = grid(height, width)
    shift = f32(random.integers(0, 512, 2))
    grain = f32(sample_tile(textures.of(tooth), x + shift[0], y + shift[1])) * np.float32(1 / 255)
    sheet = np.broadcast_to(np.array([222.0, 208.0, 182.0], np.float32), (height, width, 3))
    # A rubbed ground of thin wax lies under the strokes, so that only the deepest pits stay bare.
    ground = f32(blur(stepped, 6.0))
    canvas: Field = mix(sheet, ground, np.float32(0.45) + grain * np.float32(0.40))
    unit_width = max(1.0, min(height, width) / 360)
    for spacing, thick, length, soft, least, rubbed in (
        (9, 13, 24, 5.0, 0.0, 0.90),
        (8, 8, 17, 2.5, 0.0, 0.66),
        (5, 4, 12, 1.0, 0.36, 0.78),
    ):
        brush = Brush(
            spacing=max(2, round(spacing * unit_width)),
            width=max(1, round(thick * unit_width)),
            length=max(3, round(length * unit_width)),
            wander=17.0,
        )
        source = blur(stepped, soft)
        layer = lay_strokes(source, flow, brush, random=random, least_detail=least, hairs=hairs)
        pressure = np.float32(rubbed) + (layer.bristle - np.float32(0.5)) * np.float32(0.75)
        pressure = pressure - layer.profile * np.float32(0.22)
        wax = smoothstep(grain + pressure, 0.78, 1.02) * layer.covered
        thickness = np.float32(0.93) + grain * np.float32(0.14)
        canvas = mix(canvas, layer.colour * thickness[..., None], wax)
    return levels(canvas)


def render_style(image: Pixels, value: str, seed: int, textures: Textures) -> Pixels:
    """Return the image in the style `value`."""
    match value:
        case "painting":
            return painting(image, seed, textures)
        case "sketch":
            return sketch(image, seed, textures)
        case _:
            return oil_pastel(image, seed, textures)
