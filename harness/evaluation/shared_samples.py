"""A run's samples as several threads take them; nothing of what is done with them."""

import threading
from collections.abc import Iterable

from harness.records.run import StreamedSample


class SharedSamples:
    """One iterator that several threads take from, each sample going to one of them."""

    def __init__(self, samples: Iterable[StreamedSample]) -> None:
        self._samples = iter(samples)
        self._lock = threading.Lock()
        self._broken = False
        self.taken = 0
        """Number of samples taken so far."""
        self.exhausted = False
        """Whether all have been taken; never where reading one failed."""

    def take(self) -> StreamedSample | None:
        """Return the next sample, or None where there are no more; raises what reading raises."""
        with self._lock:
            # A generator that has raised looks like one at its end to whoever asks next.
            if self._broken:
                return None
            self._broken = True
            sample = next(self._samples, None)
            self._broken = False
            if sample is None:
                self.exhausted = True
            else:
                self.taken += 1
            return sample
