"""Styles keep the scene and change how it is made."""

import numpy as np
import pytest
from edited_scenes import one, source, street

from harness.editing.procedural.fields import grid
from harness.editing.procedural.strokes import flow_of, swirl


def test_a_sketch_is_nearly_colourless_and_darker_where_the_scene_is() -> None:
    height, width = 96, 128
    image = np.zeros((height, width, 3), np.uint8)
    image[:, :64] = (230, 60, 60)
    image[:, 64:] = (250, 240, 120)
    drawn = one(source(image, None), "style=sketch").image.astype(int)
    assert np.ptp(drawn, axis=2).max() < 25
    assert drawn[:, :56].mean() < drawn[:, 72:].mean() - 15
    # The border between the two is drawn as a line.
    line = drawn[:, 60:66].mean(axis=(0, 2)).min()
    assert line < drawn[:, 72:].mean() - 40


@pytest.mark.parametrize("value", ["painting", "oil-pastel"])
def test_strokes_keep_the_large_shapes(value: str) -> None:
    image = np.zeros((120, 160, 3), np.uint8)
    image[:, :80] = (200, 80, 40)
    image[:, 80:] = (40, 90, 200)
    painted = one(source(image, None), f"style={value}").image.astype(int)
    left, right = painted[:, 10:60], painted[:, 100:150]
    assert left[..., 0].mean() > left[..., 2].mean() + 60
    assert right[..., 2].mean() > right[..., 0].mean() + 60
    # A flat area is no longer flat: strokes show.
    assert left[..., 0].std() > 5


def test_an_oil_pastel_is_more_saturated() -> None:
    scene = street()
    image = np.full_like(scene.image, (150, 110, 100))
    drawn = one(source(image, None), "style=oil-pastel").image.astype(int)
    assert np.ptp(np.median(drawn.reshape(-1, 3), axis=0)) > 55


def test_strokes_run_along_edges() -> None:
    x, y = grid(64, 64)
    for slope_x, slope_y in ((1, 0), (0, 1), (1, 1), (1, -1)):
        level = np.clip(128 + 6 * (slope_x * (x - 32) + slope_y * (y - 32)), 0, 255)
        image = np.repeat(level.astype(np.uint8)[..., None], 3, axis=2)
        flow = flow_of(image, swirl(), 3)
        across = (flow.x * slope_x + flow.y * slope_y)[28:36, 28:36]
        assert np.abs(across).max() < 0.2
        length = np.sqrt(flow.x**2 + flow.y**2)
        assert np.allclose(length, 1, atol=1e-4)
