import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from harness.editing.diffusion.canvas import (
    Canvas,
    any_overlap,
    fit_canvas,
    to_latent_mask,
    to_levels,
    to_tensor,
)
from harness.editing.diffusion.presets import CanvasRule, LatentMask, Rounding
from harness.errors import ImageEditError


@pytest.mark.parametrize(
    ("size", "canvas"),
    [
        ((512, 512), (512, 512)),
        ((360, 480), (432, 576)),
        ((1024, 2048), (360, 720)),
        ((4320, 7680), (360, 640)),
        ((300, 300), (512, 512)),
    ],
)
def test_the_canvas_keeps_the_aspect_within_the_native_area(size, canvas):
    found = fit_canvas(*size, native_side=512, rule=CanvasRule.ASPECT)
    assert (found.height, found.width) == canvas


@given(height=st.integers(16, 3000), width=st.integers(16, 3000))
def test_a_canvas_is_whole_cells_within_the_area_and_near_the_aspect(height, width):
    if max(height, width) / min(height, width) > 200:
        with pytest.raises(ImageEditError, match="with its aspect kept"):
            fit_canvas(height, width, native_side=512, rule=CanvasRule.ASPECT)
        return
    found = fit_canvas(height, width, native_side=512, rule=CanvasRule.ASPECT)
    assert found.height % 8 == found.width % 8 == 0
    assert found.height * found.width <= 512**2
    ideal = 512 * (min(height, width) / max(height, width)) ** 0.5
    assert min(found.height, found.width) > ideal - 4 * 8
    longer = max(found.height, found.width)
    assert found.width / found.height == pytest.approx(width / height, rel=4.01 / longer)


def test_the_published_canvas_is_the_square():
    found = fit_canvas(100, 900, native_side=512, rule=CanvasRule.SQUARE)
    assert found == Canvas(height=512, width=512)


@pytest.mark.parametrize("rule", list(CanvasRule))
@pytest.mark.parametrize("size", [(1, 1), (15, 400), (400, 15)])
def test_too_small_an_image_is_refused(size, rule):
    with pytest.raises(ImageEditError, match=f"{size[1]} x {size[0]}, under 16 pixels"):
        fit_canvas(*size, native_side=512, rule=rule)


def test_too_narrow_an_image_is_refused():
    with pytest.raises(ImageEditError, match="with its aspect kept, one side would be"):
        fit_canvas(16, 9000, native_side=512, rule=CanvasRule.ASPECT)


def test_levels_come_and_go():
    image = np.arange(256, dtype=np.uint8).repeat(3).reshape(16, 16, 3)
    canvas = Canvas(height=16, width=16)
    tensor = to_tensor(image, canvas)
    assert tensor.shape == (1, 3, 16, 16)
    assert tensor.min() == -1
    assert tensor.max() == 1
    back = to_levels(tensor[0], height=16, width=16, rule=Rounding.NEAREST)
    assert np.array_equal(back, image)


def test_truncating_loses_what_rounding_keeps():
    almost = torch.full((3, 16, 16), 199.6 / 255 * 2 - 1)
    rounded = to_levels(almost, height=16, width=16, rule=Rounding.NEAREST)
    truncated = to_levels(almost, height=16, width=16, rule=Rounding.TRUNCATED)
    assert np.unique(rounded) == 200
    assert np.unique(truncated) == 199


def test_levels_are_clipped_and_sized():
    loud = torch.full((3, 16, 24), 7.0)
    image = to_levels(loud, height=33, width=50, rule=Rounding.NEAREST)
    assert image.shape == (33, 50, 3)
    assert image.min() == 255


@given(
    mask=hnp.arrays(np.bool_, st.tuples(st.integers(1, 40), st.integers(1, 40))),
    rows=st.integers(1, 24),
    columns=st.integers(1, 24),
)
def test_a_cell_counts_if_it_holds_a_pixel(mask, rows, columns):
    height, width = mask.shape
    expected = np.zeros((rows, columns), np.bool_)
    for row in range(rows):
        for column in range(columns):
            top, bottom = row * height // rows, -(-(row + 1) * height // rows)
            left, right = column * width // columns, -(-(column + 1) * width // columns)
            expected[row, column] = mask[top:bottom, left:right].any()
    assert np.array_equal(any_overlap(mask, (rows, columns)), expected)


def test_a_thin_object_is_lost_by_half_and_kept_by_overlap():
    mask = np.zeros((128, 128), np.bool_)
    mask[:, 60:62] = True
    half = to_latent_mask(mask, (16, 16), rule=LatentMask.LANCZOS_HALF)
    overlap = to_latent_mask(mask, (16, 16), rule=LatentMask.ANY_OVERLAP)
    assert half.shape == overlap.shape == (1, 1, 16, 16)
    assert half.sum() == 0
    assert overlap.sum() == 16
