"""Blending on synthetic cut-outs, with values worked out by hand."""

import numpy as np
import pytest

from benchmark_data.composer.blending import (
    Layer,
    blur_with_depth,
    bounding_box,
    cast_shadow,
    label_of,
    lay_over,
    match_light,
    mirror_in_water,
    put_on_canvas,
    shade_below,
    sink_into_grass,
    soften,
    visible_mask,
    visible_shares,
)

GREY = np.full((20, 20, 3), 100, dtype=np.uint8)


def plane(value, shape=(4, 4)):
    return np.full(shape, value, dtype=np.float32)


def block(top, bottom, left, right, shape=(20, 20)):
    coverage = np.zeros(shape, dtype=np.float32)
    coverage[top:bottom, left:right] = 1
    return coverage


def layer(coverage, class_id):
    rgb = np.zeros((*coverage.shape, 3), dtype=np.uint8)
    return Layer(rgb=rgb, coverage=coverage, class_id=class_id)


def test_lay_over_mixes_by_coverage_exactly():
    below = np.full((1, 3, 3), 200, dtype=np.uint8)
    above = np.full((1, 3, 3), 100, dtype=np.uint8)
    coverage = np.array([[0, 0.25, 1]], dtype=np.float32)
    assert lay_over(below, above, coverage)[0, :, 0].tolist() == [200, 175, 100]


def test_visible_share_is_what_later_layers_leave_free():
    back, front = visible_shares([plane(0.8), plane(0.5)])
    assert back[0, 0] == pytest.approx(0.4)
    assert front[0, 0] == pytest.approx(0.5)


def test_label_follows_the_class_that_fills_most_of_a_pixel():
    coverage = np.array([[0.0, 0.15, 0.16, 0.59, 0.6, 1.0]], dtype=np.float32)
    assert label_of([layer(coverage, 3)], (1, 6)).tolist() == [[0, 0, 255, 255, 3, 3]]


def test_two_objects_of_one_class_leave_no_seam_and_two_classes_do():
    half = [plane(0.5, (1, 1)), plane(1.0, (1, 1))]
    same = [layer(half[1], 10), layer(half[0], 10)]
    other = [layer(half[1], 10), layer(half[0], 17)]
    assert label_of(same, (1, 1))[0, 0] == 10
    assert label_of(other, (1, 1))[0, 0] == 255


def test_what_stands_in_front_hides_what_stands_behind():
    behind, before = block(0, 10, 0, 10), block(0, 10, 5, 15)
    layers = [layer(behind, 13), layer(before, 12)]
    label = label_of(layers, (20, 20))
    assert (label[0, :5] == 13).all()
    assert (label[0, 5:15] == 12).all()
    assert visible_mask(layers, 0).sum() == 50
    assert visible_mask(layers, 1).sum() == 100
    assert (label_of(layers[::-1], (20, 20))[0, :10] == 13).all()


def test_a_cutout_is_put_at_its_corner_and_cut_off_at_the_border():
    rgb = np.full((4, 4, 3), 50, dtype=np.uint8)
    alpha = np.full((4, 4), 255, dtype=np.uint8)
    colours, coverage = put_on_canvas(rgb, alpha, size=(4, 4), corner=(-2, 8), canvas=(10, 10))
    assert coverage.sum() == 4
    assert bounding_box(coverage > 0.5) == (0, 8, 2, 10)
    assert (colours[8:, :2] == 50).all()


def test_light_leaves_colours_alone_at_strength_zero_and_is_bounded():
    coverage = block(5, 15, 5, 15)
    bright = np.full((20, 20, 3), 120, dtype=np.uint8)
    black = np.zeros((20, 20, 3), dtype=np.uint8)
    assert np.array_equal(match_light(bright, coverage, black, strength=0), bright)
    darkest = match_light(bright, coverage, black, strength=1)
    assert darkest.min() == round(120 * 0.62)


def test_shadows_darken_the_ground_below_and_nothing_far_above():
    scene = np.full((60, 60, 3), 200, dtype=np.uint8)
    coverage = block(20, 50, 20, 40, (60, 60))
    shaded = cast_shadow(scene, coverage, depth=0.5, shift=0.0)
    assert (shaded <= scene).all()
    assert shaded[50, 30, 0] < 170
    assert (shaded[:15] == 200).all()
    assert (cast_shadow(scene, coverage, depth=0.0, shift=0.0) == scene).all()


def test_a_lying_object_shades_its_lower_side():
    scene = np.full((60, 60, 3), 200, dtype=np.uint8)
    shaded = shade_below(scene, block(20, 40, 10, 50, (60, 60)), depth=0.5)
    assert shaded[41, 30, 0] < shaded[18, 30, 0]


def test_a_reflection_appears_only_below_the_waterline():
    scene = np.full((60, 60, 3), 200, dtype=np.uint8)
    rgb = np.zeros((60, 60, 3), dtype=np.uint8)
    coverage = block(10, 30, 20, 40, (60, 60))
    ripple = np.zeros(60, dtype=np.float32)
    mirrored = mirror_in_water(scene, rgb, coverage, depth=0.5, ripple=ripple)
    assert (mirrored[:26] == 200).all()
    assert mirrored[33, 30, 0] < 150
    assert (mirrored[50:] == 200).all()


def test_grass_hides_the_feet_and_not_the_head():
    coverage = block(2, 18, 5, 15)
    sunk = sink_into_grass(coverage, blade=4, noise=np.ones(20, dtype=np.float32))
    assert sunk[2, 10] == 1
    assert sunk[12, 10] == 1
    assert sunk[17, 10] == 0
    assert (sunk <= coverage).all()


def test_distance_is_blurred_and_the_foreground_stays_sharp():
    rows = np.arange(40)[:, None, None]
    checks = ((rows + np.arange(40)[None, :, None]) % 2 * 255).astype(np.uint8)
    scene = np.repeat(checks, 3, axis=2)
    result = blur_with_depth(scene, radius=1.5, sharp_from=30, blurred_above=10)
    assert np.array_equal(result[30:], scene[30:])
    assert result[:8].std() < scene[:8].std() / 2
    assert blur_with_depth(scene, radius=0, sharp_from=30, blurred_above=10) is scene


def test_no_object_changes_nothing():
    nothing = np.zeros((20, 20), dtype=np.float32)
    assert bounding_box(nothing > 0) is None
    assert cast_shadow(GREY, nothing, depth=1, shift=0) is GREY
    assert shade_below(GREY, nothing, depth=1) is GREY
    assert sink_into_grass(nothing, blade=5, noise=np.ones(20, dtype=np.float32)) is nothing
    assert soften(GREY, 0) is GREY
