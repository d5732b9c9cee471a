"""Attacks on what reads predictions: files that are none, lie, burst or hold something else."""

import os
import struct
import zipfile
import zlib
from collections.abc import Callable
from io import BytesIO

import speak

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GRAY, RGB, PALETTE, GRAY_ALPHA, RGBA = 0, 2, 3, 4, 6
CHANNELS = {GRAY: 1, RGB: 3, PALETTE: 1, GRAY_ALPHA: 2, RGBA: 4}
MIB = 2**20
GIF = b"GIF89a\1\0\1\0\x80\0\0\0\0\0\xff\xff\xff!\xf9\4\1\0\0\0\0,\0\0\0\0\1\0\1\0\0\2\2D\1\0;"
JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffdb004300") + bytes(64) + b"\xff\xd9"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
BMP = b"BM" + struct.pack(
    "<IHHIIiiHHIIiiII", 54 + 576, 0, 0, 54, 40, 16, 12, 1, 24, 0, 576, *[0] * 4
)


def chunk(kind: bytes, body: bytes, *, check: int | None = None) -> bytes:
    """Return a chunk of a file; `check` in the place of its checksum."""
    right = zlib.crc32(body, zlib.crc32(kind))
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", check or right)


def head(
    width: int, height: int, *, depth: int = 8, color: int = GRAY, interlace: int = 0
) -> bytes:
    """Return the opening of a file."""
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, interlace)
    return SIGNATURE + chunk(b"IHDR", header)


