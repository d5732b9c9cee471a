"""How long work says how far it is; nothing of how that is shown."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

Advance = Callable[[int], None]
"""Says that so many more pieces are finished."""


class Watch(Protocol):
    """Follows the phases of long work."""

    def phase(self, label: str, *, total: int, unit: str) -> AbstractContextManager[Advance]:
        """Open a phase of `total` pieces, called `unit`, and give what its progress is told to."""
        ...


class Unwatched:
    """Follows nothing."""

    def phase(self, label: str, *, total: int, unit: str) -> AbstractContextManager[Advance]:
        """Open a phase that nobody follows."""
        del label, total, unit
        return nullcontext(lambda _: None)
