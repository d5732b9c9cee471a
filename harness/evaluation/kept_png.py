"""A prediction as it is kept: no larger than its pixels, whatever else the submission sent."""

import struct
import zlib

import numpy as np

from harness.evaluation.prediction import decode_prediction

_SPARE_SHARE = 1000
_SPARE_BYTES = 1024
"""What a sound file may have over its pixels: their thousandth (compression that gained nothing),
and a kilobyte for its chunks."""


def bounded_png(png: bytes) -> bytes:
    """Return an accepted prediction (see `decode_prediction`) in bytes that its pixels account for.

    That is the file itself, but for one that is blown up by comments or useless compressed blocks:
    its pixels are written anew. So a run's predictions take no more room than its images' pixels.
    """
    width, height, depth = struct.unpack_from(">IIB", png, 16)
    raw = height * (1 + width * depth // 8)
    if len(png) <= raw + raw // _SPARE_SHARE + _SPARE_BYTES:
        return png
    ids = decode_prediction(png, width=width, height=height)
    rows = np.zeros((height, 1 + width * depth // 8), np.uint8)  # filter 0 before each
    rows[:, 1:] = ids.astype(">u2" if depth == 16 else np.uint8).view(np.uint8)
    compressed = _chunk(b"IDAT", zlib.compress(rows.tobytes(), 1))
    return png[:33] + compressed + _chunk(b"IEND", b"")


def _chunk(kind: bytes, body: bytes) -> bytes:
    check = zlib.crc32(body, zlib.crc32(kind))
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", check)
