"""Materials and patterns: textured, lit by the object, wrapped around it."""

import numpy as np
import pytest
from edited_scenes import one, source

from harness.editing.procedural import material_tiles, pattern_tiles
from harness.editing.procedural.fields import TILE, distance_inside, edge_preserving
from harness.editing.procedural.oklab import MAX_LIGHT, make_lightness, paint, paint_table
from harness.editing.procedural.shading import view_object


def ball(low: int, high: int) -> tuple[np.ndarray, np.ndarray]:
    y, x = np.mgrid[0:128, 0:128]
    mask = (x - 64) ** 2 + (y - 64) ** 2 < 52**2
    image = np.full((128, 128, 3), 128, np.uint8)
    image[mask] = np.rint(low + (high - low) * (127 - y[mask]) / 127).astype(np.uint8)[:, None]
    return image, mask


@pytest.mark.parametrize("edit", ["material=wood", "material=stone", "pattern=plaid"])
def test_the_new_surface_is_textured_and_lit_like_the_object(edit: str) -> None:
    image, mask = ball(40, 220)
    painted = one(source(image, mask), edit).image.astype(np.float64).mean(axis=-1)
    upper, lower = painted[20:50, 40:90], painted[80:108, 40:90]
    assert upper.mean() > lower.mean() + 25
    assert upper.std() > 8


@pytest.mark.parametrize("edit", ["material=wood", "pattern=striped", "material=paper"])
def test_black_and_white_objects_end_up_alike(edit: str) -> None:
    dark_image, mask = ball(4, 30)
    light_image, _ = ball(225, 251)
    dark = one(source(dark_image, mask), edit).image[mask].mean()
    light = one(source(light_image, mask), edit).image[mask].mean()
    assert abs(dark - light) < 30


def test_glass_shows_what_is_behind() -> None:
    image, mask = ball(100, 140)
    image[:, :64][~mask[:, :64]] = (220, 30, 30)
    image[:, 64:][~mask[:, 64:]] = (30, 30, 220)
    seen = one(source(image, mask), "material=glass").image.astype(int)
    left, right = seen[50:80, 40:58], seen[50:80, 70:88]
    assert (left[..., 0] - left[..., 2]).mean() > 40
    assert (right[..., 2] - right[..., 0]).mean() > 40


def test_coordinates_run_faster_near_the_outline() -> None:
    image, mask = ball(128, 128)
    view = view_object(image, mask, make_lightness())
    u, _ = view.surface(1.0, 0.0)
    middle_row = u[u.shape[0] // 2]
    step = np.diff(middle_row)
    centre = step[step.size // 2 - 5 : step.size // 2 + 5].mean()
    columns = np.flatnonzero(view.mask[u.shape[0] // 2])
    rim = step[columns[-1] - 12 : columns[-1] - 3].mean()
    assert rim > 1.25 * centre


TILES = [
    getattr(module, name)
    for module in (material_tiles, pattern_tiles)
    for name in ("wood", "stone", "paper", "cloth", "metal", "striped", "dotted", "plaid", "tiled")
    if hasattr(module, name)
]


@pytest.mark.parametrize("make", TILES, ids=lambda make: make.__name__)
def test_a_tile_repeats_without_a_seam(make: object) -> None:
    tile = make().astype(int)[..., :2]  # type: ignore[operator]
    assert tile.shape[:2] == (TILE, TILE)
    for axis in (0, 1):
        inner = np.abs(np.diff(tile, axis=axis)).mean(axis=(0, 1, 2) if axis else (1, 2)).max()
        rolled = np.abs(np.take(tile, 0, axis=axis) - np.take(tile, -1, axis=axis)).mean()
        assert rolled <= max(6.0, 1.5 * float(np.max(inner)) + 6.0)


def test_distance_of_a_square_by_hand() -> None:
    mask = np.zeros((9, 9), np.bool_)
    mask[2:7, 2:7] = True
    distance = distance_inside(mask)
    assert distance[4, 4] == pytest.approx(3, abs=0.1)
    assert distance[2, 4] == pytest.approx(1, abs=0.05)
    assert distance[0, 0] == 0
    assert distance_inside(np.ones((5, 5), np.bool_))[2, 2] == pytest.approx(3, abs=0.1)


def test_edge_preserving_smoothing_flattens_grain_and_keeps_a_step() -> None:
    random = np.random.Generator(np.random.Philox(1))
    values = (0.25 + 0.02 * random.standard_normal((40, 60))).astype(np.float32)
    values[:, 30:] += 0.5
    smooth = edge_preserving(values, np.ones(values.shape, np.bool_), 4, 0.08)
    assert smooth[:, :24].std() < 0.4 * values[:, :24].std()
    assert smooth[:, 33].mean() - smooth[:, 26].mean() > 0.45


def test_paint_at_full_light_is_the_colour_and_without_light_is_black() -> None:
    table = paint_table(((0.7, 0.0, 0.0), (0.5, 0.2, 262.0)))
    light = np.array([[0.0, 1.0, MAX_LIGHT]], np.float32)
    grey = paint(table, np.zeros((1, 3), np.float32), light)[0].astype(int)
    # OKLab lightness 0.7 is linear 0.343, which is sRGB 0.620.
    assert grey[0].max() == 0
    assert np.abs(grey[1] - 158).max() <= 2
    assert grey[2].min() >= 253
    blue = paint(table, np.ones((1, 3), np.float32), light)[0].astype(int)
    assert blue[1, 2] > blue[1, 0] + 100


def test_lightness_of_known_colours() -> None:
    lightness = make_lightness()
    colours = np.array([[[0, 0, 0], [255, 255, 255], [255, 0, 0], [128, 128, 128]]], np.uint8)
    # Ottosson's reference values.
    assert lightness.of(colours)[0] == pytest.approx([0.0, 1.0, 0.62796, 0.59987], abs=1e-3)
