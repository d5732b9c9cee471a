"""How an object joins a photograph: coverage, light, sharpness, contact; nothing of where it goes.

All functions are pure. Resampling and blurring are Pillow's 8-bit integer routines, so that the
same input gives the same pixels on every machine with the same Pillow.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

CLASS_COVERAGE = 0.6
"""From this share of a pixel on, its label is the object's class."""
BACKGROUND_COVERAGE = 0.85
"""From this share of background on, its label is background; between the two it is ignored."""
IGNORE = 255
BLOCK = 12
"""Pixels per cell of the coarse grid that local light is compared on."""


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One object on the canvas."""

    rgb: NDArray[np.uint8]
    """Its colours, [H, W, 3]; only what its coverage shows matters."""
    coverage: NDArray[np.float32]
    """The share of every pixel that it covers, [H, W], 0-1."""
    class_id: int
    """Its VOC id."""


class Contact(StrEnum):
    """How an object meets what is below it."""

    STANDS = "stands"
    """It casts a soft shadow on the ground."""
    LIES = "lies"
    """It shades the ground all along its lower side."""
    SWIMS = "swims"
    """The water mirrors it."""
    FLIES = "flies"
    """It touches nothing."""


def put_on_canvas(
    rgb: NDArray[np.uint8],
    alpha: NDArray[np.uint8],
    *,
    size: tuple[int, int],
    corner: tuple[int, int],
    canvas: tuple[int, int],
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Return colours and coverage of a cut-out resized to `size` with its corner at `corner`.

    Sizes are (width, height), the corner is (x, y); what lies outside the canvas is cut off.
    """
    image = Image.fromarray(rgb).resize(size, Image.Resampling.BICUBIC)
    matte = Image.fromarray(alpha).resize(size, Image.Resampling.BICUBIC)
    colours = Image.new("RGB", canvas)
    colours.paste(image, corner)
    coverage = Image.new("L", canvas)
    coverage.paste(matte, corner)
    return np.asarray(colours), _shares(coverage)


def lay_over(
    below: NDArray[np.uint8], rgb: NDArray[np.uint8], coverage: NDArray[np.float32]
) -> NDArray[np.uint8]:
    """Return `rgb` over `below` by its coverage: below x (1 - a) + rgb x a, rounded."""
    share = coverage[..., None]
    mixed = below.astype(np.float32) * (1 - share) + rgb.astype(np.float32) * share
    return np.clip(np.rint(mixed), 0, 255).astype(np.uint8)


