"""Hostile prediction bytes: each is decoded exactly or refused for the right reason."""

import io
import itertools
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from harness.errors import PredictionRejectedError
from harness.evaluation.prediction import SIGNATURE, decode_prediction
from harness.records.run import FailureReason
from harness.serving.serve import encode_prediction


def chunk(kind, body, *, crc=None):
    crc = zlib.crc32(body, zlib.crc32(kind)) if crc is None else crc
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", crc)


def png(
    ids, *, depth=8, color=0, interlace=0, between=b"", junk=b"", extra=b"", size=None, raw=None
):
    height, width = ids.shape
    width, height = size or (width, height)
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, interlace)
    pixels = ids.astype(">u2" if depth == 16 else np.uint8)
    rows = b"".join(b"\0" + row.tobytes() for row in pixels) if raw is None else raw
    return (
        SIGNATURE
        + chunk(b"IHDR", header)
        + between
        + chunk(b"IDAT", zlib.compress(rows) + junk)
        + chunk(b"IEND", b"")
        + extra
    )


IDS = np.array([[0, 1, 2], [3, 4, 255]], np.uint16)


def refused(data, *, width=3, height=2):
    with pytest.raises(PredictionRejectedError) as caught:
        decode_prediction(data, width=width, height=height)
    return caught.value


@given(
    ids=hnp.arrays(np.uint16, hnp.array_shapes(min_dims=2, max_dims=2, max_side=24)),
    wide=st.booleans(),
    optimize=st.booleans(),
)
def test_what_pillow_writes_comes_back_exactly(ids, wide, optimize):
    ids = ids if wide else (ids % 256).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(ids).save(buffer, "PNG", optimize=optimize)
    decoded = decode_prediction(buffer.getvalue(), width=ids.shape[1], height=ids.shape[0])
    assert decoded.dtype == ids.dtype
    np.testing.assert_array_equal(decoded, ids)


@given(
    ids=hnp.arrays(np.uint16, hnp.array_shapes(min_dims=2, max_dims=2, max_side=40)),
    wide=st.booleans(),
)
def test_what_our_serve_writes_comes_back_exactly(ids, wide):
    ids = ids if wide else (ids % 256).astype(np.uint8)
    height, width = ids.shape
    decoded = decode_prediction(encode_prediction(ids), width=width, height=height)
    assert decoded.dtype == ids.dtype
    np.testing.assert_array_equal(decoded, ids)


def test_rows_of_several_filters_are_decoded_too():
    rows = b"\2\0\1\2" + b"\0\3\4\xff" + b"\2\1\1\1" + b"\1\5\1\1"  # up, none, up, sub
    ids = np.array([[0, 1, 2], [3, 4, 255], [4, 5, 0], [5, 6, 7]], np.uint8)
    np.testing.assert_array_equal(decode_prediction(png(ids, raw=rows), width=3, height=4), ids)


@pytest.mark.parametrize("depth", [8, 16])
def test_unfiltered_rows_take_the_short_way_and_agree(depth):
    np.testing.assert_array_equal(decode_prediction(png(IDS, depth=depth), width=3, height=2), IDS)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "signature"),
        (b"\xff\xd8\xff\xe0 a JPEG", "signature"),
        (SIGNATURE, "IHDR"),
        (png(IDS)[:-1], "cut off"),
        (png(IDS)[:-12], "cut off"),
        (png(IDS, extra=b"PK\x03\x04"), "follow its end"),
        (png(IDS, color=3), "palette"),
        (png(IDS, color=2), "RGB"),
        (png(IDS, color=9), "unknown colour type 9"),
        (png(IDS, depth=4), "4 bits"),
        (png(IDS, interlace=1), "interlaced"),
        (png(IDS, raw=b"\0" * 7), "another number of pixels"),
        (png(IDS, raw=b"\0" * 9), "another number of pixels"),
        (png(IDS, raw=b"\0" * 5_000_000), "another number of pixels"),
        (png(IDS, raw=b"\x09" + b"\0" * 7), "filter 9"),
        (png(IDS, raw=b"\0" * 4 + b"\x05" + b"\0" * 3), "filter 5"),
        (png(IDS, junk=b"more"), "4 bytes follow its compressed data"),
        (png(IDS, between=chunk(b"IHDR", bytes(13))), "b'IHDR' has no place"),
        (png(IDS, between=chunk(b"PLTE", bytes(768))), "b'PLTE' has no place"),
        (png(IDS, between=chunk(b"CgBI", bytes(4))), "b'CgBI' has no place"),
    ],
    ids=itertools.count(),
)
def test_a_broken_file_is_refused_by_what_is_wrong(data, words):
    error = refused(data)
    assert error.reason == FailureReason.BAD_PREDICTION
    assert words in error.detail


