"""Pixel counts agree with counting by hand, pixel by pixel, and with scikit-learn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import confusion_matrix

from harness.metrics import confusion
from harness.metrics.confusion import ClassCounter, count_classes

CLASSES = (0, 1, 4)
OTHER = -1


def count(label, prediction, *, class_ids=CLASSES, dtype=np.uint8):
    return count_classes(
        np.array(label, dtype=np.uint8),
        np.array(prediction, dtype=dtype),
        class_ids=class_ids,
        ignore_id=255,
    )


def test_counts_by_hand():
    found = count([[0, 0, 1], [4, 4, 255]], [[0, 1, 1], [0, 4, 4]])
    assert found.tp.tolist() == [1, 1, 1, 0]
    assert found.fp.tolist() == [1, 1, 0, 0]
    assert found.fn.tolist() == [1, 0, 1, 0]


def test_a_prediction_outside_the_classes_costs_the_true_class_and_feeds_other():
    found = count([[0, 1, 4]], [[7, 255, 4]])
    assert found.tp.tolist() == [0, 0, 1, 0]
    assert found.fp.tolist() == [0, 0, 0, 2]
    assert found.fn.tolist() == [1, 1, 0, 0]


def test_voiding_every_pixel_leaves_nothing_right():
    found = count([[0, 1, 4]], [[255, 255, 255]])
    assert found.tp.sum() == 0
    assert found.fn.tolist() == [1, 1, 1, 0]


def test_ignored_pixels_count_for_nothing_whatever_is_predicted():
    found = count([[255, 255, 255]], [[0, 9, 255]])
    assert not found.tp.any()
    assert not found.fp.any()
    assert not found.fn.any()


def test_sixteen_bit_predictions_do_not_wrap_around():
    found = count([[0, 1, 4]], [[256, 257, 65535]], dtype=np.uint16)
    assert found.tp.sum() == 0
    assert found.fp.tolist() == [0, 0, 0, 3]
    assert count([[0, 1, 4]], [[0, 1, 4]], dtype=np.uint16).tp.tolist() == [1, 1, 1, 0]


def test_class_zero_may_be_missing_from_the_classes():
    found = count([[1, 4]], [[256, 0]], class_ids=(1, 4), dtype=np.uint16)
    assert found.fp.tolist() == [0, 0, 2]


@pytest.mark.parametrize(
    ("label", "prediction", "says"),
    [
        (np.zeros((2, 3), np.uint8), np.zeros((3, 2), np.uint8), "does not fit"),
        (np.zeros(4, np.uint8), np.zeros(4, np.uint8), "does not fit"),
        (np.zeros((2, 2), np.int32), np.zeros((2, 2), np.uint8), "int32"),
        (np.zeros((2, 2), np.uint8), np.zeros((2, 2), np.float32), "float32"),
        (np.full((2, 2), 3, np.uint8), np.zeros((2, 2), np.uint8), r"neither .*: \[3\]"),
    ],
)
def test_what_does_not_fit_is_refused(label, prediction, says):
    with pytest.raises(ValueError, match=says):
        count_classes(label, prediction, class_ids=CLASSES, ignore_id=255)


@pytest.mark.parametrize("class_ids", [(), (0, 300), tuple(range(256))])
def test_class_ids_that_are_no_eight_bit_label_are_refused(class_ids):
    with pytest.raises(ValueError, match="class ids"):
        count([[0]], [[0]], class_ids=class_ids)


def test_labels_of_every_value_but_the_ignored_are_counted():
    ids = tuple(range(255))
    label = np.arange(255, dtype=np.uint8)[np.newaxis]
    found = count_classes(label, label, class_ids=ids, ignore_id=255)
    assert found.tp.tolist() == [1] * 255 + [0]


labels = arrays(np.uint8, (6, 7), elements=st.sampled_from([*CLASSES, 255]))
predictions = arrays(np.uint16, (6, 7), elements=st.sampled_from([*CLASSES, 2, 255, 256, 40000]))


@settings(deadline=None)
@given(labels, predictions)
def test_agrees_with_scikit_learn(label, prediction):
    scored = label != 255
    known = np.isin(prediction, CLASSES)
    truth = label[scored].astype(int)
    answer = np.where(known, prediction.astype(int), OTHER)[scored]
    found = count(label, prediction, dtype=np.uint16)
    if truth.size == 0:
        assert not found.fn.any()
        return
    matrix = confusion_matrix(truth, answer, labels=[*CLASSES, OTHER])
    assert found.tp.tolist() == matrix.diagonal().tolist()
    assert found.fp.tolist() == (matrix.sum(axis=0) - matrix.diagonal()).tolist()
    assert found.fn.tolist() == (matrix.sum(axis=1) - matrix.diagonal()).tolist()


@settings(deadline=None)
@given(labels, predictions)
def test_agrees_with_counting_pixel_by_pixel(label, prediction):
    tp, fp, fn = ([0] * 4 for _ in range(3))
    place = {class_id: index for index, class_id in enumerate(CLASSES)}
    for true, said in zip(label.ravel().tolist(), prediction.ravel().tolist(), strict=True):
        if true == 255:
            continue
        if true == said:
            tp[place[true]] += 1
        else:
            fn[place[true]] += 1
            fp[place.get(said, 3)] += 1
    found = count(label, prediction, dtype=np.uint16)
    assert (found.tp.tolist(), found.fp.tolist(), found.fn.tolist()) == (tp, fp, fn)


@settings(deadline=None)
@given(labels, predictions)
def test_every_scored_pixel_counts_once_in_the_label_and_once_in_the_prediction(label, prediction):
    found = count(label, prediction, dtype=np.uint16)
    scored = int((label != 255).sum())
    assert (found.tp + found.fn).sum() == scored
    assert (found.tp + found.fp).sum() == scored
    assert found.tp.dtype == found.fp.dtype == found.fn.dtype == np.int64


narrow = arrays(np.uint8, (6, 7), elements=st.sampled_from([*CLASSES, 2, 7, 255]))
targets = st.sampled_from([*CLASSES, 2, 255, 65535])


@settings(deadline=None)
@given(
    label=labels, prediction=st.one_of(narrow, predictions), targets=st.lists(targets, min_size=8)
)
def test_a_table_counts_as_if_every_pixel_were_mapped_first(label, prediction, targets):
    table = np.resize(np.array(targets, np.uint16), 65536)
    counter = ClassCounter(class_ids=CLASSES, ignore_id=255, table=table)
    found, expected = counter.count(label, prediction), count(label, table[prediction], dtype="u2")
    for one, other in ((found.tp, expected.tp), (found.fp, expected.fp), (found.fn, expected.fn)):
        assert one.tolist() == other.tolist()


@settings(deadline=None)
@given(label=labels, prediction=predictions, pixels=st.integers(1, 50))
def test_bands_of_a_large_image_are_added(label, prediction, pixels):
    whole = count(label, prediction, dtype=np.uint16)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(confusion, "BAND_PIXELS", pixels)
        bands = count(label, prediction, dtype=np.uint16)
    assert bands.tp.tolist() == whole.tp.tolist()
    assert bands.fp.tolist() == whole.fp.tolist()
    assert bands.fn.tolist() == whole.fn.tolist()


def test_more_pixels_than_a_float_counts_are_counted_exactly():
    label = np.zeros((4097, 4096), np.uint8)  # 2^24 + 4096, and a float holds up to 2^24 exactly
    prediction = label.copy()
    prediction[-1, -1] = 1
    found = count_classes(label, prediction, class_ids=CLASSES, ignore_id=255)
    assert found.tp.tolist() == [2**24 + 4095, 0, 0, 0]
    assert (found.fp.tolist(), found.fn.tolist()) == ([0, 1, 0, 0], [1, 0, 0, 0])


def test_a_prediction_with_a_stride_is_counted_as_it_is():
    label = np.array([[0, 1], [4, 4]], np.uint8)
    rows = np.array([[9, 0, 1], [9, 4, 0]], np.uint8)
    found = count_classes(label, rows[:, 1:], class_ids=CLASSES, ignore_id=255)
    assert found.tp.tolist() == [1, 1, 1, 0]
