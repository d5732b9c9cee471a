import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from harness.editing.diffusion.compositing import composite, seam


@st.composite
def _scenes(draw):
    shape = draw(st.tuples(st.integers(1, 40), st.integers(1, 40)))
    seed = draw(st.integers(0, 2**32 - 1))
    random = np.random.Generator(np.random.Philox(seed))
    source, edited = random.integers(0, 256, (2, *shape, 3), dtype=np.uint8)
    return source, edited, draw(hnp.arrays(np.bool_, shape))


@given(_scenes())
def test_outside_the_mask_every_pixel_is_the_source_s(scene):
    source, edited, mask = scene
    result = composite(source, edited, mask)
    assert result.dtype == np.uint8
    assert np.array_equal(result[~mask], source[~mask])


@given(_scenes())
def test_inside_a_pixel_lies_between_source_and_edit(scene):
    source, edited, mask = scene
    result = composite(source, edited, mask)
    low, high = np.minimum(source, edited), np.maximum(source, edited)
    assert ((result >= low) & (result <= high)).all()


def test_the_inside_is_the_edit():
    mask = np.zeros((40, 60), np.bool_)
    mask[10:30, 10:50] = True
    source = np.full((40, 60, 3), 10, np.uint8)
    edited = np.full((40, 60, 3), 200, np.uint8)
    result = composite(source, edited, mask)
    assert (result[12:28, 12:48] == 200).all()
    assert 10 < result[10, 30, 0] < 200 or result[10, 30, 0] == 200
    assert (result[~mask] == 10).all()


def test_the_seam_is_as_wide_as_a_large_image_needs():
    mask = np.zeros((2048, 2048), np.bool_)
    mask[500:1500, 500:1500] = True
    share = seam(mask)
    assert share[1000, 499] == 0
    assert 0 < share[1000, 500] < share[1000, 503] < share[1000, 508] == 1


@pytest.mark.parametrize("width", [1, 2, 3])
def test_a_thin_object_is_edited_in_full_somewhere(width):
    mask = np.zeros((600, 600), np.bool_)
    mask[:, 300 : 300 + width] = True
    assert seam(mask).max() == 1


def test_the_border_of_the_image_is_no_outline():
    mask = np.zeros((64, 64), np.bool_)
    mask[:, :32] = True
    share = seam(mask)
    assert (share[:, 0] == 1).all()
    assert (share[0, :24] == 1).all()


def test_an_object_that_is_the_image_has_no_seam():
    assert (seam(np.ones((20, 30), np.bool_)) == 1).all()
