"""Inputs from which the fuzzer starts: conversations and files, whole and wrong in many ways."""

import json
import struct
import zlib

import numpy as np
from frames_property import SAMPLES
from prediction_property import SIGNATURE, WITH_CHECKSUMS, WITH_COMPRESSION, WITH_SIZE
from stream_property import END_FIRST, LARGEST, OWED

READY = b'{"protocol": 1, "name": "net"}\n'
LINES = (
    b'{"protocol": 1, "name": "net", "losses": true}\n',
    b'{"protocol": 2, "name": "net"}\n',
    b'{"protocol": true, "name": "\\u202e\\ud800"}\n',
    b'{"protocol": 1.0, "name": "net"}\n',
    b'{"protocol": 1, "name": null}\n',
    b'{"id": "a", "bytes": 2}\r\nxy',
    b'{"id": "a", "bytes": -1}\n',
    b'{"id": "a", "bytes": 1e1}\n',
    b'{"id": "a", "bytes": NaN}\n',
    b'{"id": "a", "bytes": 1, "bytes": 2}\nxy',
    b'{"id": "a", "bytes": 1, "id ": 2}\nxy',
    b'{"id": ["a"], "bytes": 1}\nx',
    b'{"id": "\\u0061", "bytes": 1}\nx',
    b'{"id": "d", "bytes": 1}\nx',
    b'{"id": "a", "bytes": 99999999999999999999999999}\n',
    b'\xef\xbb\xbf{"id": "a", "bytes": 1}\nx',
    b'{"id": "\xff\xfe", "bytes": 1}\nx',
    b"[" * 3000 + b"\n",
    b"7\n",
    b"\0\n",
    b"\n",
)


def seeds(target: str) -> list[bytes]:
    """Return the inputs that `target` starts from."""
    return {"stream": _streams, "frames": _frames, "prediction": _predictions}[target]()


def answer(sample_id: str, body: bytes) -> bytes:
    """Return an answer as a container writes it."""
    return json.dumps({"id": sample_id, "bytes": len(body)}).encode() + b"\n" + body


def frame(output: int, payload: bytes) -> bytes:
    """Return a frame as an engine sends it."""
    return struct.pack(">BxxxI", output, len(payload)) + payload


def chunk(kind: bytes, body: bytes) -> bytes:
    """Return a chunk of a PNG file."""
    check = zlib.crc32(body, zlib.crc32(kind))
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", check)


def png(rows: bytes, *, width: int, height: int, depth: int = 8, **more: bytes) -> bytes:
    """Return a gray PNG of filtered `rows`; `more` is put `before` and `after` its pixels."""
    header = struct.pack(">IIBBBBB", width, height, depth, 0, 0, 0, 0)
    return (
        SIGNATURE
        + chunk(b"IHDR", header)
        + more.get("before", b"")
        + chunk(b"IDAT", rows)
        + more.get("after", b"")
        + chunk(b"IEND", b"")
    )


def _streams() -> list[bytes]:
    whole = READY + b"".join(answer(name, name.encode() * 9) for name in reversed(OWED))
    said = [
        whole,
        whole + b"bye",
        READY + answer("a", b"") + answer("a", b""),
        READY + answer("b", b"p" * LARGEST) + answer("c", b"p" * (LARGEST + 1)),
        READY + READY,
        *(opened + b"x" * size for opened in (b"", READY) for size in (4095, 4096)),
        *(opened + b"{}" + b" " * size + b"\n" for opened in (b"", READY) for size in (4093, 4094)),
        *(READY + line for line in LINES),
        *LINES,
    ]
    return [bytes([how]) + conversation for conversation in said for how in (0, END_FIRST)]


def _frames() -> list[bytes]:
    answers = [frame(1, answer(sample.id, b"prediction")) for sample in SAMPLES]
    whole = frame(2, b"loading\n") + frame(1, READY) + b"".join(answers)
    return [
        whole,
        whole + frame(1, b"bye"),
        whole[:-3],
        frame(1, b"") * 3 + whole,
        frame(3, b"x") + whole,
        frame(1, READY) + frame(2, b"x" * 500) + answers[0] + frame(2, b"y" * 500),
        frame(1, READY[:5]) + frame(2, b"in between") + frame(1, READY[5:]) + answers[1],
        *(frame(1, READY + line) for line in LINES),
    ]


def _predictions() -> list[bytes]:
    width, height = 5, 4
    rows = {
        depth: b"".join(
            bytes([kind]) + bytes(range(at, at + width * depth // 8))
            for at, kind in enumerate(kinds)
        )
        for depth, kinds in ((8, (0, 1, 2, 3)), (16, (4, 3, 2, 4)))
    }
    size = bytes([width - 1, height - 1])
    how = bytes([WITH_CHECKSUMS | WITH_SIZE | WITH_COMPRESSION])
    raw = [png(rows[depth], width=width, height=height, depth=depth) for depth in rows]
    ancillary = chunk(b"tRNS", b"\0\3") + chunk(b"acTL", struct.pack(">II", 1, 0))
    packed = zlib.compress(rows[8])
    whole = [
        png(packed, width=width, height=height),
        png(packed, width=width, height=height, before=ancillary, after=chunk(b"tEXt", b"a\0b")),
        png(packed[:9], width=width, height=height, after=chunk(b"IDAT", packed[9:])),
        png(packed + b"more", width=width, height=height),
        png(packed, width=width, height=height, before=chunk(b"PLTE", bytes(6))),
        png(packed[:-1], width=width, height=height),
        png(zlib.compress(np.zeros(5000, np.uint8)), width=width, height=height),
        png(packed, width=width, height=height, depth=4),
        png(packed, width=height, height=width),
        b"\xff\xd8\xff\xe0 a JPEG",
    ]
    finished = [how + size + file for file in raw]
    return finished + [bytes([0]) + size + file for file in (*raw, *whole)]
