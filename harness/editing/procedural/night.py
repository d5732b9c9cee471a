"""Night: dark blue light, lit windows, lamps and the lights of vehicles."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from harness.editing.procedural.air import (
    brightness,
    edge_fade,
    muted,
    rgb,
    sprites,
    unit_image,
)
from harness.editing.procedural.fields import (
    Field,
    Mask,
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
from harness.editing.procedural.scene import Scene
from harness.editing.procedural.textures import Textures
from harness.editing.roles import Role

_VEHICLES = ("car", "bus", "truck", "train", "motorbike", "motorcycle", "caravan", "trailer")

_WARM = (1.0, 0.74, 0.40)
_WHITE = (1.0, 0.95, 0.82)
_RED = (1.0, 0.12, 0.07)
_MOON = (0.86, 0.90, 1.0)


@dataclass(frozen=True, kw_only=True)
class Lamp:
    """A light in the image."""

    x: float
    y: float
    reach: float
    """Radius of the lit surroundings in pixels."""
    core: float
    """Radius of the light itself in pixels."""
    tint: tuple[float, float, float]
    power: float
    """How strongly it lights its surroundings."""


def stars() -> Pixels:
    """A tile of stars."""
    return sprites(171, 260, radius=(0.4, 0.9), softness=0.5)


def _components(mask: Mask) -> tuple[list[list[int]], NDArray[np.int32]]:
    """Return boxes and areas (x, y, width, height, area) of the parts of `mask`, and the parts."""
    _, parts, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    return stats[1:].tolist(), np.asarray(parts, dtype=np.int32)


def _vehicle_lamps(scene: Scene) -> list[Lamp]:
    """Return a pair of lights for each vehicle: tail lights, or headlights on the oncoming side."""
    lamps: list[Lamp] = []
    width = scene.source.label.shape[1]
    # A camera on a road sees the backs of what drives before it; a photographer faces fronts.
    streets = (scene.roles == Role.GROUND).any()
    for name in _VEHICLES:
        entry = scene.source.label_space.by_name(name)
        if entry is None:
            continue
        boxes, parts = _components(scene.source.label == entry.id)
        for index, (x, y, w, h, area) in enumerate(boxes, start=1):
            if area < parts.size // 900 or w > 4 * h:
                continue
            oncoming = not streets or x + w / 2 > width * 0.62
            lamps.extend(_pair(parts == index, (x, y, w, h), oncoming=oncoming))
    return lamps[:16]


def _pair(part: Mask, box: tuple[int, int, int, int], *, oncoming: bool) -> list[Lamp]:
    x, y, w, h = box
    row = min(part.shape[0] - 1, y + round(h * 0.60))
    columns = np.flatnonzero(part[row, x : x + w])
    if columns.size < 4:
        return []
    left, right = x + int(columns[0]), x + int(columns[-1])
    inset = (right - left) * 0.13
    return [
        Lamp(
            x=at,
            y=float(row),
            reach=max(6.0, w * (0.34 if oncoming else 0.22)),
            core=max(1.3, w * 0.035),
            tint=_WHITE if oncoming else _RED,
            power=1.5 if oncoming else 0.9,
        )
        for at in (left + inset, right - inset)
    ]


def _street_lamps(scene: Scene) -> list[Lamp]:
    """Return a lamp at the top of each tall pole."""
    height = scene.source.label.shape[0]
    boxes, parts = _components(scene.roles == Role.THIN)
    tall = sorted(
        ((box[3], index) for index, box in enumerate(boxes, start=1) if box[3] > height * 0.14),
        reverse=True,
    )
    lamps = []
    for tallness, index in tall[:6]:
        x, y, w, _, _ = boxes[index - 1]
        if y < 3:
            continue
        top = np.flatnonzero(parts[y, x : x + w] == index)
        lamps.append(
            Lamp(
                x=float(x + int(top[top.size // 2])),
                y=float(y + 1),
                reach=tallness * 0.62,
                core=max(1.6, tallness * 0.022),
                tint=_WARM,
                power=1.7,
            )
        )
    return lamps


def _moon(scene: Scene, random: np.random.Generator) -> list[Lamp]:
    """Return a moon where the sky is deep enough for one."""
    sky = scene.layout.sky
    height, width = sky.shape
    radius = max(3, height // 34)
    room = cv2.erode(
        sky.astype(np.uint8), np.ones((4 * radius + 1, 4 * radius + 1), np.uint8), borderValue=0
    )
    rows, columns = np.nonzero(room)
    if rows.size < 40:
        return []
    chosen = int(random.integers(0, rows.size))
    return [
        Lamp(
            x=float(columns[chosen]),
            y=float(rows[chosen]),
            reach=width * 0.16,
            core=float(radius),
            tint=_MOON,
            power=0.32,
        )
    ]


def _windows(scene: Scene, random: np.random.Generator) -> Field:
    """Return lit windows, 0-1: some of the dark upright patches in buildings."""
    built = scene.roles == Role.BUILT
    if not built.any():
        return np.zeros(built.shape, np.float32)
    grey = cv2.cvtColor(scene.image, cv2.COLOR_RGB2GRAY)
    around = cv2.blur(grey, (25, 25))
    darker = (around.astype(np.int16) - grey > np.maximum(8, around // 7)) & built
    opened = cv2.morphologyEx(darker.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    boxes, _ = _components(opened > 0)
    limit = built.size // 160
    lit = np.zeros(built.shape, np.float32)
    glow = random.random(len(boxes)).tolist()
    for (x, y, w, h, area), light in zip(boxes, glow, strict=True):
        upright = 10 <= area <= limit and area * 5 > w * h * 2 and w < 3 * h and h < 4 * w
        if upright and light > 0.42:
            lit[y : y + h, x : x + w] = 0.45 + 0.55 * light
            # The bars of the frame.
            lit[y + h // 2, x : x + w] *= np.float32(0.45)
            lit[y : y + h, x + w // 2] *= np.float32(0.45)
    return f32(lit * built)


def _shine(lamps: list[Lamp], shape: tuple[int, int]) -> tuple[Field, Field]:
    """Return light that falls on surfaces, and glare seen in the lens, [H, W, 3] each."""
    height, width = shape
    step = 4
    rows, columns = -(-height // step), -(-width // step)
    x, y = grid(rows, columns)
    x, y = x * np.float32(step), y * np.float32(step)
    pool = np.zeros((rows, columns, 3), np.float32)
    for lamp in lamps:
        dx = (x - np.float32(lamp.x)) / np.float32(lamp.reach)
        # Light spreads further down, on the ground, than up into the air.
        dy = (y - np.float32(lamp.y)) / np.float32(lamp.reach)
        dy = np.where(dy > 0, dy * np.float32(0.7), dy * np.float32(1.3))
        fall = np.float32(1) / (np.float32(1) + (dx * dx + dy * dy) * np.float32(3.0))
        pool += (fall * fall * np.float32(lamp.power))[..., None] * rgb(*lamp.tint)
    fixed = (np.clip(pool * np.float32(0.25), 0, 1) * np.float32(65535)).astype(np.uint16)
    full = cv2.resize(fixed, (columns * step, rows * step), interpolation=cv2.INTER_LINEAR_EXACT)
    light = f32(full[:height, :width]) * np.float32(4 / 65535)
    return light, _glare(lamps, shape)


def _glare(lamps: list[Lamp], shape: tuple[int, int]) -> Field:
    """Return the lights themselves with a halo around each."""
    height, width = shape
    glare = np.zeros((height, width, 3), np.float32)
    for lamp in lamps:
        reach = int(lamp.core * 9) + 3
        y0, y1 = max(0, int(lamp.y) - reach), min(height, int(lamp.y) + reach + 1)
        x0, x1 = max(0, int(lamp.x) - reach), min(width, int(lamp.x) + reach + 1)
        if y0 >= y1 or x0 >= x1:
            continue
        x, y = grid(y1 - y0, x1 - x0)
        dx, dy = x + np.float32(x0 - lamp.x), y + np.float32(y0 - lamp.y)
        distance = np.sqrt(dx * dx + dy * dy) / np.float32(lamp.core)
        core = np.float32(1) - smoothstep(distance, 0.7, 1.3)
        halo = np.float32(1) / (np.float32(1) + distance * distance * np.float32(0.9))
        halo = np.maximum(halo - np.float32(1 / 74), np.float32(0)) * np.float32(0.75)
        tint = rgb(*lamp.tint)
        spot = (
            core[..., None] * (tint * np.float32(0.35) + np.float32(0.65)) + halo[..., None] * tint
        )
        glare[y0:y1, x0:x1] = np.maximum(glare[y0:y1, x0:x1], spot)
    return glare


def _heavens(scene: Scene, dark: Field, seed: int, textures: Textures) -> Field:
    """Return the scene with a deep blue, starred sky that keeps a trace of its clouds."""
    sky = scene.layout.sky
    height, width = sky.shape
    x, y = grid(height, width)
    up = unit(np.float32(1) - y / np.float32(max(1.0, scene.layout.horizon)))
    cloud = muted(unit_image(scene.image), 0.0)
    deep = mix(
        np.broadcast_to(rgb(0.10, 0.13, 0.22), dark.shape),
        np.broadcast_to(rgb(0.020, 0.030, 0.075), dark.shape),
        up,
    )
    deep = deep * (np.float32(0.75) + cloud * np.float32(0.5))
    shift = f32(generator(seed).integers(0, 512, 2))
    twinkle = unit_image(sample_tile(textures.of(stars), x + shift[0], y + shift[1])) * up
    deep = deep + twinkle[..., None] * rgb(0.75, 0.80, 0.95)
    return mix(dark, deep, soften(sky.astype(np.float32), 1.0))


def night(scene: Scene, seed: int, textures: Textures) -> Pixels:
    """Return the scene at night."""
    random = generator(seed)
    image = unit_image(scene.image)
    surface = image * image
    typical = brightness(scene.image)
    ambient = min(0.24, 0.07 + 0.016 / max(0.05, typical * typical))
    blue = muted(surface, 0.42) * rgb(0.62, 0.82, 1.42) * np.float32(ambient)
    blue = blue * (np.float32(1.12) - edge_fade(*scene.roles.shape) * np.float32(0.45))[..., None]
    lamps = _street_lamps(scene) + _vehicle_lamps(scene)
    moon = _moon(scene, random)
    light, glare = _shine(lamps, scene.roles.shape)
    _, disc = _shine(moon, scene.roles.shape)
    lit = blue + muted(surface, 0.8) * light * np.float32(0.42)
    dark = np.sqrt(np.clip(lit, 0, 1))
    dark = _heavens(scene, dark, seed + 1, textures)
    window = _windows(scene, random)
    pane = np.broadcast_to(rgb(1.0, 0.80, 0.45), dark.shape) * (
        np.float32(0.72) + muted(image, 0.0) * np.float32(0.5)
    )
    dark = mix(dark, pane, soften(window, 0.7) * np.float32(0.9))
    dark = dark + soften(window, 5.0)[..., None] * rgb(0.22, 0.15, 0.06)
    return pixels(dark + (glare + disc) * (np.float32(1) - np.clip(dark, 0, 1) * np.float32(0.5)))
