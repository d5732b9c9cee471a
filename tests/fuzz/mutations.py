"""Strategies for hypothesis: conversations and files, whole and mangled by a hostile hand."""

import json
import struct
import zlib
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from prediction_property import SIGNATURE
from seeds import LINES, READY, answer, chunk, frame
from stream_property import LARGEST, OWED

FILTERS = 5
"""PNG knows five: none, sub, up, average, Paeth."""


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """A valid file and what is in it."""

    png: bytes
    ids: np.ndarray


@st.composite
def mangled(draw: st.DrawFn, whole: st.SearchStrategy[bytes]) -> bytes:
    """Draw `whole` with up to four cuts, doublings, changed bytes or foreign bytes in it."""
    data = draw(whole)
    for _ in range(draw(st.integers(0, 4))):
        low = draw(st.integers(0, len(data)))
        high = draw(st.integers(low, min(len(data), low + 40)))
        put = draw(
            st.one_of(
                st.binary(max_size=8),
                st.just(data[low:high] * 2),
                st.sampled_from([b"", b"\n", b"\0", b"{", b"\xff\xff\xff\xff", *LINES]),
            )
        )
        data = data[:low] + put + data[high:]
    return data


def conversations() -> st.SearchStrategy[bytes]:
    """Draw how a conversation is played, and the conversation: valid headers, in any order."""
    header = st.builds(
        lambda name, size: json.dumps({"id": name, "bytes": size}).encode() + b"\n",
        st.sampled_from([*OWED, "d", "", "../a", "\x00"]),
        st.one_of(st.integers(-2, LARGEST + 2), st.integers(), st.none(), st.booleans()),
    )
    answers = st.builds(answer, st.sampled_from(OWED), st.binary(max_size=LARGEST))
    said = st.lists(st.one_of(answers, answers, header, st.sampled_from(LINES)), max_size=8)
    whole = said.map(lambda parts: READY + b"".join(parts))
    return st.builds(lambda how, data: bytes([how]) + data, st.integers(0, 1), mangled(whole))


def lines() -> st.SearchStrategy[bytes]:
    """Draw a line that is a header, or nearly one, without its end."""
    right = b'{"id": "a", "bytes": 7}'
    return st.one_of(st.just(right), st.sampled_from(LINES).map(lambda line: line.split(b"\n")[0]))


def wires() -> st.SearchStrategy[bytes]:
    """Draw what an engine may send: frames of both outputs, cut anywhere, and worse."""
    said = conversations().map(lambda data: data[1:])
    framed = st.builds(frame, st.sampled_from([1, 1, 1, 2, 0, 3]), said)
    return mangled(st.lists(framed, max_size=6).map(b"".join))


@st.composite
def predictions(draw: st.DrawFn, *, shape: tuple[int, int] | None = None) -> Drawn:
    """Draw a valid file: any depth, any filter in any row, its pixels in any number of chunks."""
    dtype = draw(st.sampled_from([np.uint8, np.uint16]))
    shapes = hnp.array_shapes(min_dims=2, max_dims=2, max_side=12)
    ids = draw(hnp.arrays(dtype, shapes if shape is None else shape))
    kind = st.integers(0, FILTERS - 1)
    mixed = st.lists(kind, min_size=len(ids), max_size=len(ids))
    kinds = draw(st.one_of(mixed, kind.map(lambda only: [only] * len(ids))))
    packed = zlib.compress(filtered(ids, kinds), draw(st.integers(0, 9)))
    cuts = sorted(draw(st.lists(st.integers(0, len(packed)), max_size=4)))
    parts = [packed[low:high] for low, high in zip([0, *cuts], [*cuts, len(packed)], strict=True)]
    extra = draw(st.sampled_from([b"", chunk(b"gAMA", bytes(4)), chunk(b"tRNS", b"\0\3")]))
    height, width = ids.shape
    header = struct.pack(">IIBBBBB", width, height, 8 * ids.itemsize, 0, 0, 0, 0)
    pixels = b"".join(chunk(b"IDAT", part) for part in parts)
    png = SIGNATURE + chunk(b"IHDR", header) + extra + pixels + extra + chunk(b"IEND", b"")
    return Drawn(png=png, ids=ids)


def filtered(ids: np.ndarray, kinds: list[int]) -> bytes:
    """Return the rows of `ids` as PNG filters them (W3C PNG, section 9), by the slow definition."""
    pixel = ids.itemsize
    rows = np.ascontiguousarray(ids.astype(ids.dtype.newbyteorder(">"))).view(np.uint8).tolist()
    above, said = [0] * len(rows[0]), bytearray()
    for kind, row in zip(kinds, rows, strict=True):
        said.append(kind)
        for at, value in enumerate(row):
            left = row[at - pixel] if at >= pixel else 0
            corner = above[at - pixel] if at >= pixel else 0
            said.append((value - _foretold(kind, left, above[at], corner)) % 256)
        above = row
    return bytes(said)


def _foretold(kind: int, left: int, above: int, corner: int) -> int:
    plain = (0, left, above, (left + above) // 2)
    if kind < len(plain):
        return plain[kind]
    guess = left + above - corner
    return min((left, above, corner), key=lambda near: abs(guess - near))
