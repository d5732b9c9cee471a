"""Drawn photographs with label maps: shaded planes and objects, for the tree writers."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from source_trees.drawing import save_photo, save_values

Polygon = tuple[tuple[int, int], ...]


@dataclass(frozen=True, kw_only=True)
class Patch:
    """A part of a scene: what is inside `outline` (x, y) has one label value and one colour."""

    value: int
    outline: Polygon
    color: tuple[int, int, int]


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Patches, the later over the earlier, on a plane of the value `rest`."""

    name: str
    width: int
    height: int
    rest: int
    patches: tuple[Patch, ...]

    def inside(self, patch: Patch) -> np.ndarray:
        filled = np.zeros((self.height, self.width), np.uint8)
        cv2.fillPoly(filled, [np.array(patch.outline, np.int32)], 1)
        return filled.astype(bool)

    def label(self) -> np.ndarray:
        """The label values, [H, W] uint8."""
        label = np.full((self.height, self.width), self.rest, np.uint8)
        for patch in self.patches:
            label[self.inside(patch)] = patch.value
        return label

    def image(self) -> np.ndarray:
        """RGB pixels, [H, W, 3] uint8: light falls from above, and every patch has a grain."""
        rows, columns = np.mgrid[0 : self.height, 0 : self.width]
        light = 1.15 - 0.4 * rows / self.height
        pixels = np.empty((self.height, self.width, 3))
        pixels[...] = (172, 168, 158)
        grain = 6 * np.sin(columns / 3.1) + 4 * np.cos(rows / 2.3)
        for number, patch in enumerate(self.patches, start=1):
            inside = self.inside(patch)
            pixels[inside] = patch.color
            grain[inside] = 9 * np.sin((columns + number * rows)[inside] / (2.0 + number))
        shaded = pixels * light[..., None] + grain[..., None]
        return np.clip(shaded, 0, 255).astype(np.uint8)

    def write(self, image: Path, label: Path) -> None:
        """Write a JPEG and a one-channel PNG."""
        save_photo(image, self.image())
        save_values(label, self.label())


def box(left: int, top: int, right: int, bottom: int) -> Polygon:
    """The outline of a rectangle, its last pixels included."""
    return ((left, top), (right, top), (right, bottom), (left, bottom))


def ellipse(x: int, y: int, across: int, down: int, points: int = 24) -> Polygon:
    """The outline of an ellipse about (x, y), with its half axes."""
    angles = np.linspace(0, 2 * np.pi, points, endpoint=False)
    return tuple(
        (round(x + across * float(np.cos(a))), round(y + down * float(np.sin(a)))) for a in angles
    )
