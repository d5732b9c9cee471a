"""The bounded log of a run: the head and the tail of what was written; nothing of containers."""


class LogBuffer:
    """Keeps the first and the last half of `limit` bytes, and counts what lies between."""

    def __init__(self, *, limit: int) -> None:
        self._head_limit = limit // 2
        self._tail_limit = limit - limit // 2
        self._head = bytearray()
        self._tail = bytearray()
        self._left_out = 0

    def write(self, data: bytes | memoryview) -> None:
        """Add `data`."""
        room = self._head_limit - len(self._head)
        self._head += data[:room]
        rest = data[room:]
        # Only what can survive is copied, so that a flood costs no more than its reading.
        skipped = max(len(rest) - self._tail_limit, 0)
        self._tail += rest[skipped:]
        surplus = len(self._tail) - self._tail_limit
        if surplus > 0:
            del self._tail[:surplus]
        self._left_out += skipped + max(surplus, 0)

    def text(self) -> str:
        """Return what is kept, decoded with replacement; a line says what was left out."""
        if not self._left_out:
            return bytes(self._head + self._tail).decode(errors="replace")
        gap = f"\n[... {self._left_out} bytes left out ...]\n"
        return self._head.decode(errors="replace") + gap + self._tail.decode(errors="replace")
