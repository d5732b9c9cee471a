import cv2
import numpy as np
import pytest

from harness.acceptance.outline import MIN_GRADIENT, TOLERANCE, edge_agreement

SHAPE = (60, 80)
BOX = np.zeros(SHAPE, np.bool_)
BOX[20:40, 30:60] = True


def picture(*, background=(60, 60, 60), inside=(200, 200, 200), mask=BOX):
    image = np.full((*SHAPE, 3), background, np.uint8)
    image[mask] = inside
    return image


def test_the_same_picture_agrees_wholly():
    assert edge_agreement(picture(), picture(), mask=BOX) == 1.0


def test_a_recoloured_object_keeps_its_outline():
    violet = picture(inside=(140, 30, 200))
    assert edge_agreement(picture(), violet, mask=BOX) == 1.0


def test_an_object_as_bright_as_its_surroundings_keeps_it_by_its_colour():
    grey, red = (90, 90, 90), (201, 47, 18)  # both of luminance 90 (BT.601)
    same_brightness = picture(background=grey, inside=red)
    before = picture(background=grey)
    assert cv2.cvtColor(same_brightness, cv2.COLOR_RGB2GRAY).std() < 1
    assert edge_agreement(before, same_brightness, mask=BOX) == 1.0


def test_an_object_blurred_into_the_background_loses_it():
    blurred = cv2.GaussianBlur(picture(), (0, 0), 14)
    assert edge_agreement(picture(), blurred, mask=BOX) < 0.1
    gone = picture(inside=(60, 60, 60))
    assert edge_agreement(picture(), gone, mask=BOX) == 0.0


def test_the_share_is_of_outline_pixels():
    # Of 96 outline pixels 48 lie on the right half, which dissolves. The left half ends in an edge
    # at columns 44 and 45 now, so columns 45 to 47 have one near, above and below.
    half = picture()
    half[20:40, 45:60] = 60
    near = 2 * (TOLERANCE + 1)
    expected = (48 + near) / 96
    assert edge_agreement(picture(), half, mask=BOX) == pytest.approx(expected)


def test_only_where_the_source_shows_an_edge():
    # The background is as bright as the object on the left: there the source has no edge to lose.
    before = picture()
    before[:, :45] = 200
    seen_right = picture()
    seen_right[:, :45] = 200
    assert edge_agreement(before, seen_right, mask=BOX) == 1.0
    flat = np.full((*SHAPE, 3), 200, np.uint8)
    assert edge_agreement(flat, picture(), mask=BOX) is None


def test_a_label_two_pixels_off_still_finds_the_edge_and_one_four_off_does_not():
    for shift, agrees in ((TOLERANCE, True), (TOLERANCE + 2, False)):
        larger = np.zeros(SHAPE, np.bool_)
        larger[20 - shift : 40 + shift, 30 - shift : 60 + shift] = True
        found = edge_agreement(picture(), picture(), mask=larger)
        assert found == (1.0 if agrees else None)


def test_a_step_counts_from_twice_the_gradient_on():
    least = int(2 * MIN_GRADIENT)  # a step of h has gradients of h / 2 on either side
    weak = picture(inside=(60 + least - 1,) * 3)
    strong = picture(inside=(60 + least,) * 3)
    assert edge_agreement(picture(), strong, mask=BOX) == 1.0
    assert edge_agreement(picture(), weak, mask=BOX) < 0.1


def test_the_pictures_border_is_no_outline():
    corner = np.zeros(SHAPE, np.bool_)
    corner[:20, :30] = True
    before, gone = picture(mask=corner), picture(inside=(60, 60, 60))
    assert edge_agreement(before, before, mask=corner) == 1.0
    assert edge_agreement(before, gone, mask=corner) == 0.0
    everything = np.ones(SHAPE, np.bool_)
    assert edge_agreement(before, before, mask=everything) is None


def test_there_is_none_without_an_object():
    assert edge_agreement(picture(), picture(), mask=np.zeros(SHAPE, np.bool_)) is None


def test_nothing_outside_the_box_has_a_say():
    far = picture()
    far[:10] = np.random.default_rng(0).integers(0, 256, (10, 80, 3))
    dissolved = picture(inside=(60, 60, 60))
    dissolved[:10] = far[:10]
    assert edge_agreement(far, dissolved, mask=BOX) == 0.0
