"""Ids on the stream: another name for every image, read back exactly, and no pattern in them."""

import re
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from harness.records.run import FailureReason, RunOutcome, RunStatus, StreamedSample
from harness.sandbox.hidden_ids import HiddenIds

IMAGE, OTHER_IMAGE = "sha256:" + "1" * 64, "sha256:" + "2" * 64
BENCHMARK, OTHER_BENCHMARK = "b" * 64, "c" * 64
IDS = st.from_regex(r"[0-9a-f]{16}", fullmatch=True)


def ids_of(image):
    return HiddenIds(image, salt=BENCHMARK)


@given(st.lists(IDS, unique=True, min_size=1, max_size=20), st.text(max_size=8))
def test_ids_are_read_back_and_stay_apart(ids, image):
    hidden = [ids_of(image).hide(one) for one in ids]

    assert all(re.fullmatch("[0-9a-f]{16}", one) for one in hidden)
    assert len(set(hidden)) == len(ids)
    assert [ids_of(image).reveal(one) for one in hidden] == ids


@given(IDS)
def test_an_image_sees_the_same_ids_every_time_and_another_image_others(sample_id):
    assert ids_of(IMAGE).hide(sample_id) == ids_of(IMAGE).hide(sample_id) != sample_id
    assert ids_of(IMAGE).hide(sample_id) != HiddenIds(OTHER_IMAGE, salt=BENCHMARK).hide(sample_id)


@given(IDS)
def test_who_knows_the_image_but_not_the_benchmark_sees_other_ids(sample_id):
    seen = {
        HiddenIds(IMAGE, salt=salt).hide(sample_id) for salt in (BENCHMARK, OTHER_BENCHMARK, "")
    }
    assert len(seen) == 3


def test_neighbours_are_told_apart_in_half_of_their_bits():
    """Of 64 bits 32 differ on average; 1,000 pairs leave that to within 1."""
    ids = ids_of(IMAGE)
    numbers = [ids.place(f"{number:016x}") for number in range(1001)]

    differing = [(a ^ b).bit_count() for a, b in pairwise(numbers)]

    assert abs(sum(differing) / 1000 - 32) < 1
    assert min(differing) > 10


def test_the_order_of_places_is_that_of_hidden_ids():
    ids = ids_of(IMAGE)
    samples = [f"{number:016x}" for number in range(50)]

    assert sorted(samples, key=ids.place) == sorted(samples, key=ids.hide) != samples


def test_what_is_no_sample_id_passes():
    for name in ("a", "", "../x", "A" * 16, "0" * 17):
        assert ids_of(IMAGE).hide(name) == name == ids_of(IMAGE).reveal(name)


def test_samples_travel_hidden_and_the_outcome_names_them():
    ids = ids_of(IMAGE)
    sample = StreamedSample(id="0123456789abcdef", png=b"png", loss_of=(7,))
    (sent,) = ids.hiding([sample])
    outcome = RunOutcome(
        status=RunStatus.SUBMISSION_FAILED,
        reason=FailureReason.UNKNOWN_SAMPLE,
        sample_id=sent.id,
        detail=f"it answered '{sent.id}' a second time",
        total_seconds=1.0,
        predictions=1,
    )

    told = ids.revealing(outcome)

    assert sent == sample.model_copy(update={"id": ids.hide(sample.id)})
    assert (told.sample_id, told.detail) == (sample.id, f"it answered '{sample.id}' a second time")
    nothing_named = outcome.model_copy(update={"sample_id": None})
    assert ids.revealing(nothing_named) == nothing_named
