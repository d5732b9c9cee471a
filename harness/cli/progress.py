"""Progress of long work: a bar with rate and estimate, or plain lines without a terminal."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Self

import click

PLAIN_INTERVAL_SECONDS = 5.0


class Progress:
    """Counts finished pieces of one piece of work and shows them on stderr, from any thread."""

    def __init__(self, label: str, *, total: int, unit: str) -> None:
        """Prepare to count `total` pieces called `unit` under the heading `label`."""
        self._label, self._total, self._unit = label, total, unit
        self._done = self._shown = 0
        self._lock = threading.Lock()
        self._started = self._last_line = time.monotonic()
        self._bar: _RichBar | None = None

    def __enter__(self) -> Self:
        """Start the clock and, on a terminal, the bar."""
        self._started = self._last_line = time.monotonic()
        if sys.stderr.isatty():
            self._bar = _RichBar(self._label, total=self._total, unit=self._unit)
        else:
            _say(f"{self._label}: {self._total} {self._unit}")
        return self

    def advance(self, count: int = 1) -> None:
        """Say that `count` more pieces are finished."""
        with self._lock:
            self._done += count
            if self._bar is not None:
                self._bar.advance(count)
            elif time.monotonic() - self._last_line >= PLAIN_INTERVAL_SECONDS:
                self._show()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take the bar down and say how it went."""
        if self._bar is not None:
            self._bar.stop()
        if self._done != self._shown:
            self._show()

    def _show(self) -> None:
        self._shown, self._last_line = self._done, time.monotonic()
        _say(self._line())

    def _line(self) -> str:
        seconds = max(time.monotonic() - self._started, 1e-9)
        rate = self._done / seconds
        line = f"{self._label}: {self._done}/{self._total} {self._unit}, {_speed(rate)}"
        if self._done >= self._total:
            return f"{line}, {seconds:.1f} s"
        return f"{line}, {(self._total - self._done) / rate:.0f} s left" if rate else line


class ProgressWatch:
    """Shows each phase of long work as a progress of its own; a `harness.benchmark.watch.Watch`."""

    @contextmanager
    def phase(self, label: str, *, total: int, unit: str) -> Iterator[Callable[[int], None]]:
        """Open a phase of `total` pieces, called `unit`, and give what its progress is told to."""
        with Progress(label, total=total, unit=unit) as progress:
            yield progress.advance


def _say(line: str) -> None:
    """Write `line` to stderr; that nobody reads it any more is no reason to end the work."""
    with suppress(BrokenPipeError):
        click.echo(line, err=True)


def _speed(rate: float) -> str:
    """Return `rate`, in pieces a second, as people read it: slow work by the minute."""
    return f"{60 * rate:.1f}/min" if 0 < rate < 1 else f"{rate:.1f}/s"


class _RichBar:
    def __init__(self, label: str, *, total: int, unit: str) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            TextColumn,
            TimeRemainingColumn,
        )
        from rich.progress import Progress as RichProgress

        self._progress = RichProgress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn(f"{unit} · {{task.fields[speed]}} ·"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._progress.add_task(label, total=total, speed=_speed(0.0))
        self._progress.start()

    def advance(self, count: int) -> None:
        task = self._progress.tasks[0]
        elapsed = max(task.elapsed or 0.0, 1e-9)
        speed = _speed((task.completed + count) / elapsed)
        self._progress.update(self._task, advance=count, speed=speed)

    def stop(self) -> None:
        self._progress.stop()
