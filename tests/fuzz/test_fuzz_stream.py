"""Whatever a container writes, however it is cut: the same verdict, no other error, no memory."""

import json
import tracemalloc

import pytest
from frames_property import check_frames
from hypothesis import example, given
from hypothesis import strategies as st
from mutations import conversations, lines, mangled, wires
from seeds import READY, answer, frame
from stream_property import OWED, check_stream

from harness.sandbox.frames import FrameSplitter, Output
from harness.sandbox.protocol import MAX_LINE_BYTES, LineError, parse_answer, sample_header
from harness.sandbox.stream import PredictionStream
from harness.serving.serve import MAX_HEADER_BYTES, _parse_header

LARGEST_PREDICTION = 2**20
FLOODED_BYTES = 64 * 2**20
PIECE_BYTES = 2**18
MIB = 2**20


@given(conversations())
def test_conversations_gone_wrong_are_judged_alike_in_every_cut(data):
    check_stream(data)


@given(st.binary(max_size=300))
def test_any_bytes_are_judged_alike_in_every_cut(data):
    check_stream(data)


@given(wires())
def test_frames_gone_wrong_are_split_alike_and_end_the_conversation(data):
    check_frames(data)


@given(st.binary(max_size=300))
def test_any_frames_are_split_alike_and_end_the_conversation(data):
    check_frames(data)


@pytest.mark.parametrize(
    "said",
    [
        b"\0",
        b"\n",
        b"[",
        READY + b" ",
        READY + answer("a", b"")[:-1],
        READY + b'{"id": "a", "bytes": 1048576}\n',
        READY + b'{"id": "a", "bytes": 1048577}\n',
        READY + answer("a", b"p" * LARGEST_PREDICTION),
    ],
    ids=range(8),
)
def test_memory_is_bounded_by_a_line_and_a_prediction(said):
    """64 MiB are written, by a container that begins with `said` and goes on with its last byte."""
    stream = PredictionStream(max_prediction_bytes=LARGEST_PREDICTION)
    for sample_id in OWED:
        stream.owe(sample_id)
    piece = said[-1:] * PIECE_BYTES
    tracemalloc.start()

    for data in (said, *[piece] * (FLOODED_BYTES // PIECE_BYTES)):
        for event in stream.receive(data):
            del event
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    # the prediction as it comes, with the room that a growing buffer keeps, and as it is handed on
    assert peak <= 3 * LARGEST_PREDICTION + 2 * PIECE_BYTES + MAX_LINE_BYTES


def test_a_frame_of_4_gigabytes_costs_nothing():
    splitter = FrameSplitter()
    opened = frame(2, b"")[:4] + b"\xff\xff\xff\xff"
    tracemalloc.start()

    taken = sum(len(piece.data) for piece in splitter.split(opened + b"x" * 100))
    for _ in range(256):
        taken += sum(len(piece.data) for piece in splitter.split(b"y" * PIECE_BYTES))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert taken == 100 + 256 * PIECE_BYTES
    assert peak < MIB
    assert {piece.output for piece in splitter.split(b"z")} == {Output.STDERR}


@given(
    sample_id=st.from_regex(r"[0-9a-f]{64}", fullmatch=True),
    size=st.integers(0, 2**40),
    loss_of=st.lists(st.integers(0, 65535), max_size=200, unique=True),
)
def test_the_header_of_an_image_is_understood_by_the_other_side(sample_id, size, loss_of):
    line = sample_header(sample_id, size, loss_of=loss_of)

    assert line.index(b"\n") == len(line) - 1 < MAX_HEADER_BYTES
    read = _parse_header(line)
    assert (read.id, read.size, read.loss_of) == (sample_id, size, tuple(loss_of))


def check_message(message: str) -> None:
    assert message.isascii()
    assert message.isprintable()


@given(st.one_of(st.binary(max_size=100), mangled(lines())))
@example(b'{"id": "a", "bytes": 1, "bytes": 2}')
def test_a_line_is_a_header_or_a_line_error(line):
    try:
        header = parse_answer(line)
    except LineError as error:
        check_message(str(error))
        return
    assert isinstance(header.sample_id, str)
    assert type(header.size) is int
    assert header.size >= 0
    said = json.loads(line, object_pairs_hook=list)
    assert sorted(said) == [("bytes", header.size), ("id", header.sample_id)]
