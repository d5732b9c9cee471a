"""The engine's framing of a container's two outputs on one connection; nothing of what they say.

Each frame opens with 8 bytes: the output (1 is stdout, 2 is stderr), three zeros, and the payload's
length as a big-endian 32-bit number (Docker Engine API, "Attach to a container").
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

_PREFIX = struct.Struct(">BxxxI")


class Output(IntEnum):
    """The numbers of a container's outputs."""

    STDOUT = 1
    STDERR = 2


class FramingError(ValueError):
    """The engine sent something that is no frame."""


@dataclass(frozen=True, kw_only=True)
class Piece:
    """Part of what one output said; a frame comes in one piece or more."""

    output: Output
    """The output that said it."""
    data: memoryview
    """The bytes, valid until the next piece is asked for."""


class FrameSplitter:
    """Tells stdout from stderr in a stream of frames that is cut anywhere."""

    def __init__(self) -> None:
        self._prefix = bytearray()
        self._output = Output.STDOUT
        self._remaining = 0

    def split(self, data: bytes) -> Iterator[Piece]:
        """Yield the payload in `data`, in order and without empty pieces.

        Raises:
            FramingError: A prefix names no known output.
        """
        view = memoryview(data)
        while view:
            if self._remaining:
                payload, view = view[: self._remaining], view[self._remaining :]
                self._remaining -= len(payload)
                yield Piece(output=self._output, data=payload)
                continue
            missing = _PREFIX.size - len(self._prefix)
            self._prefix += view[:missing]
            view = view[missing:]
            if len(self._prefix) == _PREFIX.size:
                self._open_frame()

    def _open_frame(self) -> None:
        number, self._remaining = _PREFIX.unpack(self._prefix)
        self._prefix.clear()
        try:
            self._output = Output(number)
        except ValueError as error:
            msg = f"a frame of the unknown output {number}"
            raise FramingError(msg) from error
