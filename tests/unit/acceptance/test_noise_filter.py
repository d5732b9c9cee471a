import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from slow_noise import slow_voided

from harness.acceptance.noise_filter import (
    ClassMean,
    ClassMeans,
    filtered_label,
    judged_pixels,
    voided,
)


def losses(*values):
    return np.array([values], np.uint16)


ALL = np.ones((1, 4), bool)
MEAN_800 = ClassMean(total=4000, pixels=5)


def test_a_pixel_is_taken_where_it_is_worse_than_its_source_and_than_the_margin():
    # 1.25 x 800 = 1000: the bound itself is not over it
    taken = voided(
        losses(1001, 1000, 5000, 5000),
        losses(0, 0, 5000, 4999),
        judged=ALL,
        class_mean=MEAN_800,
        margin=1.25,
    )

    assert taken.tolist() == [[True, False, False, True]]


def test_only_judged_pixels_are_taken():
    judged = np.array([[True, False, True, False]])

    taken = voided(
        losses(9000, 9000, 9000, 9000),
        losses(0, 0, 0, 0),
        judged=judged,
        class_mean=MEAN_800,
        margin=1.25,
    )

    assert taken.tolist() == judged.tolist()


def test_a_moved_object_is_judged_by_the_class_mean_alone():
    taken = voided(losses(1001, 1000, 65535, 0), None, judged=ALL, class_mean=MEAN_800, margin=1.25)

    assert taken.tolist() == [[True, False, True, False]]


def test_the_class_is_the_pixels_own_and_the_object_the_edited_one():
    label = np.array([[7, 7, 3, 255]], np.uint8)
    mask = np.array([[True, False, True, True]])

    assert judged_pixels(label, mask, class_id=7).tolist() == [[True, False, False, False]]


def test_a_filtered_label_is_ignored_where_there_is_noise_and_new():
    label = np.array([[7, 7, 3]], np.uint8)

    filtered = filtered_label(label, np.array([[False, True, False]]), ignore_id=255)

    assert filtered.tolist() == [[7, 255, 3]]
    assert filtered.dtype == np.uint8
    assert label.tolist() == [[7, 7, 3]]


@pytest.mark.parametrize(
    ("total", "pixels", "margin", "bound"),
    [
        (4000, 5, 1.25, 1000),
        (4001, 5, 1.25, 1000),
        (4004, 5, 1.25, 1001),
        (10, 1, 1.1, 11),  # 10 * 1.1 is 11.000000000000002 in floats
        (100, 3, 0.3, 10),  # and 0.3 is under three tenths
        (0, 9, 1.25, 0),
        (65535 * 10**12, 10**12, 3.0, 196605),
    ],
)
def test_the_bound_is_exact(total, pixels, margin, bound):
    assert ClassMean(total=total, pixels=pixels).bound(margin) == bound


def test_a_bound_over_every_loss_takes_nothing():
    huge = ClassMean(total=65535, pixels=1)

    assert not voided(losses(65535), None, judged=ALL[:, :1], class_mean=huge, margin=1e9).any()


def test_means_are_by_class_and_of_all_their_pixels():
    sums = ClassMeans()
    sums.add("car", losses(1, 2, 3))
    sums.add("bus", losses(10))
    sums.add("car", losses(6))
    sums.add("tree", np.zeros((0,), np.uint16))

    assert sums.means() == {
        "car": ClassMean(total=12, pixels=4),
        "bus": ClassMean(total=10, pixels=1),
    }


def test_sums_do_not_overflow():
    sums = ClassMeans()
    sums.add("car", np.full((300, 300), 65535, np.uint16))

    assert sums.means()["car"] == ClassMean(total=65535 * 90000, pixels=90000)


@given(
    parts=st.lists(hnp.arrays(np.uint16, st.integers(0, 8)), max_size=6),
    order=st.randoms(use_true_random=False),
)
def test_no_order_changes_a_mean(parts, order):
    forward, shuffled, whole = ClassMeans(), ClassMeans(), ClassMeans()
    for part in parts:
        forward.add("car", part)
    order.shuffle(parts)
    for part in parts:
        shuffled.add("car", part)
    whole.add("car", np.concatenate([np.zeros(0, np.uint16), *parts]))

    assert forward.means() == shuffled.means() == whole.means()


SMALL = {"dtype": np.uint16, "shape": (3, 4), "elements": st.integers(0, 40)}


@st.composite
def edits(draw):
    return {
        "edit_loss": draw(hnp.arrays(**SMALL)),
        "source_loss": draw(st.none() | hnp.arrays(**SMALL)),
        "label": draw(hnp.arrays(np.uint8, (3, 4), elements=st.sampled_from([1, 2, 255]))),
        "mask": draw(hnp.arrays(bool, (3, 4))),
        "mean_losses": draw(st.lists(st.integers(0, 40), min_size=1, max_size=6)),
        "margin": draw(st.sampled_from([0.1, 0.3, 1.0, 1.1, 1.25, 2.5])),
    }


def fast(edit, **changes):
    edit = {**edit, **changes}
    sums = ClassMeans()
    sums.add("car", np.array(edit["mean_losses"], np.uint16))
    return voided(
        edit["edit_loss"],
        edit["source_loss"],
        judged=judged_pixels(edit["label"], edit["mask"], class_id=1),
        class_mean=sums.means()["car"],
        margin=edit["margin"],
    )


@given(edits())
def test_it_agrees_with_a_slow_one(edit):
    lists = {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in edit.items()}
    source, rest = lists.pop("source_loss"), lists

    assert fast(edit).tolist() == slow_voided(rest.pop("edit_loss"), source, class_id=1, **rest)


@given(edits())
def test_a_larger_margin_never_takes_more(edit):
    more = fast(edit, margin=edit["margin"] * 2)

    assert not (more & ~fast(edit)).any()


@given(edits())
def test_the_source_never_takes_what_the_mean_leaves(edit):
    assert not (fast(edit) & ~fast(edit, source_loss=None)).any()
    same = fast(edit, source_loss=edit["edit_loss"])
    assert not same.any()
