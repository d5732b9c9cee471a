import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.sandbox.frames import FrameSplitter, FramingError, Output


def frame(output: int, payload: bytes) -> bytes:
    return struct.pack(">BxxxI", output, len(payload)) + payload


def joined(chunks) -> dict[Output, bytes]:
    splitter, found = FrameSplitter(), {Output.STDOUT: b"", Output.STDERR: b""}
    for chunk in chunks:
        for piece in splitter.split(chunk):
            assert len(piece.data) > 0
            found[piece.output] += piece.data
    return found


def test_outputs_are_told_apart():
    data = frame(1, b"answer") + frame(2, b"log") + frame(1, b"") + frame(1, b"!")

    assert joined([data]) == {Output.STDOUT: b"answer!", Output.STDERR: b"log"}


@pytest.mark.parametrize("number", [0, 3, 255])
def test_an_unknown_output_is_an_error(number):
    with pytest.raises(FramingError, match=str(number)):
        joined([frame(number, b"x")])


@given(
    frames=st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(max_size=30)), max_size=10),
    size=st.integers(min_value=1, max_value=20),
)
def test_cuts_never_matter(frames, size):
    data = b"".join(frame(*entry) for entry in frames)

    found = joined(data[at : at + size] for at in range(0, len(data), size))

    for output in Output:
        assert found[output] == b"".join(payload for number, payload in frames if number == output)