def test_compressed_data_that_only_one_decoder_refuses_is_decoded_silently(capfd):
    """libpng trusts the window that a header announces, zlib does not, and libpng prints."""
    rows = (b"\x02" + bytes(range(200)) * 2) * 3
    window_of_256 = bytes([0x08, 0x1D])
    lying = window_of_256 + zlib.compress(rows)[2:]
    header = struct.pack(">IIBBBBB", 400, 3, 8, 0, 0, 0, 0)
    data = SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", lying) + chunk(b"IEND", b"")

    decoded = decode_prediction(data, width=400, height=3)

    first = np.tile(np.arange(200, dtype=np.uint8), 2)
    np.testing.assert_array_equal(decoded, np.outer([1, 2, 3], first).astype(np.uint8))
    assert capfd.readouterr() == ("", "")


def test_a_wrong_size_is_refused_before_anything_is_decompressed():
    bomb = png(IDS, size=(60_000, 60_000), raw=b"\0" * 10_000_000)
    error = refused(bomb)
    assert error.reason == FailureReason.WRONG_SIZE
    assert "60000x60000" in error.detail
    assert "3x2" in error.detail


def test_a_wrong_checksum_and_a_lying_length_are_refused():
    whole = png(IDS)
    at = whole.index(b"IDAT")
    assert "checksum" in refused(whole[: at + 4] + b"\0" + whole[at + 5 :]).detail
    lying = whole[: at - 4] + struct.pack(">I", 2**31 - 1) + whole[at:]
    assert "announces more bytes" in refused(lying).detail


def test_a_stream_cut_before_its_end_is_refused():
    rows = b"".join(b"\0" + bytes(3) for _ in range(2))
    cut = zlib.compress(rows)[:-4]
    header = struct.pack(">IIBBBBB", 3, 2, 8, 0, 0, 0, 0)
    data = SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", cut) + chunk(b"IEND", b"")
    assert "another number of pixels" in refused(data).detail


def test_a_chunk_that_would_change_the_picture_is_left_out():
    """An animation's first frame may be another picture than the file's."""
    filtered = b"\x02" + bytes([0, 1, 2]) + b"\x02" + bytes([3, 3, 3])
    plain = png(IDS, raw=filtered)
    at = plain.index(b"IDAT") - 4
    frame = struct.pack(">IIIIIHHBB", 0, 2, 1, 0, 0, 1, 1, 0, 0)
    mixed = (
        plain[:at]
        + chunk(b"acTL", struct.pack(">II", 1, 0))
        + chunk(b"fcTL", frame)
        + chunk(b"tRNS", b"\0\3")
        + plain[at:]
    )
    expected = [[0, 1, 2], [3, 4, 5]]
    assert decode_prediction(plain, width=3, height=2).tolist() == expected
    assert decode_prediction(mixed, width=3, height=2).tolist() == expected


@given(st.binary(max_size=400), st.integers(0, 60))
def test_arbitrary_bytes_never_do_anything_but_decode_or_be_refused(noise, position):
    whole = png(IDS)
    mixed = whole[:position] + noise + whole[position + len(noise) :]
    try:
        decoded = decode_prediction(mixed, width=3, height=2)
    except PredictionRejectedError:
        return
    assert decoded.shape == (2, 3)