def visible_shares(coverages: list[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
    """Return what remains visible of each layer, back to front: coverage x the gaps in front."""
    shares: list[NDArray[np.float32]] = []
    gap: NDArray[np.float32] | None = None
    for coverage in reversed(coverages):
        shares.append(coverage if gap is None else coverage * gap)
        gap = 1 - coverage if gap is None else gap * (1 - coverage)
    return shares[::-1]


def label_of(layers: list[Layer], shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Return the VOC label: a class where it fills most of a pixel, ignore where it is mixed."""
    shares = visible_shares([layer.coverage for layer in layers])
    background = np.ones(shape, dtype=np.float32)
    by_class: dict[int, NDArray[np.float32]] = {}
    for layer, share in zip(layers, shares, strict=True):
        background = background - share
        by_class[layer.class_id] = by_class.get(layer.class_id, np.float32(0)) + share
    label = np.full(shape, IGNORE, dtype=np.uint8)
    label[background >= BACKGROUND_COVERAGE] = 0
    for class_id, share in by_class.items():
        label[share >= CLASS_COVERAGE] = class_id
    return label


def visible_mask(layers: list[Layer], index: int) -> NDArray[np.bool_]:
    """Return where the layer `index` fills most of a pixel, after what stands before it."""
    return visible_shares([layer.coverage for layer in layers])[index] >= CLASS_COVERAGE


def match_light(
    rgb: NDArray[np.uint8],
    coverage: NDArray[np.float32],
    scene: NDArray[np.uint8],
    *,
    strength: float,
) -> NDArray[np.uint8]:
    """Return the object's colours drawn towards the light of the scene around it.

    Tint and brightness follow the scene's mean near the object, contrast its spread; `strength`
    0 leaves the object as it is. Gains are bounded so that a white sheep stays white.
    """
    weight = coverage[..., None]
    total = max(float(coverage.sum()), 1.0)
    near = _surroundings(coverage)[..., None]
    near_total = max(float(near.sum()), 1.0)
    pixels: NDArray[np.float32] = rgb.astype(np.float32)
    mean = (pixels * weight).sum((0, 1)) / total
    around = (scene.astype(np.float32) * near).sum((0, 1)) / near_total
    luma = np.array([0.299, 0.587, 0.114], dtype=np.float32)
    brightness = float(np.clip((around @ luma) / max(float(mean @ luma), 1), 0.5, 2)) ** strength
    tint = np.clip(around / max(float(around @ luma), 1), 0.7, 1.4) ** (strength * 0.5)
    gain = np.clip(brightness * tint, 0.62, 1.12)
    lit: NDArray[np.uint8] = np.clip(np.rint(pixels * gain), 0, 255).astype(np.uint8)
    return lit


def soften(rgb: NDArray[np.uint8], radius: float) -> NDArray[np.uint8]:
    """Return the image blurred by a Gaussian of `radius` pixels; 0 returns it unchanged."""
    if radius <= 0:
        return rgb
    return np.asarray(Image.fromarray(rgb).filter(ImageFilter.GaussianBlur(radius)))


def blur_with_depth(
    rgb: NDArray[np.uint8], *, radius: float, sharp_from: int, blurred_above: int
) -> NDArray[np.uint8]:
    """Return the photograph with what lies far away out of focus.

    Rows from `sharp_from` down stay sharp, rows above `blurred_above` get the full `radius`.
    """
    if radius <= 0:
        return rgb
    rows = np.arange(rgb.shape[0], dtype=np.float32)
    span = max(sharp_from - blurred_above, 1)
    share = np.clip((sharp_from - rows) / span, 0, 1)
    coverage = np.broadcast_to(share[:, None], rgb.shape[:2]).astype(np.float32)
    return lay_over(rgb, soften(rgb, radius), coverage)


def shade_below(
    scene: NDArray[np.uint8], coverage: NDArray[np.float32], *, depth: float
) -> NDArray[np.uint8]:
    """Return the scene darkened along the lower side of an object that is seen from above.

    The shadow is the object's outline, moved down by a twentieth of its height and blurred.
    """
    box = bounding_box(coverage > 0.5)
    if box is None:
        return scene
    height = box[3] - box[1]
    plane = Image.fromarray(np.rint(coverage * 255).astype(np.uint8))
    moved = Image.new("L", plane.size)
    moved.paste(plane, (0, round(0.05 * height)))
    dark = np.asarray(moved.filter(ImageFilter.GaussianBlur(max(1.5, 0.035 * height))))
    keep = 1 - depth * dark.astype(np.float32) / 255
    return np.clip(np.rint(scene * keep[..., None]), 0, 255).astype(np.uint8)


def cast_shadow(
    scene: NDArray[np.uint8],
    coverage: NDArray[np.float32],
    *,
    depth: float,
    shift: float,
) -> NDArray[np.uint8]:
    """Return the scene darkened under an object that stands in it.

    A wide soft shadow is the object pressed flat at its foot, shifted sideways by `shift` of its
    height; a narrow dark one lies where it touches the ground. `depth` 0-1 is how dark they are.
    """
    box = bounding_box(coverage > 0.5)
    if box is None:
        return scene
    left, top, right, bottom = box
    height, width = bottom - top, right - left
    body = Image.fromarray(np.rint(coverage[top:bottom, left:right] * 255).astype(np.uint8))
    flat = max(3, round(0.16 * height))
    size = (scene.shape[1], scene.shape[0])
    wide = Image.new("L", size)
    pressed = body.resize((width, flat), Image.Resampling.BOX)
    wide.paste(pressed, (left + round(shift * height), bottom - round(0.72 * flat)))
    wide = wide.filter(ImageFilter.GaussianBlur(max(1.5, 0.035 * height)))
    narrow = Image.new("L", size)
    sole = max(2, round(0.05 * height))
    feet = body.crop((0, height - sole, width, height)).resize((width, max(2, sole // 2)))
    narrow.paste(feet, (left, bottom - max(2, sole // 2) + 1))
    narrow = narrow.filter(ImageFilter.GaussianBlur(max(1.0, 0.012 * height)))
    dark = 0.75 * np.asarray(wide).astype(np.float32) + 0.9 * np.asarray(narrow).astype(np.float32)
    keep = 1 - depth * np.clip(dark / 255, 0, 1)
    return np.clip(np.rint(scene * keep[..., None]), 0, 255).astype(np.uint8)


def mirror_in_water(
    scene: NDArray[np.uint8],
    rgb: NDArray[np.uint8],
    coverage: NDArray[np.float32],
    *,
    depth: float,
    ripple: NDArray[np.float32],
) -> NDArray[np.uint8]:
    """Return the scene with the object's broken, fading reflection below its waterline.

    `ripple` holds one sideways shift in pixels for every canvas row.
    """
    box = bounding_box(coverage > 0.5)
    if box is None:
        return scene
    bottom = box[3]
    rows = np.arange(scene.shape[0])
    below = rows >= bottom
    # The mirrored row, shortened because the water is seen at a low angle.
    source = np.clip(bottom - 1 - np.rint((rows - bottom) * 1.25), 0, bottom - 1).astype(int)
    columns = np.arange(scene.shape[1])[None, :]
    shifted = np.clip(columns + np.rint(ripple)[:, None].astype(int), 0, scene.shape[1] - 1)
    colours = rgb[source[:, None], shifted]
    share = coverage[source[:, None], shifted] * below[:, None]
    fade = np.clip(1 - (rows - bottom) / max(0.8 * (bottom - box[1]), 1), 0, 1) * depth
    softened = Image.fromarray(np.rint(share * fade[:, None] * 255).astype(np.uint8)).filter(
        ImageFilter.GaussianBlur(1.2)
    )
    darker = (colours.astype(np.float32) * 0.8).astype(np.uint8)
    return lay_over(scene, soften(darker, 1.0), _shares(softened))


def sink_into_grass(
    coverage: NDArray[np.float32], *, blade: float, noise: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the coverage with its lowest part hidden behind blades of grass.

    `blade` is the longest blade in pixels; `noise` [W] in 0-1 says how long it is in each column.
    Only columns in which the object reaches the ground are touched.
    """
    box = bounding_box(coverage > 0.5)
    if box is None or blade < 1:
        return coverage
    _, top, _, bottom = box
    rows = np.arange(coverage.shape[0], dtype=np.float32)[:, None]
    covered = coverage > 0.5
    lowest = np.where(
        covered.any(0), coverage.shape[0] - 1 - np.argmax(covered[::-1], axis=0), -1
    ).astype(np.float32)
    reaches = lowest >= bottom - max(0.14 * (bottom - top), blade)
    edge = lowest - noise * blade
    shown = np.clip(edge[None, :] - rows + 0.5, 0, 1)
    return np.where(reaches[None, :], coverage * shown, coverage).astype(np.float32)


def bounding_box(mask: NDArray[np.bool_]) -> tuple[int, int, int, int] | None:
    """Return left, top, right, bottom of what is set in `mask`, or None where nothing is."""
    rows = np.flatnonzero(mask.any(1))
    columns = np.flatnonzero(mask.any(0))
    if rows.size == 0:
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _surroundings(coverage: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a weight for the pixels around the object, falling off over a fifth of the image."""
    size = (coverage.shape[1], coverage.shape[0])
    coarse = (max(1, size[0] // BLOCK), max(1, size[1] // BLOCK))
    image = Image.fromarray(np.rint(coverage * 255).astype(np.uint8)).resize(coarse)
    spread = image.filter(ImageFilter.GaussianBlur(5)).resize(size, Image.Resampling.BILINEAR)
    return _shares(spread) * (1 - coverage)


def _shares(plane: Image.Image) -> NDArray[np.float32]:
    """Return an 8-bit plane as shares, 0-1."""
    return np.asarray(np.asarray(plane).astype(np.float32) / 255, dtype=np.float32)
