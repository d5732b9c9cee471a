"""IoU and mIoU agree with hand-computed values, with repetition and with scikit-learn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import accuracy_score, jaccard_score

from harness.metrics.confusion import count_classes
from harness.metrics.iou import (
    PixelCounts,
    class_iou,
    defined,
    divided,
    mean_defined,
    mean_iou,
    once_each,
    pixel_accuracy,
)


def of(tp, fp, fn):
    return PixelCounts.of(np.array(tp), np.array(fp), np.array(fn))


def test_miou_is_the_mean_of_pooled_ious():
    # Two images: class 0 has tp 8 and union 10 + 6; class 1 tp 3 and union 6.
    counts = of([[4, 1], [4, 2]], [[3, 0], [0, 1]], [[3, 1], [2, 1]])
    together = counts.pooled(once_each(2))
    assert class_iou(together).tolist() == [[0.5, 0.5]]
    assert mean_iou(together).tolist() == [0.5]
    assert pixel_accuracy(together).tolist() == [11 / 18]


def test_a_class_that_is_in_no_label_is_not_averaged_even_where_it_is_predicted():
    counts = of([[6, 0]], [[0, 3]], [[4, 0]]).pooled(once_each(1))
    assert mean_iou(counts).tolist() == [0.6]


def test_a_class_that_is_never_hit_is_averaged_as_zero():
    counts = of([[6, 0]], [[0, 0]], [[0, 3]]).pooled(once_each(1))
    assert mean_iou(counts).tolist() == [0.5]


def test_without_labelled_pixels_nothing_is_defined():
    counts = of([[0, 0]], [[5, 0]], [[0, 0]]).pooled(once_each(1))
    assert defined(mean_iou(counts)[0]) is None
    assert defined(pixel_accuracy(counts)[0]) is None
    assert defined(class_iou(counts)[0, 1]) is None
    assert defined(class_iou(counts)[0, 0]) == 0.0


def test_pooling_weighs_images_as_if_they_were_repeated():
    counts = of([[4, 1], [2, 2]], [[3, 0], [0, 1]], [[3, 1], [2, 1]])
    repeated = counts.at(np.array([0, 1, 1, 1])).pooled(once_each(4))
    weighted = counts.pooled(np.array([[1.0, 3.0]]))
    assert weighted.hits.tolist() == repeated.hits.tolist() == [[10.0, 7.0]]
    assert weighted.union.tolist() == repeated.union.tolist()
    assert weighted.labelled.tolist() == repeated.labelled.tolist()


def test_sums_of_counts_stay_exact_beyond_what_single_precision_holds():
    counts = of([[2**40 + 1], [2**40 + 2]], [[0], [0]], [[0], [0]])
    assert counts.pooled(once_each(2)).hits[0, 0] == 2**41 + 3


def test_means_leave_out_what_is_not_defined():
    values = np.array([[1.0, np.nan, np.nan], [3.0, 5.0, np.nan]])
    assert [defined(v) for v in mean_defined(values)] == [2.0, 5.0, None]


def test_division_by_nothing_is_not_defined():
    found = divided(np.array([1.0, 0.0, 3.0]), np.array([2.0, 0.0, 0.0]))
    assert [defined(v) for v in found] == [0.5, None, None]


pairs = arrays(np.uint8, (2, 5, 6), elements=st.integers(0, 3))


@settings(deadline=None)
@given(pairs)
def test_agrees_with_scikit_learn(pair):
    label, prediction = pair
    found = count_classes(label, prediction, class_ids=(0, 1, 2, 3), ignore_id=255)
    counts = of([found.tp[:-1]], [found.fp[:-1]], [found.fn[:-1]]).pooled(once_each(1))
    classes = np.unique(label).tolist()
    expected = jaccard_score(label.ravel(), prediction.ravel(), labels=classes, average="macro")
    assert mean_iou(counts)[0] == pytest.approx(expected, abs=1e-12)
    accuracy = accuracy_score(label.ravel(), prediction.ravel())
    assert pixel_accuracy(counts)[0] == pytest.approx(accuracy, abs=1e-12)


@settings(deadline=None)
@given(pairs, st.integers(1, 9))
def test_miou_is_a_ratio_and_does_not_change_when_everything_is_seen_again(pair, times):
    label, prediction = pair
    found = count_classes(label, prediction, class_ids=(0, 1, 2, 3), ignore_id=255)
    counts = of([found.tp], [found.fp], [found.fn])
    once, often = (mean_iou(counts.pooled(np.array([[n]])))[0] for n in (1.0, float(times)))
    assert 0 <= once <= 1
    assert often == pytest.approx(once, abs=1e-12)


def test_counts_follow_one_another():
    one, more = (
        of([[1, 2]], [[3, 4]], [[5, 6]]),
        of([[7, 8], [9, 1]], [[0, 2], [1, 1]], [[3, 0]] * 2),
    )
    both = one.then(more)
    assert both.hits.tolist() == [[1, 2], [7, 8], [9, 1]]
    assert both.union.tolist() == [[9, 12], [10, 10], [13, 2]]
    assert both.labelled.tolist() == [[6, 8], [10, 8], [12, 1]]
