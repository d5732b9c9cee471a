"""The three pictures that the inpainting pipeline is given, at the size it works at."""

from dataclasses import dataclass
from typing import assert_never

import numpy as np
from PIL import Image

from harness.editing.diffusion.canvas import MIN_SOURCE_SIDE, fit_canvas
from harness.editing.diffusion.geometry_control import control_image
from harness.editing.diffusion.geometry_hole import Hole, painted_area, with_object
from harness.editing.diffusion.geometry_rules import GeometryCanvas, GeometryRules
from harness.editing.diffusion.presets import CanvasRule
from harness.editing.editor import EditSource
from harness.editing.geometry.moved import MovedObject
from harness.errors import ImageEditError


@dataclass(frozen=True, kw_only=True)
class PipelineInputs:
    """What the pipeline sees; it cuts sides that are no multiples of 8 by resizing."""

    image: Image.Image
    """The source with the object in its new place."""
    mask: Image.Image
    """What is painted, 255 there and 0 elsewhere."""
    control: Image.Image
    """The label, in colours."""


def pipeline_inputs(
    source: EditSource,
    moved: MovedObject,
    hole: Hole,
    *,
    native_side: int,
    rules: GeometryRules,
) -> PipelineInputs:
    """Return what the pipeline is given.

    Raises:
        ImageEditError: The image is too small, or too long and narrow.
    """
    height, width = source.label.shape
    size = painted_size(height, width, native_side=native_side, rule=rules.canvas)
    area = painted_area(hole, size=size, rule=rules.cells)
    control = control_image(moved, source.label_space, rules.control)
    mask = Image.fromarray(area.astype(np.uint8) * np.uint8(255))
    pasted = Image.fromarray(with_object(source.image, moved))
    return PipelineInputs(
        image=_resized(pasted, size, Image.Resampling.BICUBIC),
        mask=_resized(mask, size, Image.Resampling.NEAREST),
        control=_resized(Image.fromarray(control), size, Image.Resampling.NEAREST),
    )


def painted_size(
    height: int, width: int, *, native_side: int, rule: GeometryCanvas
) -> tuple[int, int]:
    """Return height and width of the pictures, for an image of `height` x `width` pixels.

    Raises:
        ImageEditError: The image is too small, or too long and narrow.
    """
    match rule:
        case GeometryCanvas.OWN:
            if min(height, width) < MIN_SOURCE_SIDE:
                msg = f"the image is {width} x {height}, under {MIN_SOURCE_SIDE} pixels a side"
                raise ImageEditError(msg, remedy="Give a larger image.")
            return height, width
        case GeometryCanvas.ASPECT:
            canvas = fit_canvas(height, width, native_side=native_side, rule=CanvasRule.ASPECT)
            return canvas.height, canvas.width
        case _:
            assert_never(rule)


def _resized(
    picture: Image.Image, size: tuple[int, int], resampling: Image.Resampling
) -> Image.Image:
    height, width = size
    return picture.resize((width, height), resampling)
