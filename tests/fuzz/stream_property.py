"""What must hold of the stream parser for every byte that a container can write.

An input is one byte that says how it is played, and the conversation. It comes from hypothesis,
from the fuzzer or from the kept corpus.
"""

import random
import zlib
from collections.abc import Iterator
from itertools import pairwise

from harness.records.run import FailureReason
from harness.sandbox.fault import Fault
from harness.sandbox.protocol import (
    MAX_LINE_BYTES,
    MAX_NAME_CHARACTERS,
    LineError,
    parse_answer,
    parse_ready,
)
from harness.sandbox.stream import Answer, PredictionStream, Ready, StreamEvent

OWED = ("a", "b", "c")
LARGEST = 64
"""The largest prediction of the played conversations, in bytes."""
LONGEST_DETAIL = 400
END_FIRST = 1
"""The bit of the first byte that says whether the end of the samples is known from the start."""

Verdict = list[tuple[object, ...]]


def check_stream(data: bytes) -> None:
    """Raise AssertionError where what `data` plays is not taken as the protocol says."""
    how, said = data[:1], data[1:]
    end_first = bool(how and how[0] & END_FIRST)

    whole = _verdict([said], end_first=end_first)
    cut = _verdict(pieces(said), end_first=end_first)
    single = _verdict([said[at : at + 1] for at in range(len(said))], end_first=end_first)

    assert whole == expected(said, end_first=end_first)
    assert cut == whole
    assert single == whole


def pieces(data: bytes) -> list[bytes]:
    """Return `data` cut in up to nine pieces, in the same places whenever it is the same."""
    draw = random.Random(zlib.crc32(data))  # noqa: S311 - repeatable, guards nothing
    edges = sorted(draw.randrange(len(data) + 1) for _ in range(draw.randrange(9)))
    return [data[low:high] for low, high in pairwise([0, *edges, len(data)])]


def _verdict(chunks: list[bytes], *, end_first: bool) -> Verdict:
    stream = PredictionStream(max_prediction_bytes=LARGEST)
    for sample_id in OWED:
        stream.owe(sample_id)
    events = list(stream.end_of_samples()) if end_first else []
    events += [event for chunk in chunks for event in stream.receive(chunk)]
    if not end_first:
        events += stream.end_of_samples()
    verdict = [*(shape(event) for event in events), ("owed", stream.owed)]
    if any(isinstance(event, Fault) for event in events):
        assert isinstance(events[-1], Fault)
        assert list(stream.receive(b"more\n")) == []
    return verdict


def shape(event: StreamEvent) -> tuple[object, ...]:
    """Return what of `event` does not depend on how its bytes were cut; faults quote what came."""
    match event:
        case Ready(name=name, losses=losses):
            assert name.isprintable()
            assert len(name) <= MAX_NAME_CHARACTERS
            return ("ready", name, losses)
        case Answer(sample_id=sample_id, png=png):
            return ("answer", sample_id, png)
        case Fault(reason=reason, sample_id=sample_id, detail=detail):
            assert detail.isascii()
            assert detail.isprintable()
            assert len(detail) <= LONGEST_DETAIL
            return ("fault", reason, sample_id)


def expected(said: bytes, *, end_first: bool) -> Verdict:
    """Return the verdict on the whole of `said`, read in one go and without any state machine."""
    owed = list(OWED)
    events = list(_read(said, owed, end_first=end_first))
    return [*events, ("owed", len(owed))]


def _read(said: bytes, owed: list[str], *, end_first: bool) -> Iterator[tuple[object, ...]]:
    line, newline, rest = said.partition(b"\n")
    if not newline or len(line) >= MAX_LINE_BYTES:
        if len(said) >= MAX_LINE_BYTES:
            yield ("fault", FailureReason.BAD_READY_LINE, None)
        return
    try:
        ready = parse_ready(line)
    except LineError:
        yield ("fault", FailureReason.BAD_READY_LINE, None)
        return
    yield ("ready", ready.name, ready.losses)
    yield from _read_answers(rest, owed, end_first=end_first)


def _read_answers(rest: bytes, owed: list[str], *, end_first: bool) -> Iterator[tuple[object, ...]]:
    while rest:
        if end_first and not owed:
            yield ("fault", FailureReason.EXTRA_OUTPUT, None)
            return
        line, newline, body = rest.partition(b"\n")
        if not newline or len(line) >= MAX_LINE_BYTES:
            if len(rest) >= MAX_LINE_BYTES:
                yield ("fault", FailureReason.BAD_HEADER, None)
            elif not owed:
                yield ("fault", FailureReason.EXTRA_OUTPUT, None)
            return
        try:
            header = parse_answer(line)
        except LineError:
            yield ("fault", FailureReason.BAD_HEADER, None)
            return
        if header.sample_id not in owed:
            twice = header.sample_id if header.sample_id in OWED else None
            yield ("fault", FailureReason.UNKNOWN_SAMPLE, twice)
            return
        if header.size > LARGEST:
            yield ("fault", FailureReason.PREDICTION_TOO_LARGE, header.sample_id)
            return
        if len(body) < header.size:
            return
        owed.remove(header.sample_id)
        yield ("answer", header.sample_id, body[: header.size])
        rest = body[header.size :]
