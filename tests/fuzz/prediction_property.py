"""What must hold of the prediction reader for every file that a container can send.

An input is three bytes - how the file is finished, its image's width and its height - and the file.
Finishing puts right what a mutation breaks first and what would hide everything behind it: the
checksums, the header's size, the compression of the pixels.
"""

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image

from harness.errors import PredictionRejectedError
from harness.evaluation.prediction import SIGNATURE, decode_prediction
from harness.records.run import FailureReason

WITH_CHECKSUMS = 1
WITH_SIZE = 2
WITH_COMPRESSION = 4
MOST_PIXELS = 64
"""Along a side."""
LONGEST_DETAIL = 400
_MODES = {8: "L", 16: "I;16"}


@dataclass(frozen=True, kw_only=True)
class Played:
    """A file and the image that it is an answer to."""

    png: bytes
    width: int
    height: int


def check_prediction(data: bytes) -> None:
    """Raise AssertionError where the file that `data` plays is neither read right nor refused."""
    played = play(data)
    try:
        found = decode_prediction(played.png, width=played.width, height=played.height)
    except PredictionRejectedError as error:
        check_refusal(error)
        return
    assert found.shape == (played.height, played.width)
    assert found.dtype == (np.uint16 if played.png[24] == 16 else np.uint8)
    np.testing.assert_array_equal(found, _as_pillow_reads(played.png))


def check_refusal(error: PredictionRejectedError) -> None:
    """Raise AssertionError where `error` is none that a person may be shown."""
    assert error.reason in {FailureReason.BAD_PREDICTION, FailureReason.WRONG_SIZE}
    assert error.detail.isascii()
    assert error.detail.isprintable()
    assert len(error.detail) <= LONGEST_DETAIL


def play(data: bytes) -> Played:
    """Return what `data` plays."""
    how, width, height = (*data[:3], 0, 0, 0)[:3]
    width, height = 1 + width % MOST_PIXELS, 1 + height % MOST_PIXELS
    file = data[3:]
    size = struct.pack(">II", width, height)
    if how & WITH_SIZE and len(file) >= 24:
        file = file[:16] + size + file[24:]
    if how & (WITH_CHECKSUMS | WITH_COMPRESSION) and file.startswith(SIGNATURE):
        file = SIGNATURE + b"".join(_finished(file, how))
    return Played(png=file, width=width, height=height)


def _finished(file: bytes, how: int) -> Iterator[bytes]:
    position = len(SIGNATURE)
    while position + 12 <= len(file):
        (length,) = struct.unpack_from(">I", file, position)
        end = position + 12 + length
        if end > len(file):
            break
        kind, body = file[position + 4 : position + 8], file[position + 8 : end - 4]
        if kind == b"IDAT" and how & WITH_COMPRESSION:
            body = zlib.compress(body, 1)
        check = file[end - 4 : end]
        if how & WITH_CHECKSUMS:
            check = zlib.crc32(body, zlib.crc32(kind)).to_bytes(4, "big")
        yield len(body).to_bytes(4, "big") + kind + body + check
        position = end
    yield file[position:]


def _as_pillow_reads(png: bytes) -> np.ndarray:
    """Return the pixels by another decoder, of the header and the pixels alone.

    Chunks that may be left out say of an animation, say, that its first picture is another one.
    """
    plain = png[:33] + b"".join(chunk for chunk in _chunks(png) if chunk[4:8] in {b"IDAT", b"IEND"})
    with Image.open(io.BytesIO(plain)) as opened:
        assert opened.mode == _MODES[png[24]]
        return np.array(opened)


def _chunks(png: bytes) -> Iterator[bytes]:
    position = len(SIGNATURE)
    while position < len(png):
        (length,) = struct.unpack_from(">I", png, position)
        yield png[position : position + 12 + length]
        position += 12 + length
