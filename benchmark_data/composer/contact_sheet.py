"""Scenes side by side with the outline of the edited object, to be looked at by a person."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from benchmark_data.composer.scene import ComposedScene

TILE = (320, 240)
CAPTION = 14
OUTLINE = (255, 0, 255)


def draw_sheet(scenes: list[tuple[str, ComposedScene]], *, columns: int = 6) -> Image.Image:
    """Return one image with every captioned scene; the edited object is outlined."""
    rows = -(-len(scenes) // columns)
    sheet = Image.new("RGB", (columns * TILE[0], rows * (TILE[1] + CAPTION)), "white")
    draw = ImageDraw.Draw(sheet)
    for index, (caption, scene) in enumerate(scenes):
        x, y = (index % columns) * TILE[0], (index // columns) * (TILE[1] + CAPTION)
        tile = Image.fromarray(outlined(scene.image, scene.mask))
        sheet.paste(tile.resize(TILE, Image.Resampling.LANCZOS), (x, y + CAPTION))
        draw.text((x + 2, y + 1), f"{caption}  {scene.mask.mean():.0%}", fill="black")
    return sheet


def outlined(image: NDArray[np.uint8], mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return the image with a one-pixel line just outside the mask."""
    plane = Image.fromarray(np.where(mask, np.uint8(255), np.uint8(0)))
    grown = np.asarray(plane.filter(ImageFilter.MaxFilter(3))) > 0
    result = image.copy()
    result[grown & ~mask] = OUTLINE
    return result


def save_sheet(scenes: list[tuple[str, ComposedScene]], path: Path) -> None:
    """Write the contact sheet of `scenes` to `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draw_sheet(scenes).save(path)
