"""Holes are filled with what stands around them, class by class."""

import numpy as np

from harness.editing.procedural.inpainting import fill_hole


def test_stripes_go_on_through_a_hole() -> None:
    y, x = np.mgrid[0:96, 0:128]
    clean = np.where(((x // 8) % 2 == 0)[..., None], 200, 60).astype(np.uint8).repeat(3, axis=2)
    hole = (abs(y - 48) < 14) & (abs(x - 64) < 14)
    holed = clean.copy()
    holed[hole] = (255, 0, 0)
    filled = fill_hole(holed, hole=hole, known=~hole, classes=np.zeros(hole.shape, np.uint8))
    assert np.array_equal(filled[~hole], clean[~hole])
    error = np.abs(filled.astype(int) - clean)[hole].mean()
    # A flat fill of the mean would be off by 70.
    assert error < 25


def test_each_class_is_filled_from_itself() -> None:
    image = np.full((80, 120, 3), 50, np.uint8)
    image[:40] = 210
    classes = np.zeros((80, 120), np.uint8)
    classes[40:] = 1
    hole = np.zeros((80, 120), np.bool_)
    hole[20:60, 40:80] = True
    damaged = image.copy()
    damaged[hole] = (255, 0, 0)
    filled = fill_hole(damaged, hole=hole, known=~hole, classes=classes).astype(int)
    assert np.abs(filled[22:36, 44:76] - 210).mean() < 12
    assert np.abs(filled[44:58, 44:76] - 50).mean() < 12


def test_what_is_not_known_is_never_copied() -> None:
    image = np.full((80, 120, 3), 100, np.uint8)
    image[30:50, 85:105] = (0, 255, 0)
    known = np.ones((80, 120), np.bool_)
    known[28:52, 83:107] = False
    hole = np.zeros((80, 120), np.bool_)
    hole[25:55, 45:80] = True
    filled = fill_hole(image, hole=hole, known=known, classes=np.zeros((80, 120), np.uint8))
    assert np.abs(filled[hole].astype(int) - 100).max() <= 2


def test_a_hole_without_surroundings_is_blurred_and_no_hole_is_a_copy() -> None:
    image = np.arange(32 * 32 * 3, dtype=np.uint8).reshape(32, 32, 3)
    everything = np.ones((32, 32), np.bool_)
    nothing = ~everything
    classes = np.zeros((32, 32), np.uint8)
    blurred = fill_hole(image, hole=everything, known=nothing, classes=classes)
    assert blurred.shape == image.shape
    assert blurred.std() < image.std()
    assert np.array_equal(fill_hole(image, hole=nothing, known=everything, classes=classes), image)
