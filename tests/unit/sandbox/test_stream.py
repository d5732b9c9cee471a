import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.records.run import FailureReason
from harness.sandbox.fault import Fault
from harness.sandbox.protocol import MAX_LINE_BYTES
from harness.sandbox.stream import Answer, PredictionStream, Ready

READY = b'{"protocol": 1, "name": "net"}\n'
LIMIT = 1000


def header(sample_id: str, size: object) -> bytes:
    return json.dumps({"id": sample_id, "bytes": size}).encode() + b"\n"


def asked(*sample_ids: str) -> PredictionStream:
    """A ready stream that owes `sample_ids`."""
    stream = PredictionStream(max_prediction_bytes=LIMIT)
    assert list(stream.receive(READY)) == [Ready(name="net")]
    for sample_id in sample_ids:
        stream.owe(sample_id)
    return stream


def only_fault(events) -> Fault:
    (fault,) = events
    assert isinstance(fault, Fault)
    return fault


def test_answers_are_taken_in_any_order():
    stream = asked("a", "b")

    events = list(stream.receive(header("b", 3) + b"BBB" + header("a", 0)))

    assert events == [Answer(sample_id="b", png=b"BBB"), Answer(sample_id="a", png=b"")]
    assert stream.owed == 0
    assert not stream.complete
    assert list(stream.end_of_samples()) == []
    assert stream.complete


def test_what_is_owed_is_counted_and_the_oldest_named():
    stream = asked("a", "b", "c")
    list(stream.receive(header("a", 1) + b"x"))

    assert (stream.owed, stream.oldest_owed) == (2, "b")


@pytest.mark.parametrize(
    "line", [b"Loading...\n", b"\n", header("a", 1), b"x" * MAX_LINE_BYTES, b"\0" * 10_000]
)
def test_another_first_line_is_a_bad_ready_line(line):
    stream = PredictionStream(max_prediction_bytes=LIMIT)

    assert only_fault(stream.receive(line)).reason is FailureReason.BAD_READY_LINE


def test_the_longest_line_is_taken_and_a_longer_one_is_not():
    line = READY.rstrip(b"\n")
    longest = line + b" " * (MAX_LINE_BYTES - len(line) - 1) + b"\n"
    stream = PredictionStream(max_prediction_bytes=LIMIT)
    other = PredictionStream(max_prediction_bytes=LIMIT)

    assert list(stream.receive(longest)) == [Ready(name="net")]
    assert only_fault(other.receive(b" " + longest)).reason is FailureReason.BAD_READY_LINE


@pytest.mark.parametrize(
    ("said", "reason", "sample_id"),
    [
        (b"done\n", FailureReason.BAD_HEADER, None),
        (b"y" * MAX_LINE_BYTES, FailureReason.BAD_HEADER, None),
        (header("a", True), FailureReason.BAD_HEADER, None),
        (header("a", -1), FailureReason.BAD_HEADER, None),
        (header("z", 1), FailureReason.UNKNOWN_SAMPLE, None),
        (header("a", LIMIT + 1), FailureReason.PREDICTION_TOO_LARGE, "a"),
        (header("a", 10**30), FailureReason.PREDICTION_TOO_LARGE, "a"),
    ],
)
def test_a_wrong_answer_is_a_fault(said, reason, sample_id):
    fault = only_fault(asked("a").receive(said))

    assert (fault.reason, fault.sample_id) == (reason, sample_id)


def test_the_same_sample_twice_is_a_fault():
    stream = asked("a", "b")

    first, fault = stream.receive((header("a", 1) + b"x") * 2)

    assert first == Answer(sample_id="a", png=b"x")
    assert fault.reason is FailureReason.UNKNOWN_SAMPLE
    assert fault.sample_id == "a"
    assert "second time" in fault.detail


def test_a_sample_that_was_not_sent_yet_is_unknown():
    stream = asked("a")

    assert only_fault(stream.receive(header("b", 1))).reason is FailureReason.UNKNOWN_SAMPLE


def test_the_largest_prediction_is_taken():
    events = list(asked("a").receive(header("a", LIMIT) + b"p" * LIMIT))

    assert events == [Answer(sample_id="a", png=b"p" * LIMIT)]


