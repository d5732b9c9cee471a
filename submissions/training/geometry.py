"""Random views of one training scene: moved, scaled, turned and bent; colours stay as they are."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 256, 192
"""The size of every scene and view; both divide by the network's deepest stride, 32."""
MAX_TURN_DEGREES = 15.0
MAX_SHEAR = 0.15
SCALES = (0.65, 1.6)
ASPECTS = (0.8, 1.25)
BEND_GRID = (5, 4)
MAX_BEND = 0.03
"""The largest displacement of a grid point, relative to the image's width."""


@dataclass(frozen=True, kw_only=True)
class View:
    """One training example."""

    image: NDArray[np.uint8]
    """RGB pixels, [H, W, 3]."""
    label: NDArray[np.uint8]
    """Class ids, [H, W]."""


def random_view(scene: View, generator: np.random.Generator) -> View:
    """Return `scene` under a random affine map and a smooth random bend, same size.

    What a bend does to an animal is close to what another pose or individual looks like, and there
    are few individuals to learn from. Beyond its border the scene is mirrored, label alike.
    """
    height, width = scene.label.shape
    linear = _random_linear_map(generator)
    centre = np.array([width, height], dtype=np.float32) / 2
    room = np.abs(1 - np.abs(np.diag(linear))) * centre
    target = centre + generator.uniform(-1, 1, 2) * (room + 0.05 * centre)
    bend = _smooth_field(generator) * np.float32(MAX_BEND * width)
    columns = np.linspace(-centre[0], centre[0], WIDTH, dtype=np.float32)
    rows = np.linspace(-centre[1], centre[1], HEIGHT, dtype=np.float32)[:, None]
    (a, b), (c, d) = linear.astype(np.float32)
    across = a * columns + b * rows + bend[..., 0] + np.float32(target[0])
    down = c * columns + d * rows + bend[..., 1] + np.float32(target[1])
    return View(
        image=_sampled(scene.image, across, down, cv2.INTER_LINEAR),
        label=_sampled(scene.label, across, down, cv2.INTER_NEAREST),
    )


def _random_linear_map(generator: np.random.Generator) -> NDArray[np.float64]:
    """Return a 2x2 map from where a pixel goes to where it is taken from."""
    turn = np.deg2rad(generator.uniform(-MAX_TURN_DEGREES, MAX_TURN_DEGREES))
    scale = np.exp(generator.uniform(*np.log(SCALES)))
    aspect = np.exp(generator.uniform(*np.log(ASPECTS)) / 2)
    flip = generator.choice([-1.0, 1.0])
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    shear = np.array([[1.0, generator.uniform(-MAX_SHEAR, MAX_SHEAR)], [0.0, 1.0]])
    return np.diag([flip / (scale * aspect), aspect / scale]) @ rotation @ shear


def _smooth_field(generator: np.random.Generator) -> NDArray[np.float32]:
    """Return a smooth random displacement in -1..1, [H, W, 2]."""
    coarse = generator.uniform(-1, 1, (*BEND_GRID[::-1], 2)).astype(np.float32)
    return cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)


def _sampled(
    pixels: NDArray[Any], across: NDArray[np.float32], down: NDArray[np.float32], method: int
) -> NDArray[Any]:
    """Return `pixels` read at the given positions, mirrored beyond the border."""
    return cv2.remap(pixels, across, down, method, borderMode=cv2.BORDER_REFLECT_101)