def rows(width: int, height: int, *, depth: int = 8, color: int = GRAY, filtered: int = 0) -> bytes:
    """Return the pixels of a black picture, before they are compressed."""
    return (bytes([filtered]) + bytes((width * depth * CHANNELS[color] + 7) // 8)) * height


def pixels(data: bytes) -> bytes:
    """Return the compressed pixels as one chunk."""
    return chunk(b"IDAT", zlib.compress(data))


END = chunk(b"IEND", b"")
COLORS = (
    chunk(b"tRNS", bytes(2))
    + chunk(b"gAMA", b"\0\0\0\1")
    + chunk(b"bKGD", b"\0\xff")
    + chunk(b"sBIT", b"\1")
    + chunk(b"eXIf", b"MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\6\0\0")
)
"""What makes others show another picture: transparency, a gamma, a background, a rotation."""


def whole(width: int, height: int, before: bytes = b"", after: bytes = b"") -> bytes:
    """Return a right file, with foreign chunks around its pixels."""
    return head(width, height) + before + pixels(rows(width, height)) + after + END


def of_type(width: int, height: int, *, depth: int = 8, color: int = GRAY) -> bytes:
    """Return a right file of another type."""
    data = rows(width, height, depth=depth, color=color)
    colors = chunk(b"PLTE", bytes(768)) if color == PALETTE else b""
    return head(width, height, depth=depth, color=color) + colors + pixels(data) + END


def filled(width: int, height: int, *, value: int, depth: int = 8) -> bytes:
    """Return a right file whose every pixel is `value`."""
    row = b"\0" + value.to_bytes(depth // 8, "big") * width
    return head(width, height, depth=depth) + pixels(row * height) + END


def with_dictionary(data: bytes) -> bytes:
    """Return `data` compressed by what only we know."""
    packer = zlib.compressobj(zdict=b"only we know this")
    return packer.compress(data) + packer.flush()


def bomb(megabytes: int) -> bytes:
    """Return so many MB of compressed data that hold a thousand times as many zeros."""
    packer = zlib.compressobj(9)
    opened = packer.compress(bytes(MIB)) + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(bytes(4 * MIB)) + packer.flush(zlib.Z_FULL_FLUSH)
    return opened + block * (megabytes * MIB // len(block))


def split(data: bytes) -> bytes:
    """Return `data` in chunks of a byte each."""
    return b"".join(chunk(b"IDAT", data[at : at + 1]) for at in range(len(data)))


def archive() -> bytes:
    """Return a ZIP file with a path that climbs."""
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr("../../tmp/owned", "owned")
    return file.getvalue()


def moving(width: int, height: int) -> bytes:
    """Return a file whose first moving picture is not the one that stands still."""
    frame = struct.pack(">IIIIIHHBB", 0, width, height, 0, 0, 1, 1, 0, 0)
    other = zlib.compress((b"\0" + b"\1" * width) * height)
    return whole(
        width,
        height,
        before=chunk(b"acTL", struct.pack(">II", 1, 0)),
        after=chunk(b"fcTL", frame) + chunk(b"fdAT", struct.pack(">I", 1) + other),
    )


def with_wrong_checksum(width: int, height: int) -> bytes:
    """Return a file whose pixels are not those that were written."""
    data = zlib.compress(rows(width, height))
    return head(width, height) + chunk(b"IDAT", data, check=1) + END


def in_seven_passes(width: int, height: int) -> bytes:
    """Return a file that comes in seven passes."""
    return head(width, height, interlace=1) + pixels(rows(width, height)) + END


def filtered(width: int, height: int, kind: int) -> bytes:
    """Return a file whose rows are filtered in a way that there is none of."""
    return head(width, height) + pixels(rows(width, height, filtered=kind)) + END


FILES: dict[str, Callable[[int, int], bytes]] = {
    "no_bytes": lambda _w, _h: b"",
    "jpeg": lambda _w, _h: JPEG,
    "gif": lambda _w, _h: GIF,
    "bmp": lambda _w, _h: BMP + bytes(576),
    "svg": lambda _w, _h: SVG,
    "bomb_of_pixels": lambda w, h: head(w, h) + chunk(b"IDAT", bomb(15)) + END,
    "bomb_by_its_size": lambda _w, _h: head(2**31 - 1, 2**31 - 1) + chunk(b"IDAT", bomb(1)) + END,
    "bomb_in_text": lambda w, h: whole(w, h, before=chunk(b"zTXt", b"a\0\0" + bomb(14))),
    "bomb_in_profile": lambda w, h: whole(w, h, before=chunk(b"iCCP", b"a\0\0" + bomb(14))),
    "huge_text": lambda w, h: whole(w, h, after=chunk(b"tEXt", b"a\0" + os.urandom(15 * MIB))),
    "transposed": lambda w, h: whole(h, w),
    "doubled": lambda w, h: whole(2 * w, 2 * h),
    "empty_picture": lambda _w, _h: whole(0, 0),
    "rgb": lambda w, h: of_type(w, h, color=RGB),
    "rgba": lambda w, h: of_type(w, h, color=RGBA),
    "palette": lambda w, h: of_type(w, h, color=PALETTE),
    "gray_alpha": lambda w, h: of_type(w, h, color=GRAY_ALPHA),
    "depth_1": lambda w, h: of_type(w, h, depth=1),
    "depth_2": lambda w, h: of_type(w, h, depth=2),
    "depth_4": lambda w, h: of_type(w, h, depth=4),
    "interlaced": in_seven_passes,
    "truncated": lambda w, h: whole(w, h)[:-20],
    "trailing_data": lambda w, h: whole(w, h) + b"more",
    "trailing_pixels": lambda w, h: whole(w, h) + pixels(rows(w, h)) + END,
    "zip_behind": lambda w, h: whole(w, h) + archive(),
    "zip_inside": lambda w, h: whole(w, h, after=chunk(b"ziPp", archive())),
    "animation": moving,
    "colors": lambda w, h: whole(w, h, before=COLORS),
    "two_headers": lambda w, h: whole(w, h, before=head(w, 1)[len(SIGNATURE) :]),
    "too_many_rows": lambda w, h: head(w, h) + pixels(rows(w, h + 1)) + END,
    "too_few_rows": lambda w, h: head(w, h) + pixels(rows(w, h - 1)) + END,
    "junk_in_pixels": lambda w, h: (
        head(w, h) + chunk(b"IDAT", zlib.compress(rows(w, h)) + b"more") + END
    ),
    "split_in_bytes": lambda w, h: head(w, h) + split(zlib.compress(rows(w, h), 0)) + END,
    "chunks_without_end": lambda w, h: whole(w, h, before=chunk(b"juNk", b"") * 70_000),
    "broken_checksum": with_wrong_checksum,
    "dictionary": lambda w, h: head(w, h) + chunk(b"IDAT", with_dictionary(rows(w, h))) + END,
    "filter_5": lambda w, h: filtered(w, h, 5),
    "filter_255": lambda w, h: filtered(w, h, 255),
    "chunk_of_2_gigabytes": lambda w, h: head(w, h) + b"\x7f\xff\xff\xffIDAT" + bytes(1000),
    "ids_of_16_bits": lambda w, h: filled(w, h, value=65535, depth=16),
    "ids_out_of_range": lambda w, h: filled(w, h, value=200),
    "ids_to_ignore": lambda w, h: filled(w, h, value=255),
}


def __getattr__(name: str) -> Callable[[], None]:
    """Return the attack that answers every image with the file of this name."""
    if name not in FILES:
        raise AttributeError(name)
    return lambda: _answer_with(FILES[name])


def _answer_with(write: Callable[[int, int], bytes]) -> None:
    speak.ready()
    for sample in speak.asked():
        speak.answer(sample.id, write(*struct.unpack(">II", sample.png[16:24])))
