"""Where an object goes in a view: size, foot and side by perspective; nothing of its pixels."""

import math
from dataclasses import dataclass

import numpy as np

from benchmark_data.composer.catalogue import Habitat, Surface
from benchmark_data.composer.library import Background, Cutout

ASPECT = 4 / 3
SMALL_ANIMAL_M = 0.7
"""Below this height the photographer is assumed to crouch: the camera is at the animal's height."""


@dataclass(frozen=True, kw_only=True)
class View:
    """The part of a background that becomes the scene, in pixels of its own image."""

    box: tuple[float, float, float, float]
    """Left, top, right, bottom."""
    mirrored: bool
    """Whether left and right are swapped."""
    horizon: float | None
    """The horizon's height as a share of the view; None where there is no ground."""
    ground: tuple[float, float]
    """Between which heights a foot may stand, as shares of the view."""


@dataclass(frozen=True, kw_only=True)
class Placement:
    """An object's box on the canvas, in pixels; it may reach beyond the canvas."""

    left: int
    """Its left edge."""
    top: int
    """Its upper edge."""
    width: int
    """Its width."""
    height: int
    """Its height."""
    mirrored: bool
    """Whether left and right are swapped."""
    angle: float = 0.0
    """How far it is turned, in degrees."""

    @property
    def foot(self) -> int:
        """The row its foot stands on."""
        return self.top + self.height


def choose_view(background: Background, generator: np.random.Generator, *, closest: float) -> View:
    """Return a 4:3 part of the background that keeps its horizon and its ground in sight.

    `closest` is the least share of the largest possible part's side.
    """
    height, width = background.rgb.shape[:2]
    largest = min(width, height * ASPECT)
    view_width = largest * float(generator.uniform(closest, 1.0))
    view_height = view_width / ASPECT
    left = float(generator.uniform(0, width - view_width))
    asset = background.asset
    low, high = 0.0, height - view_height
    if asset.horizon is not None:
        ground = [background.from_photograph(share) * height for share in asset.ground]
        # The view reaches at least 60 % of the way from the first to the last possible foot.
        low = max(low, ground[0] + 0.6 * (min(ground[1], height) - ground[0]) - view_height)
        low = min(low, high)
    top = float(generator.uniform(low, high)) if high > low else low
    return View(
        box=(left, top, left + view_width, top + view_height),
        mirrored=bool(generator.random() < 0.5),
        horizon=_share(background, asset.horizon, top, view_height),
        ground=(
            _share(background, asset.ground[0], top, view_height) or 0.0,
            min(_share(background, asset.ground[1], top, view_height) or 0.0, 1.0),
        ),
    )


def place(
    cutout: Cutout,
    background: Background,
    view: View,
    generator: np.random.Generator,
    *,
    canvas: tuple[int, int],
    area: float,
) -> Placement:
    """Return where `cutout` goes so that it covers about `area` of the canvas (width, height)."""
    aspect = cutout.rgb.shape[1] / cutout.rgb.shape[0]
    pixels = area * canvas[0] * canvas[1] / max(cutout.filled, 0.05)
    height = min(math.sqrt(pixels / aspect), 0.95 * canvas[1])
    width = height * aspect
    if width > 0.96 * canvas[0]:
        height, width = height * 0.96 * canvas[0] / width, 0.96 * canvas[0]
    foot = _foot(cutout, background, view, generator, canvas=canvas, height=height)
    slack = canvas[0] - width
    left = float(generator.uniform(0.03, 0.97)) * slack
    return Placement(
        left=round(left),
        top=round(foot - height),
        width=max(2, round(width)),
        height=max(2, round(height)),
        mirrored=bool(generator.random() < 0.5) and cutout.asset.mirrorable,
    )


def place_beside(
    cutout: Cutout,
    view: View,
    generator: np.random.Generator,
    *,
    canvas: tuple[int, int],
    neighbour: tuple[Cutout, Placement],
) -> Placement:
    """Return where `cutout` goes on the ground that `neighbour` stands on, in true proportion.

    On one plane, heights in pixels grow with the distance of the foot from the horizon.
    """
    other, spot = neighbour
    scale = spot.height / other.asset.height_m
    rows = canvas[1]
    foot = float(spot.foot)
    if view.horizon is not None:
        horizon = min(view.horizon * rows, foot - 0.05 * rows)
        nearest = min(view.ground[1] * rows, rows * 1.0)
        farthest = max(view.ground[0] * rows, horizon + 0.35 * (spot.foot - horizon))
        foot = farthest + float(generator.random()) * max(nearest - farthest, 0)
        scale *= (foot - horizon) / (spot.foot - horizon)
    else:
        scale *= float(generator.uniform(0.6, 1.1))
        foot = float(generator.uniform(0.35, 0.98)) * rows
    height = cutout.asset.height_m * scale
    width = height * cutout.rgb.shape[1] / cutout.rgb.shape[0]
    # Up to 15 % of it may lie outside the picture; what is wider than that is centred.
    slack = max(canvas[0] - 0.7 * width, 0)
    left = -0.15 * width + float(generator.random()) * slack
    return Placement(
        left=round(left),
        top=round(foot - height),
        width=max(2, round(width)),
        height=max(2, round(height)),
        mirrored=bool(generator.random() < 0.5) and cutout.asset.mirrorable,
    )


def _foot(
    cutout: Cutout,
    background: Background,
    view: View,
    generator: np.random.Generator,
    *,
    canvas: tuple[int, int],
    height: float,
) -> float:
    """Return the row of the object's foot.

    On flat ground, an object of h metres that is p pixels high stands p x camera / h pixels below
    the horizon.
    """
    rows = canvas[1]
    flies = set(cutout.asset.habitats) == {Habitat.SKY}
    if flies or background.asset.surface is Surface.NONE or view.horizon is None:
        slack = max(rows - height, 0)
        low, high = (0.05, 0.7) if flies else (0.4, 0.95)
        return height + float(generator.uniform(low, high)) * slack
    camera = background.asset.camera_m
    if cutout.asset.height_m < SMALL_ANIMAL_M:
        camera = min(camera, cutout.asset.height_m * float(generator.uniform(0.8, 1.6)))
    ideal = view.horizon * rows + height * camera / cutout.asset.height_m
    first, last = view.ground[0] * rows, view.ground[1] * rows
    return min(max(ideal, first + 0.15 * (last - first), height * 0.98), last - 0.02 * rows)


def _share(background: Background, value: float | None, top: float, height: float) -> float | None:
    if value is None:
        return None
    return float((background.from_photograph(value) * background.rgb.shape[0] - top) / height)
