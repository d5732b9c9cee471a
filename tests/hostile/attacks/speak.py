"""The protocol as attacks speak it, and how they tell what they saw; nothing of any attack.

It runs inside a container, so it knows nothing but the standard library.
"""

import json
import os
import struct
import sys
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

STDIN, STDOUT = sys.stdin.buffer, sys.stdout.buffer
FINDINGS = "FINDINGS "
"""What opens the line of stderr that holds an attack's findings as JSON."""
Deed = Callable[[], object]
"""Something to try."""
DONE, REFUSED = "done", "refused"
"""How what an attempt came to begins."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One image that the harness wants a prediction of."""

    id: str
    """Its opaque id."""
    png: bytes
    """Its file."""

    def honest(self) -> bytes:
        """Return a prediction that is right in everything but its classes: all are 0."""
        width, height = struct.unpack(">II", self.png[16:24])
        return gray_png(width, height)


def say(data: bytes) -> None:
    """Write `data` to stdout at once."""
    STDOUT.write(data)
    STDOUT.flush()


def log(text: str) -> None:
    """Write a line to stderr at once."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def ready(name: str = "attack") -> None:
    """Write the ready line."""
    say(json.dumps({"protocol": 1, "name": name}).encode() + b"\n")


def asked() -> Iterator[Asked]:
    """Yield what the harness asks for until it closes stdin."""
    while line := STDIN.readline():
        header = json.loads(line)
        yield Asked(id=header["id"], png=STDIN.read(header["bytes"]))


def answer(sample_id: str, body: bytes) -> None:
    """Write a whole answer."""
    say(header(sample_id, len(body)) + body)


def header(sample_id: object, size: object) -> bytes:
    """Return the header line of an answer, of whatever types."""
    return json.dumps({"id": sample_id, "bytes": size}).encode() + b"\n"


def behave() -> None:
    """Answer everything that is still asked as an honest submission would."""
    for sample in asked():
        answer(sample.id, sample.honest())


def answer_one() -> Asked:
    """Answer the next image honestly; returns it."""
    sample = next(asked())
    answer(sample.id, sample.honest())
    return sample


def report(findings: Mapping[str, object]) -> None:
    """Tell the suite what was seen, as one line of the log."""
    log(FINDINGS + json.dumps(findings))


def attempt(deed: Deed) -> str:
    """Return what came of `deed`: `done: RESULT`, or `refused: ERROR` where it raised OSError."""
    try:
        return f"{DONE}: {deed()!r}"[:300]
    except OSError as error:
        return f"{REFUSED}: {type(error).__name__} {error}"[:300]


def report_attempts(deeds: Mapping[str, Deed]) -> None:
    """Try every one of `deeds`, by name, tell what came of each, then answer honestly."""
    report({name: attempt(deed) for name, deed in deeds.items()})
    ready()
    behave()


def mark() -> str:
    """Return the suite's own token: what an attack leaves behind is found by this name."""
    return os.environ["HOSTILE_MARK"]


def chunk(kind: bytes, data: bytes) -> bytes:
    """Return an intact PNG chunk."""
    check = zlib.crc32(data, zlib.crc32(kind))
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)


def gray_png(width: int, height: int, *, depth: int = 8) -> bytes:
    """Return a one-channel PNG of nothing but zeros."""
    head = struct.pack(">IIBBBBB", width, height, depth, 0, 0, 0, 0)
    rows = bytes(height * (1 + width * depth // 8))
    parts = (chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)
