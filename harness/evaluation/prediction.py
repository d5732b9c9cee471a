"""Turns a submission's hostile PNG bytes into class ids, or into a precise refusal."""

import math
import struct
import zlib
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from harness.errors import PredictionRejectedError
from harness.records.run import FailureReason

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GRAYSCALE = 0
COLOR_TYPES = {2: "RGB", 3: "palette", 4: "gray with alpha", 6: "RGB with alpha"}
MAX_CHUNKS = 65536
ANCILLARY = 0x20
"""The bit in a chunk's first letter that says a decoder may leave it out; case tells it."""
FILTER_UP = 2
LAST_FILTER = 4
"""Filter types are 0 to 4: none, sub, up, average, Paeth."""


@dataclass(frozen=True, kw_only=True)
class _Header:
    width: int
    height: int
    bit_depth: int

    @property
    def row_bytes(self) -> int:
        return self.width * self.bit_depth // 8


def decode_prediction(
    png: bytes, *, width: int, height: int
) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Return the class ids in `png`, [height, width], uint8 or uint16 as the file has them.

    Nothing is decompressed before the header has the right size and type, and never more than
    one image's worth, so a bomb costs nothing (DESIGN.md, Isolation).

    Raises:
        PredictionRejectedError: `png` is no intact, non-interlaced, one-channel 8- or 16-bit PNG
            (bad-prediction), or not of the image's size (wrong-size).
    """
    header = _read_header(png, width=width, height=height)
    rows = _inflate(_image_data(png), header)
    if not rows[:, 0].any():
        return _ids_of_unfiltered(rows[:, 1:], header)
    if (rows[:, 0] == FILTER_UP).all():  # as our serve.py writes them
        return _ids_of_unfiltered(_summed_up(rows[:, 1:]), header)
    if rows[:, 0].max() > LAST_FILTER:
        msg = f"a row has the filter {rows[:, 0].max()}, which there is none of"
        raise _bad(msg)
    plain = np.frombuffer(_plain(png, rows), np.uint8)
    decoded = cv2.imdecode(plain, cv2.IMREAD_UNCHANGED)
    if decoded is None or decoded.shape != (height, width):
        msg = "its rows can't be decoded"
        raise _bad(msg)
    if header.bit_depth == 16:
        return decoded.astype(np.uint16, copy=False)
    return decoded.astype(np.uint8, copy=False)


def _bad(detail: str) -> PredictionRejectedError:
    return PredictionRejectedError(
        FailureReason.BAD_PREDICTION, f"the prediction is not a valid PNG of class ids: {detail}"
    )


def _read_header(png: bytes, *, width: int, height: int) -> _Header:
    if not png.startswith(SIGNATURE):
        msg = "it does not begin with the PNG signature"
        raise _bad(msg)
    if len(png) < 33 or png[8:16] != b"\x00\x00\x00\rIHDR":
        msg = "its first chunk is no IHDR of 13 bytes"
        raise _bad(msg)
    fields = struct.unpack(">IIBBBBB", png[16:29])
    found_width, found_height, bit_depth, color_type, compression, filtering, interlace = fields
    if (found_width, found_height) != (width, height):
        raise PredictionRejectedError(
            FailureReason.WRONG_SIZE,
            f"the prediction is {found_width}x{found_height}, its image is {width}x{height}",
        )
    if color_type != GRAYSCALE:
        kind = COLOR_TYPES.get(color_type, f"of unknown colour type {color_type}")
        msg = f"it is {kind}; save one channel (Pillow mode L or I;16)"
        raise _bad(msg)
    if bit_depth not in {8, 16}:
        msg = f"it has {bit_depth} bits a pixel; save 8 or 16"
        raise _bad(msg)
    if compression or filtering:
        msg = "it uses an unknown compression or filter method"
        raise _bad(msg)
    if interlace:
        msg = "it is interlaced; save it without interlacing"
        raise _bad(msg)
    return _Header(width=width, height=height, bit_depth=bit_depth)


def _image_data(png: bytes) -> bytes:
    """Return the concatenated IDAT chunks of a file whose every chunk is intact up to IEND."""
    parts: list[bytes] = []
    position = len(SIGNATURE)
    for _ in range(MAX_CHUNKS):
        if position + 12 > len(png):
            msg = "it is cut off"
            raise _bad(msg)
        (length,) = struct.unpack_from(">I", png, position)
        kind = png[position + 4 : position + 8]
        end = position + 12 + length
        if end > len(png):
            msg = f"its chunk {kind!r} announces more bytes than there are"
            raise _bad(msg)
        body = png[position + 8 : end - 4]
        if zlib.crc32(body, zlib.crc32(kind)) != int.from_bytes(png[end - 4 : end], "big"):
            msg = f"the checksum of its chunk {kind!r} is wrong"
            raise _bad(msg)
        if kind == b"IDAT":
            parts.append(body)
        elif kind == b"IEND":
            if end != len(png):
                msg = f"{len(png) - end} bytes follow its end"
                raise _bad(msg)
            return b"".join(parts)
        elif not kind[0] & ANCILLARY and position != len(SIGNATURE):
            msg = f"its chunk {kind!r} has no place in a gray picture"
            raise _bad(msg)
        position = end
    msg = f"it has more than {MAX_CHUNKS} chunks"
    raise _bad(msg)


def _plain(png: bytes, rows: NDArray[np.uint8]) -> bytes:
    """Return a file of the same header and `rows`, and of nothing else that `png` says.

    No hostile compressed data, and no chunk that could change what a decoder shows (tRNS, acTL ...)
    or what it prints, gets to OpenCV.
    """
    chunk = b"IDAT" + zlib.compress(rows.data, level=0)
    return (
        png[:33]
        + (len(chunk) - 4).to_bytes(4, "big")
        + chunk
        + zlib.crc32(chunk).to_bytes(4, "big")
        + b"\0\0\0\0IEND\xaeB`\x82"
    )


def _inflate(data: bytes, header: _Header) -> NDArray[np.uint8]:
    """Return the filtered rows, [height, 1 + row bytes], the filter type first."""
    expected = header.height * (header.row_bytes + 1)
    inflater = zlib.decompressobj()
    try:
        raw = inflater.decompress(data, expected + 1)
    except zlib.error as error:
        msg = "its compressed data is broken"
        raise _bad(msg) from error
    if len(raw) != expected or not inflater.eof:
        msg = "it holds another number of pixels than its header says"
        raise _bad(msg)
    if inflater.unused_data:
        msg = f"{len(inflater.unused_data)} bytes follow its compressed data"
        raise _bad(msg)
    return np.frombuffer(raw, np.uint8).reshape(header.height, header.row_bytes + 1)


def _ids_of_unfiltered(
    rows: NDArray[np.uint8], header: _Header
) -> NDArray[np.uint8] | NDArray[np.uint16]:
    if header.bit_depth == 8:
        return rows
    return np.ascontiguousarray(rows).view(">u2").astype(np.uint16)


def _summed_up(rows: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return rows that hold the difference to the one above as they were (PNG, 9.2: Up).

    Rows are summed in blocks side by side, then blocks: some 2 sqrt(height) steps of many bytes,
    not height steps of one row.
    """
    height, width = rows.shape
    block = math.isqrt(height - 1) + 1
    sums = np.zeros((-(-height // block), block, width), np.uint8)
    flat = sums.reshape(-1, width)
    flat[:height] = rows
    for row in range(1, block):
        sums[:, row] += sums[:, row - 1]
    for above in range(len(sums) - 1):
        sums[above + 1] += sums[above, -1]
    return flat[:height]
