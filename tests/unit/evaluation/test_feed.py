"""Samples are read ahead, a few, in order; what reading raises comes out where it happened."""

import threading

import pytest
from fakes import write_tiny_benchmark

from harness.dataset.benchmark_folder import BenchmarkFolder
from harness.errors import BenchmarkError
from harness.evaluation.feed import SAMPLES_AHEAD, reading_ahead, scored_samples, stream_samples
from harness.records.run import StreamedSample
from harness.sandbox.hidden_ids import HiddenIds

PATIENCE_SECONDS = 30
IMAGE = "sha256:" + "1" * 64


@pytest.fixture
def folder(tmp_path):
    write_tiny_benchmark(tmp_path / "tiny")
    return BenchmarkFolder(tmp_path / "tiny")


def numbered(count):
    for number in range(count):
        yield StreamedSample(id=f"{number}", png=b"png")


def test_every_sample_is_streamed_once_in_the_order_that_its_image_sees(folder):
    samples = scored_samples(folder)
    streamed = {one.id: one.png for one in stream_samples(folder, samples, image_digest=IMAGE)}
    assert set(streamed) == {one.id for one in folder.samples()}
    assert (
        list(streamed)
        == sorted(streamed, key=HiddenIds(IMAGE, salt=folder.header().digest).hide)
        != sorted(streamed)
    )
    assert all(png == folder.image_png(one) for one, png in streamed.items())


def test_what_was_answered_is_left_out(folder):
    samples = scored_samples(folder)
    answered = set(list(samples)[1:4])
    streamed = [
        one.id for one in stream_samples(folder, samples, image_digest=IMAGE, answered=answered)
    ]
    whole = [one.id for one in stream_samples(folder, samples, image_digest=IMAGE)]
    assert streamed == [one for one in whole if one not in answered]
    assert len(streamed) == len(samples) - 3


def test_another_image_gets_another_order(folder):
    samples = scored_samples(folder)
    orders = {
        tuple(one.id for one in stream_samples(folder, samples, image_digest=f"sha256:{image}"))
        for image in range(5)
    }
    assert len(orders) == 5


def test_no_sample_is_left_in_the_folder_s_memory(folder):
    scored_samples(folder)
    assert folder.__dict__["_read_samples"] is None


def test_reading_ahead_changes_neither_samples_nor_order():
    for count in (0, 1, SAMPLES_AHEAD, 3 * SAMPLES_AHEAD + 1):
        with reading_ahead(numbered(count)) as ahead:
            assert list(ahead) == list(numbered(count))


def test_no_more_than_a_few_are_read_ahead():
    drawn, enough = [], threading.Event()

    def drawing():
        for sample in numbered(1000):
            drawn.append(sample.id)
            if len(drawn) > SAMPLES_AHEAD:  # the last one waits for room
                enough.set()
            yield sample

    with reading_ahead(drawing()) as ahead:
        assert enough.wait(PATIENCE_SECONDS)
        next(ahead)
        next(ahead)
    assert SAMPLES_AHEAD < len(drawn) <= SAMPLES_AHEAD + 3


def test_an_error_comes_after_the_samples_before_it(folder):
    samples = scored_samples(folder)
    order = sorted(samples, key=HiddenIds(IMAGE, salt=folder.header().digest).place)
    broken = order[5]
    folder.image_path(broken).write_bytes(b"another picture")
    found = []

    def take(ahead):
        for one in ahead:
            found.append(one.id)  # noqa: PERF401 - what came before the error is wanted

    with (
        reading_ahead(stream_samples(folder, samples, image_digest=IMAGE)) as ahead,
        pytest.raises(BenchmarkError, match=broken),
    ):
        take(ahead)
    assert found == order[:5]


def test_whoever_leaves_early_leaves_no_thread_behind():
    before = threading.active_count()
    with reading_ahead(numbered(1000)) as ahead:
        next(ahead)
    assert threading.active_count() == before
