"""What Ctrl-C and other signals that ask a command to end do; nothing of what it is doing."""

import os
import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Event
from types import FrameType
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from harness.records.run import RunOutcome, StreamedSample
    from harness.records.submission import ContainerLimits
    from harness.sandbox.runner import ContainerSlot, PredictionSink, SubmissionRunner

INTERRUPTED = 130
"""The exit code of a command that was asked to end."""
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, what service managers send, and the end of a terminal or an ssh connection."""
_FIRST = b"\nstopping; once more ends it at once\n"


@dataclass(kw_only=True)
class Interrupts:
    """The signals of one command that asked it to end.

    The first one raises KeyboardInterrupt, or sets `stop` where the command listens to that; the
    second one ends the process at once: what it leaves, the next start removes. A second one that
    says that the terminal is gone is passed over, because nobody insists on anything by it.
    """

    stop: Event = field(default_factory=Event)
    """Set by the first signal."""
    _listening: bool = False

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Let a signal only set `stop` within the block, because whoever works there looks at it.

        A signal that came before raises KeyboardInterrupt.
        """
        self._listening = True
        try:
            if self.stop.is_set():
                raise KeyboardInterrupt
            yield
        finally:
            self._listening = False

    def receive(self, number: int, frame: FrameType | None) -> None:
        """Take one signal; the handler."""
        del frame
        if self.stop.is_set():
            if number == signal.SIGHUP:
                return
            os._exit(INTERRUPTED)
        self.stop.set()
        # os.write, because a stream may be in the middle of a write that this interrupts
        with suppress(OSError):  # the terminal may be gone, which is what SIGHUP says
            os.write(2, _FIRST)
        if not self._listening:
            raise KeyboardInterrupt


@contextmanager
def interruptible() -> Iterator[Interrupts]:
    """Yield the interrupts of the command in the block; a run that they stop ends with 130.

    A signal that was ignored before, as by nohup, stays ignored. For the main thread only.
    """
    from harness.errors import RunStoppedError

    interrupts = Interrupts()
    former = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        for number, handler in former.items():
            if handler is not signal.SIG_IGN:
                signal.signal(number, interrupts.receive)
        yield interrupts
    except RunStoppedError as stopped:
        if not interrupts.stop.is_set():
            raise
        click.echo(f"harness: {stopped.one_line()}", err=True)
        raise click.exceptions.Exit(INTERRUPTED) from stopped
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


class StoppableRunner:
    """A `SubmissionRunner` that gives its containers up where the command is asked to end."""

    def __init__(self, runner: "SubmissionRunner", interrupts: Interrupts) -> None:
        """Use `runner`, from the thread that takes the signals."""
        self._runner = runner
        self._interrupts = interrupts

    def run(
        self,
        image_digest: str,
        samples: "Iterable[StreamedSample]",
        *,
        limits: "ContainerLimits",
        run_id: str,
        on_prediction: "PredictionSink",
        slot: "ContainerSlot | None" = None,
    ) -> "RunOutcome":
        """Return how the container fared.

        Raises:
            RunStoppedError: The command was asked to end; the container is gone.
            HarnessError: As of the runner.
        """
        from harness.sandbox.runner import ContainerSlot

        given = slot or ContainerSlot()
        with self._interrupts.heard():
            return self._runner.run(
                image_digest,
                samples,
                limits=limits,
                run_id=run_id,
                on_prediction=on_prediction,
                slot=ContainerSlot(
                    number=given.number, gpu_ids=given.gpu_ids, stop=self._interrupts.stop
                ),
            )
