"""Moved and scaled objects: image, mask and label go together, by hand-computed squares."""

import numpy as np
import pytest
from edited_scenes import STREET, one, source, textured

RED = (250, 10, 10)


def square_scene(*, rows: slice, columns: slice) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A red square on a grey road under a blue sky, 100 rows and 200 columns."""
    image = textured(100, 200, 9) // 8 + 80
    image[:50] = (90, 140, 230)
    label = np.full((100, 200), 3, np.uint8)
    label[:50] = 0
    mask = np.zeros((100, 200), np.bool_)
    mask[rows, columns] = True
    image[mask] = RED
    label[mask] = 8
    return image.astype(np.uint8), label, mask


@pytest.mark.parametrize(("value", "step"), [("left", -30), ("right", 30)])
def test_a_move_shifts_by_the_share_of_the_width(value: str, step: int) -> None:
    image, label, mask = square_scene(rows=slice(40, 80), columns=slice(80, 120))
    result = one(source(image, mask, label=label, space=STREET), f"position={value}", amount=0.15)
    wanted = np.zeros_like(mask)
    wanted[40:80, 80 + step : 120 + step] = True
    assert np.array_equal(result.mask, wanted)
    assert np.array_equal(result.label == 8, wanted)
    assert result.visible_fraction == 1.0
    inner = result.image[44:76, 84 + step : 116 + step]
    assert np.array_equal(inner, np.broadcast_to(RED, inner.shape))
    # The hole is filled with its neighbours' classes and colours: sky above row 50, road below.
    hole = mask & ~wanted
    assert set(np.unique(result.label[hole])) == {0, 3}
    red = (result.image[..., 0] > 180) & (result.image[..., 1] < 80)
    assert not (red & ~wanted).any()


@pytest.mark.parametrize(("value", "side"), [("larger", 50), ("smaller", 30)])
def test_scaling_keeps_the_foot_and_multiplies_the_side(value: str, side: int) -> None:
    image, label, mask = square_scene(rows=slice(40, 80), columns=slice(80, 120))
    result = one(source(image, mask, label=label, space=STREET), f"size={value}", amount=0.25)
    rows, columns = np.nonzero(result.mask)
    assert rows.max() == 79
    assert rows.min() == 80 - side
    assert (columns.min(), columns.max()) == (100 - side // 2, 100 + side // 2 - 1)
    assert np.count_nonzero(result.mask) == side * side
    assert np.array_equal(result.label == 8, result.mask)
    assert result.visible_fraction == 1.0
    assert np.array_equal(result.image[78 - side // 2, 100], RED)


def test_a_disc_scales_within_a_pixel_of_its_border() -> None:
    y, x = np.mgrid[0:100, 0:200]
    disc = (x - 100) ** 2 + (y - 60) ** 2 <= 20**2
    image, label, _ = square_scene(rows=slice(0, 0), columns=slice(0, 0))
    image[disc], label[disc] = RED, 8
    result = one(source(image, disc, label=label, space=STREET), "size=larger", amount=0.5)
    # 41 pixels grow to 62: rows 19 to 80, columns 69 to 130, radius 20.5 x 62 / 41 = 31.
    # A source pixel is 1.5 pixels now, so the border is exact to that.
    distance = np.sqrt((x - 99.5) ** 2 + (y - 49.5) ** 2)
    assert result.mask[distance < 29].all()
    assert not result.mask[distance > 32].any()


def test_the_share_that_leaves_the_frame_is_told() -> None:
    image, label, mask = square_scene(rows=slice(40, 80), columns=slice(10, 50))
    result = one(source(image, mask, label=label, space=STREET), "position=left", amount=0.1)
    assert result.visible_fraction == pytest.approx(30 / 40)
    assert np.count_nonzero(result.mask) == 40 * 30
    gone = one(source(image, mask, label=label, space=STREET), "position=left", amount=0.5)
    assert gone.visible_fraction == 0.0
    assert not gone.mask.any()
    assert not (gone.label == 8).any()


def test_a_nearer_object_stays_in_front_and_a_farther_one_is_covered() -> None:
    image, label, mask = square_scene(rows=slice(50, 80), columns=slice(80, 110))
    image[60:95, 120:130], label[60:95, 120:130] = (10, 250, 10), 9
    image[45:60, 140:150], label[45:60, 140:150] = (10, 10, 250), 9
    result = one(source(image, mask, label=label, space=STREET), "position=right", amount=0.2)
    assert np.array_equal(result.image[65:75, 122:128], image[65:75, 122:128])
    assert (result.label[60:95, 120:130] == 9).all()
    assert not result.mask[60:95, 120:130].any()
    assert (result.label[50:60, 140:150] == 8).all()
    assert (result.label[45:50, 140:150] == 9).all()


def test_other_objects_of_the_class_are_untouched() -> None:
    image, label, mask = square_scene(rows=slice(50, 80), columns=slice(20, 50))
    image[50:80, 150:180], label[50:80, 150:180] = (200, 200, 20), 8
    result = one(source(image, mask, label=label, space=STREET), "position=right", amount=0.1)
    assert np.array_equal(result.image[50:80, 150:180], image[50:80, 150:180])
    assert (result.label[50:80, 150:180] == 8).all()


def test_the_ignored_ring_goes_with_its_object() -> None:
    image, label, mask = square_scene(rows=slice(40, 80), columns=slice(20, 60))
    label[38:82, 18:62] = 11
    label[mask] = 8
    result = one(source(image, mask, label=label, space=STREET), "position=right", amount=0.4)
    assert not (result.label == 11).any()


def test_far_from_the_object_nothing_changes() -> None:
    image, label, mask = square_scene(rows=slice(40, 80), columns=slice(20, 60))
    result = one(source(image, mask, label=label, space=STREET), "size=larger", amount=0.2)
    assert np.array_equal(result.image[:, 100:], image[:, 100:])
    assert np.array_equal(result.label[:, 100:], label[:, 100:])
