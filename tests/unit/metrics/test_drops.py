"""Drops are paired, average the same classes on both sides, and say when they are not defined."""

import numpy as np
import pytest

from harness.metrics.confusion import count_classes
from harness.metrics.drops import DropEstimate, PairedCounts, mean_drop, value_drop
from harness.metrics.iou import PixelCounts, defined, once_each


def of(*images):
    """Counts of images, each a list of (tp, fp, fn) a class."""
    array = np.array(images)
    return PixelCounts.of(array[..., 0], array[..., 1], array[..., 2])


def pairs(clean, edited, sources=None):
    places = np.arange(len(clean)) if sources is None else np.array(sources)
    return PairedCounts(sources=places, clean=of(*clean), edited=of(*edited))


def test_a_drop_by_hand():
    # Clean: IoU 8/10 and 6/10, mIoU 0.7. Edited: 6/10 and 2/10, mIoU 0.4.
    found = value_drop(pairs([[(8, 0, 2), (6, 2, 2)]], [[(6, 0, 4), (2, 2, 6)]]), once_each(1))
    assert found.clean[0] == pytest.approx(0.7)
    assert found.edited[0] == pytest.approx(0.4)
    assert found.drop[0] == pytest.approx(0.3)
    assert found.relative[0] == pytest.approx(3 / 7)


def test_a_perfect_predictor_drops_by_nothing():
    perfect = [[(9, 0, 0), (4, 0, 0)], [(2, 0, 0), (0, 0, 0)]]
    found = value_drop(pairs(perfect, perfect), once_each(2))
    assert (found.clean[0], found.edited[0], found.drop[0]) == (1.0, 1.0, 0.0)


def counted(label, prediction):
    found = count_classes(
        np.array([label], np.uint8),
        np.array([prediction], np.uint8),
        class_ids=(0, 1),
        ignore_id=255,
    )
    return np.stack((found.tp, found.fp, found.fn), axis=-1)[:-1]


def test_a_label_that_lost_pixels_judges_both_sides():
    # Of four pixels of class 1 two are missed, and the filter took one of these: IoU 3/4 and 2/3
    # on both sides. Under its whole label the source would have 3/5 and 2/4.
    whole, left = [0, 0, 0, 1, 1, 1, 1], [0, 0, 0, 1, 1, 1, 255]
    answer = [0, 0, 0, 1, 1, 0, 0]
    paired = value_drop(pairs([counted(left, answer)], [counted(left, answer)]), once_each(1))
    assert paired.clean[0] == paired.edited[0] == pytest.approx((3 / 4 + 2 / 3) / 2)
    assert paired.drop[0] == 0.0
    mixed = value_drop(pairs([counted(whole, answer)], [counted(left, answer)]), once_each(1))
    assert mixed.drop[0] == pytest.approx((3 / 5 + 2 / 4) / 2 - (3 / 4 + 2 / 3) / 2)


def test_only_sources_that_have_the_edit_are_compared():
    # The second source, on which all is wrong, has no edit of this value.
    found = value_drop(pairs([[(8, 0, 2)]], [[(5, 0, 5)]], sources=[0]), once_each(2))
    assert found.drop[0] == pytest.approx(0.3)


def test_a_class_that_the_edit_covered_is_averaged_on_neither_side():
    clean = [[(8, 0, 2), (1, 0, 9)]]
    moved = [[(8, 0, 2), (0, 7, 0)]]
    found = value_drop(pairs(clean, moved), once_each(1))
    assert found.clean[0] == pytest.approx(0.8)
    assert found.drop[0] == 0.0


def test_a_source_drawn_twice_carries_its_edit_twice():
    both = pairs([[(8, 0, 2)], [(4, 0, 6)]], [[(6, 0, 4)], [(1, 0, 9)]])
    found = value_drop(both, np.array([[2.0, 0.0], [1.0, 1.0], [0.0, 2.0]]))
    assert found.drop == pytest.approx([0.2, 0.25, 0.3])


def test_without_a_pair_nothing_is_defined():
    absent = PairedCounts(
        sources=np.empty(0, dtype=np.intp),
        clean=of([(1, 1, 1)]).at(np.empty(0, dtype=np.intp)),
        edited=of([(1, 1, 1)]).at(np.empty(0, dtype=np.intp)),
    )
    found = value_drop(absent, once_each(3))
    assert [defined(part[0]) for part in (found.clean, found.edited, found.drop)] == [None] * 3
    assert defined(found.relative[0]) is None


def test_a_pair_that_is_not_drawn_is_not_defined_in_that_resample():
    one = pairs([[(8, 0, 2)]], [[(5, 0, 5)]], sources=[1])
    found = value_drop(one, np.array([[2.0, 0.0], [1.0, 1.0]]))
    assert [defined(d) for d in found.drop] == [None, pytest.approx(0.3)]


def part(drop):
    drops = np.array([drop])
    return DropEstimate(clean=drops + 0.1, edited=drops * 0 + 0.1, drop=drops)


def test_attributes_weigh_the_same_however_many_values_they_have():
    color = mean_drop([part(0.1), part(0.2), part(0.3)], resamples=1)
    weather = mean_drop([part(0.6)], resamples=1)
    assert mean_drop([color, weather], resamples=1).drop[0] == pytest.approx(0.4)


def test_a_mean_leaves_out_values_that_are_not_defined():
    assert mean_drop([part(0.2), part(np.nan)], resamples=1).drop[0] == pytest.approx(0.2)
    assert defined(mean_drop([part(np.nan)], resamples=1).drop[0]) is None
    assert defined(mean_drop([], resamples=1).drop[0]) is None
