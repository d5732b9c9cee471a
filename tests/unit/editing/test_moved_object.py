"""What both editors make alike of a size or position edit, by hand-computed boxes."""

import numpy as np
import pytest
from edited_scenes import STREET, request, source, street
from hypothesis import given
from hypothesis import strategies as st

from harness.editing.editor import EditSource
from harness.editing.geometry.carried import carry
from harness.editing.geometry.moved import MovedObject, ObjectScene, move_object
from harness.editing.geometry.nearest import grown, nearest_pixel
from harness.editing.geometry.placement import (
    DEFAULT_AMOUNT,
    Placement,
    amount_of,
    box_of,
    object_of,
    place,
)
from harness.editing.geometry.vacancy import rim_of, vacate, with_traces
from harness.editing.roles import role_table
from harness.errors import ImageEditError

ROAD, CAR, PEDESTRIAN, IGNORED = 3, 8, 9, 11


def box(height: int, width: int, *, rows: slice, columns: slice) -> np.ndarray:
    mask = np.zeros((height, width), np.bool_)
    mask[rows, columns] = True
    return mask


def scene(given_source: EditSource) -> ObjectScene:
    assert given_source.mask is not None
    roles = role_table(given_source.label_space)[given_source.label]
    return ObjectScene(
        source=given_source,
        mask=given_source.mask,
        roles=roles,
        vacancy=vacate(given_source.label, given_source.mask, roles),
    )


def moved(given_source: EditSource, value: str, amount: float) -> MovedObject:
    return move_object(scene(given_source), value, amount)


@pytest.mark.parametrize(
    ("value", "amount", "wanted"),
    [
        ("right", 0.1, Placement(top=20, left=40, height=10, width=20)),
        ("left", 0.2, Placement(top=20, left=10, height=10, width=20)),
        ("left", 1.0, Placement(top=20, left=-70, height=10, width=20)),
        ("larger", 0.5, Placement(top=15, left=25, height=15, width=30)),
        ("smaller", 0.5, Placement(top=25, left=35, height=5, width=10)),
        # Nothing is left of the object, so a twentieth stays.
        ("smaller", 1.0, Placement(top=29, left=39, height=1, width=1)),
    ],
)
def test_the_box_moves_by_the_width_and_scales_on_its_foot(
    value: str, amount: float, wanted: Placement
) -> None:
    mask = box(60, 100, rows=slice(20, 30), columns=slice(30, 50))
    assert place(mask, value, amount) == wanted


def test_a_box_knows_its_foot() -> None:
    assert Placement(top=20, left=0, height=10, width=1).foot == 29


def test_the_box_of_a_mask_is_tight() -> None:
    mask = np.zeros((9, 9), np.bool_)
    mask[2, 5] = mask[6, 3] = True
    assert box_of(mask) == (slice(2, 7), slice(3, 6))


@pytest.mark.parametrize("value", list(DEFAULT_AMOUNT))
def test_an_amount_that_is_not_told_is_the_values_own(value: str) -> None:
    attribute = "position" if value in ("left", "right") else "size"
    assert amount_of(request(f"{attribute}={value}")) == DEFAULT_AMOUNT[value]
    assert amount_of(request(f"{attribute}={value}", amount=0.3)) == 0.3


def test_a_move_carries_every_pixel_as_it_is() -> None:
    given_source = street()
    mask = given_source.mask
    assert mask is not None
    rows, columns = box_of(mask)
    to = place(mask, "right", 0.1)
    layer = carry(given_source, mask, to)
    assert layer.visible == 1.0
    assert np.array_equal(layer.mask, np.roll(mask, to.left - columns.start, axis=1))
    assert np.array_equal(
        layer.pixels[rows, to.left : to.left + to.width], given_source.image[rows, columns]
    )
    assert (layer.label[layer.mask] == CAR).all()


def test_a_scaled_mask_and_label_go_by_nearest_neighbour() -> None:
    label = np.full((8, 8), ROAD, np.uint8)
    label[4:6, 2:6] = [[CAR, CAR, PEDESTRIAN, PEDESTRIAN], [CAR, CAR, CAR, CAR]]
    mask = box(8, 8, rows=slice(4, 6), columns=slice(2, 6))
    mask[5, 2] = False
    image = np.full((8, 8, 3), 90, np.uint8)
    given_source = source(image, mask, label=label, space=STREET)
    layer = carry(given_source, mask, Placement(top=2, left=0, height=4, width=8))
    wanted = np.kron(mask[4:6, 2:6], np.ones((2, 2), np.bool_))
    assert np.array_equal(layer.mask[2:6], wanted)
    assert np.array_equal(layer.label[2:4, 4:8], np.full((2, 4), PEDESTRIAN))
    assert set(np.unique(layer.label[layer.mask])) == {CAR, PEDESTRIAN}


def test_scaling_mixes_no_background_into_the_object() -> None:
    image = np.full((60, 60, 3), (0, 255, 0), np.uint8)
    y, x = np.mgrid[0:60, 0:60]
    disc = (x - 30) ** 2 + (y - 30) ** 2 <= 12**2
    image[disc] = (200, 10, 10)
    layer = carry(source(image, disc), disc, place(disc, "larger", 0.5))
    assert (layer.pixels[layer.mask] == (200, 10, 10)).all()


def test_what_leaves_the_frame_is_cut_and_told() -> None:
    mask = box(40, 40, rows=slice(10, 20), columns=slice(0, 10))
    given_source = source(np.zeros((40, 40, 3), np.uint8), mask)
    assert carry(given_source, mask, place(mask, "left", 0.1)).visible == pytest.approx(0.6)
    gone = carry(given_source, mask, place(mask, "left", 0.25))
    assert gone.visible == 0.0
    assert not gone.mask.any()


