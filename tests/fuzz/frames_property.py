"""What must hold of frames and of a whole conversation for every byte that an engine can send."""

import random
import struct
import zlib
from threading import Event

from stream_property import pieces

from harness.records.run import StreamedSample
from harness.records.submission import ContainerLimits
from harness.sandbox.conversation import Conversation, Ending
from harness.sandbox.deadlines import ContainerClock
from harness.sandbox.frames import FrameSplitter, FramingError, Output
from harness.sandbox.wire import Readiness

SAMPLES = [StreamedSample(id=name, png=b"picture of " + name.encode()) for name in "abcde"]
LIMITS = ContainerLimits(max_in_flight=2, log_bytes=128, max_prediction_bytes=64)
LONGEST_LOG = LIMITS.log_bytes + len("\n[... 1000000 bytes left out ...]\n")


def check_frames(data: bytes) -> None:
    """Raise AssertionError where `data`, as an engine sends it, is split or answered wrongly."""
    whole = _split([data])
    assert whole == _expected_split(data)
    assert _split(pieces(data)) == whole
    assert _split([data[at : at + 1] for at in range(len(data))]) == whole
    _converse(data)


def _split(chunks: list[bytes]) -> tuple[bytes, bytes, bool]:
    splitter, found = FrameSplitter(), {output: bytearray() for output in Output}
    broken = False
    try:
        for chunk in chunks:
            for piece in splitter.split(chunk):
                assert len(piece.data) > 0
                found[piece.output] += piece.data
    except FramingError:
        broken = True
    return bytes(found[Output.STDOUT]), bytes(found[Output.STDERR]), broken


def _expected_split(data: bytes) -> tuple[bytes, bytes, bool]:
    said = {1: b"", 2: b""}
    while len(data) >= 8:
        number, length = data[0], struct.unpack(">I", data[4:8])[0]
        if number not in said:
            return said[1], said[2], True
        said[number] += data[8 : 8 + length]
        data = data[8 + length :]
    return said[1], said[2], False


class ScriptedWire:
    """Gives what an engine sends in pieces and takes what it is given in pieces; never waits."""

    def __init__(self, data: bytes) -> None:
        self._coming = pieces(data)
        self._draw = random.Random(zlib.crc32(data))  # noqa: S311 - repeatable, guards nothing
        self.given = bytearray()
        self.input_ended = False

    def wait(self, _seconds: float, *, to_write: bool) -> Readiness:
        return Readiness(readable=True, writable=to_write and self._draw.random() < 0.9)

    def receive(self) -> bytes | None:
        if self._draw.random() < 0.2:
            return None
        while self._coming:
            if piece := self._coming.pop(0):
                return piece
        return b""

    def send(self, data: memoryview) -> int:
        if self._draw.random() < 0.02:
            raise BrokenPipeError
        count = self._draw.randrange(len(data) + 1)
        self.given += data[:count]
        return count

    def close_write(self) -> None:
        self.input_ended = True


def _converse(data: bytes) -> None:
    taken: dict[str, bytes] = {}

    def take(sample_id: str, png: bytes) -> None:
        assert sample_id not in taken
        taken[sample_id] = png

    wire = ScriptedWire(data)
    conversation = Conversation(
        wire,
        SAMPLES,
        limits=LIMITS,
        clock=ContainerClock(lambda: 0.0),
        on_prediction=take,
        stop=Event(),
    )
    try:
        ending = conversation.hold()
    except FramingError:
        return
    _check_ending(ending, taken, wire)
    assert len(conversation.log.text()) <= LONGEST_LOG


def _check_ending(ending: Ending, taken: dict[str, bytes], wire: ScriptedWire) -> None:
    ids = [sample.id for sample in SAMPLES]
    assert set(taken) <= set(ids)
    assert all(len(png) <= LIMITS.max_prediction_bytes for png in taken.values())
    assert ending.predictions == len(taken)
    assert ending.oldest_owed is None or ending.oldest_owed in set(ids) - set(taken)
    if ending.complete:
        assert ending.fault is None
        assert set(taken) == set(ids)
        assert wire.input_ended
