"""Turns a background, a view and placed cut-outs into image, label and mask; draws no lots."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmark_data.composer.blending import (
    Contact,
    Layer,
    blur_with_depth,
    cast_shadow,
    label_of,
    lay_over,
    match_light,
    mirror_in_water,
    put_on_canvas,
    shade_below,
    sink_into_grass,
    soften,
    visible_mask,
)
from benchmark_data.composer.catalogue import Habitat, Surface
from benchmark_data.composer.library import Background, Cutout
from benchmark_data.composer.placement import Placement, View

CANVAS = (480, 360)
"""Width and height of every scene."""


@dataclass(frozen=True, kw_only=True)
class Finish:
    """How the parts are made to look like one photograph."""

    light: float = 0.45
    """How far objects take on the scene's light, 0-1."""
    shadow: float = 0.55
    """How dark contact shadows are, 0-1."""
    reflection: float = 0.5
    """How strong reflections in water are, 0-1."""
    gains: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Colour gains of the objects, for augmentation."""
    softness: float = 0.0
    """Blur radius of the whole image in pixels, for augmentation."""


@dataclass(frozen=True, kw_only=True)
class Composition:
    """Rendered pixels of a scene."""

    image: NDArray[np.uint8]
    """RGB, [H, W, 3]."""
    label: NDArray[np.uint8]
    """VOC ids with 255 where a pixel is mixed, [H, W]."""
    masks: tuple[NDArray[np.bool_], ...]
    """The visible pixels of every object, in the order they were given."""


def render_view(background: Background, view: View) -> NDArray[np.uint8]:
    """Return the view's pixels at canvas size."""
    image = Image.fromarray(background.rgb).resize(
        CANVAS, Image.Resampling.LANCZOS, box=view.box, reducing_gap=3.0
    )
    if view.mirrored:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return np.asarray(image)


def render_scene(
    background: Background,
    view: View,
    objects: list[tuple[Cutout, Placement]],
    generator: np.random.Generator,
    *,
    finish: Finish,
) -> Composition:
    """Return the scene with `objects` in it; those whose foot is lower stand in front."""
    scene = render_view(background, view)
    if objects:
        scene = blur_with_depth(
            scene,
            radius=_depth_blur(objects),
            sharp_from=min(max(p.foot for _, p in objects), CANVAS[1]),
            blurred_above=round((view.horizon or 0.5) * CANVAS[1]),
        )
    order = sorted(range(len(objects)), key=lambda index: objects[index][1].foot)
    layers: dict[int, Layer] = {}
    for index in order:
        cutout, placement = objects[index]
        scene, layers[index] = _add(scene, cutout, placement, background, generator, finish)
    stacked = [layers[index] for index in order]
    masks = {index: visible_mask(stacked, depth) for depth, index in enumerate(order)}
    return Composition(
        image=soften(scene, finish.softness),
        label=label_of(stacked, (CANVAS[1], CANVAS[0])),
        masks=tuple(masks[index] for index in range(len(objects))),
    )


def contact_of(cutout: Cutout, background: Background) -> Contact:
    """Return how the object meets what is below it on this background."""
    if set(cutout.asset.habitats) == {Habitat.SKY} or background.asset.surface is Surface.NONE:
        return Contact.FLIES
    if background.asset.surface is Surface.WATER:
        return Contact.SWIMS
    return Contact.LIES if cutout.asset.lies else Contact.STANDS


def _add(
    scene: NDArray[np.uint8],
    cutout: Cutout,
    placement: Placement,
    background: Background,
    generator: np.random.Generator,
    finish: Finish,
) -> tuple[NDArray[np.uint8], Layer]:
    """Return the scene with one more object, and that object's layer."""
    rgb, coverage = _on_canvas(cutout, placement)
    contact = contact_of(cutout, background)
    if contact is Contact.SWIMS and cutout.asset.draught > 0:
        waterline = placement.foot - round(cutout.asset.draught * placement.height)
        coverage[max(waterline, 0) :] = 0
    rgb = match_light(rgb, coverage, scene, strength=finish.light)
    rgb = np.clip(np.rint(rgb * np.array(finish.gains, dtype=np.float32)), 0, 255).astype(np.uint8)
    match contact:
        case Contact.STANDS:
            shift = float(generator.uniform(-0.08, 0.08))
            scene = cast_shadow(scene, coverage, depth=finish.shadow, shift=shift)
        case Contact.LIES:
            scene = shade_below(scene, coverage, depth=finish.shadow)
        case Contact.SWIMS:
            scene = mirror_in_water(
                scene, rgb, coverage, depth=finish.reflection, ripple=_ripple(generator)
            )
        case Contact.FLIES:
            pass
    if contact is Contact.STANDS and background.asset.surface is Surface.GRASS:
        blade = float(np.clip(0.045 * placement.height, 3, 9))
        coverage = sink_into_grass(coverage, blade=blade, noise=_blades(generator))
    layer = Layer(rgb=rgb, coverage=coverage, class_id=cutout.class_id)
    return lay_over(scene, rgb, coverage), layer


def _on_canvas(
    cutout: Cutout, placement: Placement
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    rgb, alpha = cutout.rgb, cutout.alpha
    if placement.mirrored:
        rgb, alpha = np.ascontiguousarray(rgb[:, ::-1]), np.ascontiguousarray(alpha[:, ::-1])
    if placement.angle:
        # Not expanded: the small turns of augmentation cut off corners that are empty anyway.
        turned = Image.fromarray(alpha).rotate(placement.angle, Image.Resampling.BICUBIC)
        alpha = np.asarray(turned)
        rgb = np.asarray(Image.fromarray(rgb).rotate(placement.angle, Image.Resampling.BICUBIC))
    return put_on_canvas(
        rgb,
        alpha,
        size=(placement.width, placement.height),
        corner=(placement.left, placement.top),
        canvas=CANVAS,
    )


def _depth_blur(objects: list[tuple[Cutout, Placement]]) -> float:
    """Return how far the distance is out of focus: more where the object's photograph was small."""
    enlarged = max(p.height / c.rgb.shape[0] for c, p in objects)
    return float(np.clip(0.5 + 0.7 * (enlarged - 0.8), 0.4, 1.1))


def _blades(generator: np.random.Generator) -> NDArray[np.float32]:
    """Return the lengths of the blades in front of each column, 0-1, over two scales."""
    fine = generator.random(CANVAS[0])
    tufts = np.repeat(generator.random(CANVAS[0] // 8 + 1), 8)[: CANVAS[0]]
    return (0.25 + 0.75 * (0.6 * fine + 0.4 * tufts)).astype(np.float32)


def _ripple(generator: np.random.Generator) -> NDArray[np.float32]:
    rows = np.arange(CANVAS[1])
    phase = float(generator.uniform(0, 2 * np.pi))
    waves = 1.6 * np.sin(rows * 0.9 + phase) + 1.1 * np.sin(rows * 0.37 + 2 * phase)
    return np.asarray(waves, dtype=np.float32)