def test_the_vacated_label_takes_the_nearest_class_that_is_no_thing() -> None:
    label = np.full((40, 60), ROAD, np.uint8)
    label[:20] = 0
    label[10:30, 20:40] = CAR
    label[10:30, 40:44] = PEDESTRIAN
    mask = label == CAR
    vacancy = vacate(label, mask, role_table(STREET)[label])
    assert vacancy.known
    assert np.array_equal(vacancy.pixels, mask)
    assert (vacancy.label[10:17, 25:35] == 0).all()
    assert (vacancy.label[23:30, 25:35] == ROAD).all()
    assert np.array_equal(vacancy.label == PEDESTRIAN, label == PEDESTRIAN)
    assert not (vacancy.label == CAR).any()


def test_the_ring_of_ignored_pixels_is_vacated_and_a_far_one_stays() -> None:
    label = np.full((60, 60), ROAD, np.uint8)
    label[18:42, 18:42] = IGNORED
    label[20:40, 20:40] = CAR
    label[0:4, 0:4] = IGNORED
    mask = label == CAR
    vacancy = vacate(label, mask, role_table(STREET)[label])
    assert vacancy.pixels[18:42, 18:42].all()
    assert (vacancy.label[10:50, 10:50] == ROAD).all()
    assert (vacancy.label[0:4, 0:4] == IGNORED).all()


def test_things_spread_only_where_there_is_nothing_else() -> None:
    label = np.full((20, 20), PEDESTRIAN, np.uint8)
    label[5:10, 5:10] = CAR
    vacancy = vacate(label, label == CAR, role_table(STREET)[label])
    assert vacancy.known
    assert (vacancy.label == PEDESTRIAN).all()


def test_an_object_that_fills_the_image_leaves_an_unknown() -> None:
    label = np.full((20, 20), CAR, np.uint8)
    vacancy = vacate(label, label == CAR, role_table(STREET)[label])
    assert not vacancy.known
    assert np.array_equal(vacancy.label, label)


def test_the_traces_of_an_object_are_a_rim_and_a_shadow_under_it() -> None:
    mask = box(120, 120, rows=slice(30, 70), columns=slice(40, 80))
    assert rim_of(mask) == 3
    rows, columns = box_of(with_traces(mask, rim_of(mask)))
    assert (rows, columns) == (slice(27, 79), slice(37, 83))
    # The shadow of what stands on the lower edge does not come in at the upper one.
    low = box(120, 120, rows=slice(80, 120), columns=slice(40, 80))
    assert not with_traces(low, 3)[:77].any()


def test_the_rim_grows_with_the_object() -> None:
    assert rim_of(np.ones((400, 400), np.bool_)) == 10


def test_a_nearer_thing_stays_in_front_and_a_farther_one_is_covered() -> None:
    label = np.full((100, 200), ROAD, np.uint8)
    mask = box(100, 200, rows=slice(50, 80), columns=slice(80, 110))
    label[60:95, 120:130] = PEDESTRIAN
    label[45:60, 140:150] = PEDESTRIAN
    label[mask] = CAR
    image = np.zeros((100, 200, 3), np.uint8)
    result = moved(source(image, mask, label=label, space=STREET), "right", 0.2)
    assert result.placement.left == 120
    assert not result.covered[60:95, 120:130].any()
    assert result.covered[50:60, 140:150].all()
    assert (result.label[60:95, 120:130] == PEDESTRIAN).all()
    assert (result.label[50:60, 140:150] == CAR).all()
    assert np.array_equal(result.label == CAR, result.covered)


@pytest.mark.parametrize("amount", [0.0, -0.2, 1.01, float("nan"), float("inf")])
def test_an_amount_that_is_no_share_is_refused(amount: float) -> None:
    with pytest.raises(ImageEditError, match="amount over 0 and up to 1"):
        object_of(street(), request("size=larger", amount=amount))


@pytest.mark.parametrize("edit", ["color=violet", "size=left-a-bit", "weather=snowy"])
def test_another_edit_is_refused(edit: str) -> None:
    with pytest.raises(ImageEditError, match="neither scales nor moves"):
        object_of(street(), request(edit))


def test_a_source_without_an_object_is_refused() -> None:
    image = np.zeros((40, 40, 3), np.uint8)
    with pytest.raises(ImageEditError, match="has no object mask"):
        object_of(source(image, None), request("size=larger"))
    empty = np.zeros((40, 40), np.bool_)
    with pytest.raises(ImageEditError, match="has an empty object mask"):
        object_of(source(image, empty), request("size=larger"))


masks = st.integers(0, 2**32 - 1).map(
    lambda seed: np.random.Generator(np.random.Philox(seed)).random((24, 31)) < 0.06
)


@given(masks.filter(lambda mask: bool(mask.any())))
def test_the_nearest_pixel_is_one_of_the_mask(mask: np.ndarray) -> None:
    rows, columns = nearest_pixel(mask)
    assert mask[rows, columns].all()
    own_rows, own_columns = np.nonzero(mask)
    assert np.array_equal(rows[mask], own_rows)
    assert np.array_equal(columns[mask], own_columns)


def test_growing_reaches_as_far_as_told() -> None:
    mask = box(21, 21, rows=slice(10, 11), columns=slice(10, 11))
    assert box_of(grown(mask, 4)) == (slice(6, 15), slice(6, 15))
    assert not grown(mask, 4)[6, 6]