@pytest.mark.parametrize("extra", [b"\n", b"bye\n", header("a", 1), b"{"])
def test_output_after_the_last_answer_is_extra(extra):
    before, after = asked("a"), asked("a")

    list(after.receive(header("a", 1) + b"x"))
    assert list(after.end_of_samples()) == []
    assert only_fault(after.receive(extra)).reason is FailureReason.EXTRA_OUTPUT

    list(before.end_of_samples())
    _, fault = before.receive(header("a", 1) + b"x" + extra)
    assert fault.reason is FailureReason.EXTRA_OUTPUT


def test_half_a_line_before_the_end_of_samples_is_extra_then():
    stream = asked("a")
    assert len(list(stream.receive(header("a", 1) + b"x" + b"by"))) == 1

    assert only_fault(stream.end_of_samples()).reason is FailureReason.EXTRA_OUTPUT
    assert not stream.complete


def test_after_a_fault_everything_is_ignored_and_nothing_kept():
    stream = asked("a")
    only_fault(stream.receive(b"rubbish\n"))

    assert list(stream.receive(header("a", 1) + b"x")) == []
    assert list(stream.receive(b"x" * 10**6)) == []
    assert len(stream._buffer) == 0
    assert not stream.complete


def test_a_sample_is_sent_once():
    stream = asked("a")

    with pytest.raises(ValueError, match="sent before"):
        stream.owe("a")
    list(stream.receive(header("a", 1) + b"x"))
    with pytest.raises(ValueError, match="sent before"):
        stream.owe("a")


def cut(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(at % (len(data) + 1) for at in cuts), len(data)]
    return [data[low:high] for low, high in pairwise(edges)]


@given(
    bodies=st.lists(st.binary(max_size=50), max_size=8),
    order=st.randoms(use_true_random=False),
    cuts=st.lists(st.integers(min_value=0), max_size=30),
)
def test_chunking_and_order_never_matter(bodies, order, cuts):
    answers = [(str(n), body) for n, body in enumerate(bodies)]
    stream = PredictionStream(max_prediction_bytes=50)
    for sample_id, _ in answers:
        stream.owe(sample_id)
    order.shuffle(answers)
    said = READY + b"".join(header(i, len(body)) + body for i, body in answers)

    events = [event for chunk in cut(said, cuts) for event in stream.receive(chunk)]

    assert events == [Ready(name="net"), *(Answer(sample_id=i, png=b) for i, b in answers)]
    assert list(stream.end_of_samples()) == []
    assert stream.complete


@given(
    said=st.lists(
        st.one_of(
            st.binary(max_size=40),
            st.sampled_from([READY, header("a", 2), header("b", 0), header("a", 51), b"\n", b"ab"]),
        ),
        max_size=12,
    ).map(b"".join),
    cuts=st.lists(st.integers(min_value=0), max_size=10),
)
def test_no_bytes_break_it_and_chunking_does_not_change_the_verdict(said, cuts):
    def verdict(chunks: list[bytes]) -> tuple[list[object], int]:
        stream = PredictionStream(max_prediction_bytes=50)
        stream.owe("a")
        stream.owe("b")
        return [event for chunk in chunks for event in stream.receive(chunk)], stream.owed

    whole, pieces = verdict([said]), verdict(cut(said, cuts))

    assert [_kind(event) for event in whole[0]] == [_kind(event) for event in pieces[0]]
    assert whole[1] == pieces[1]
    assert sum(isinstance(event, Fault) for event in whole[0]) <= 1


def _kind(event: object) -> object:
    # What a fault quotes depends on how much has come; its reason doesn't.
    return (event.reason, event.sample_id) if isinstance(event, Fault) else event


@given(chunks=st.lists(st.binary(max_size=3000), max_size=20))
def test_memory_stays_bounded(chunks):
    stream = PredictionStream(max_prediction_bytes=100)
    stream.owe("a")
    for chunk in [READY, header("a", 100), *chunks]:
        list(stream.receive(chunk))

        assert len(stream._buffer) < MAX_LINE_BYTES + 3000
