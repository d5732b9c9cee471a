"""The container's deadlines and the clock that they are read on; nothing of what it writes."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from harness.records.run import FailureReason
from harness.records.submission import ContainerLimits


class ContainerClock:
    """Seconds of a container's own time: what the harness itself takes is not counted.

    A container that waits for us - while a prediction is scored, a sample is read, or the
    harness is stopped by Ctrl-Z - must not run into a deadline for it.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._start = monotonic()
        self._ours = 0.0

    def wall(self) -> float:
        """Return the seconds since the start, ours included."""
        return self._monotonic() - self._start

    def now(self) -> float:
        """Return the seconds since the start that are the container's."""
        return self.wall() - self._ours

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Take the time of the `with` block as ours."""
        before = self._monotonic()
        try:
            yield
        finally:
            self._ours += self._monotonic() - before

    @contextmanager
    def counting_at_most(self, seconds: float) -> Iterator[None]:
        """Count no more than `seconds` of the `with` block as the container's."""
        before = self._monotonic()
        try:
            yield
        finally:
            self._ours += max(0.0, self._monotonic() - before - seconds)


class Deadlines:
    """Which deadline is the next one, and whether it has passed.

    Every method takes and returns seconds on the container's clock.
    """

    def __init__(self, limits: ContainerLimits) -> None:
        self._limits = limits
        self._due = limits.startup_seconds
        self._reason = FailureReason.NOT_READY

    def owe_since(self, now: float) -> None:
        """From `now` on, one prediction is owed within the deadline."""
        self._due = now + self._limits.image_seconds
        self._reason = FailureReason.IMAGE_TIMEOUT

    def owe_nothing(self) -> None:
        """Nothing is owed."""
        self._due = math.inf

    def exit_since(self, now: float) -> None:
        """From `now` on, the container is to exit within the deadline."""
        self._due = now + self._limits.exit_seconds
        self._reason = FailureReason.DID_NOT_EXIT

    def due(self) -> float:
        """Return when the next deadline passes."""
        return min(self._due, self._limits.total_seconds)

    def passed(self, now: float) -> FailureReason | None:
        """Return the reason for the deadline that has passed at `now`, or None."""
        if now >= self._due:
            return self._reason
        if now >= self._limits.total_seconds:
            return FailureReason.TOTAL_TIMEOUT
        return None

    def explain(self, reason: FailureReason, *, owed: int) -> str:
        """Return the sentence for a deadline that has passed."""
        limits = self._limits
        sentences = {
            FailureReason.NOT_READY: f"no ready line within {limits.startup_seconds:g} s",
            FailureReason.IMAGE_TIMEOUT: f"no prediction for {limits.image_seconds:g} s while "
            f"{owed} {'was' if owed == 1 else 'were'} owed",
            FailureReason.DID_NOT_EXIT: f"it answered everything, but did not exit within "
            f"{limits.exit_seconds:g} s of the end of its input",
        }
        return sentences.get(reason, f"the run took longer than {limits.total_seconds:g} s")
