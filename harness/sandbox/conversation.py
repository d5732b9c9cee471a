"""The talk with one attached container, from its ready line to its end; nothing of engines.

One thread sends and reads by turns, so that nothing is locked and Ctrl-C ends it anywhere; only
after the end a second one takes what is left.
"""

import math
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Event, Thread

from harness.errors import PredictionRejectedError, RunStoppedError
from harness.records.run import FailureReason, StreamedSample
from harness.records.submission import ContainerLimits
from harness.sandbox.deadlines import ContainerClock, Deadlines
from harness.sandbox.fault import Fault
from harness.sandbox.frames import FrameSplitter, FramingError, Output
from harness.sandbox.log_buffer import LogBuffer
from harness.sandbox.protocol import sample_header
from harness.sandbox.runner import PredictionSink
from harness.sandbox.stream import Answer, PredictionStream, Ready, StreamEvent
from harness.sandbox.wire import Readiness, Wire

_LONGEST_WAIT_SECONDS = 0.25
_WAIT_SLACK_SECONDS = 0.5
"""How late the scheduler may wake us before the surplus counts as ours."""
_DRAIN_SECONDS = 2.0
"""How long the end of a connection is waited for after its container has ended."""
_DRAIN_LOOK_SECONDS = 0.1


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How a conversation ended."""

    fault: Fault | None
    """What went wrong in it; None where the container closed its outputs by itself."""
    complete: bool
    """Whether every sample was sent and answered."""
    model_name: str | None
    """The name in the ready line; None where none came."""
    startup_seconds: float | None
    """Seconds from the start to the ready line."""
    predictions: int
    """Number of predictions accepted."""
    oldest_owed: str | None = None
    """The sample that it had owed for longest; None where it owed nothing."""


class Conversation:
    """Sends samples, takes answers, keeps the log and watches the deadlines."""

    def __init__(
        self,
        wire: Wire,
        samples: Iterable[StreamedSample],
        *,
        limits: ContainerLimits,
        clock: ContainerClock,
        on_prediction: PredictionSink,
        stop: Event,
    ) -> None:
        self.log = LogBuffer(limit=limits.log_bytes)
        self._wire = wire
        self._samples = iter(samples)
        self._limits = limits
        self._clock = clock
        self._on_prediction = on_prediction
        self._stop = stop
        self._frames = FrameSplitter()
        self._stream = PredictionStream(max_prediction_bytes=limits.max_prediction_bytes)
        self._deadlines = Deadlines(limits)
        self._pending = memoryview(b"")
        self._sending: str | None = None
        self._no_more_samples = False
        self._deaf = False
        self._model_name: str | None = None
        self._offers_losses = False
        self._startup_seconds: float | None = None
        self._predictions = 0

    def hold(self) -> Ending:
        """Return how it ended: the container's outputs closed, or the first fault.

        Raises:
            FramingError: The engine sent something that is no frame.
            RunStoppedError: The run was told to stop.
        """
        fault = self._talk()
        return Ending(
            fault=fault,
            complete=self._stream.complete,
            model_name=self._model_name,
            startup_seconds=self._startup_seconds,
            predictions=self._predictions,
            oldest_owed=self._stream.oldest_owed,
        )

    @contextmanager
    def draining(self) -> Iterator[None]:
        """Take what still comes, for the log, while the `with` block deals with the engine.

        An engine holds on to a container, and to everyone who asks for it, until its output is
        taken; so nothing may be asked of one while nobody reads.
        """
        block_left = Event()
        drain = Thread(target=self._drain, args=(block_left,), daemon=True)
        drain.start()
        try:
            yield
        finally:
            block_left.set()
            drain.join()

    def _drain(self, block_left: Event) -> None:
        """Take everything up to the end, or to a little after the block was left."""
        until = math.inf
        while time.monotonic() < until:
            if block_left.is_set():
                until = min(until, time.monotonic() + _DRAIN_SECONDS)
            if not self._wire.wait(_DRAIN_LOOK_SECONDS, to_write=False).readable:
                continue
            data = self._wire.receive()
            if data == b"":
                return
            with suppress(FramingError):  # the verdict stands; only the log's end is at stake
                for piece in self._frames.split(data or b""):
                    if piece.output is Output.STDERR:
                        self.log.write(piece.data)

    def _talk(self) -> Fault | None:
        while True:
            if self._stop.is_set():
                msg = "the run was told to stop"
                raise RunStoppedError(msg, remedy="Run the same command again to go on with it.")
            fault = self._refill()
            if fault is not None:
                return fault
            readiness = self._wait()
            if readiness.writable:
                self._send()
            if readiness.readable:
                data = self._wire.receive()
                if data == b"":
                    return None
                fault = self._take(data or b"")
            fault = fault or self._overdue()
            if fault is not None:
                return fault

    def _refill(self) -> Fault | None:
        """Put the next sample on its way, or the end, where there is room for one."""
        stream = self._stream
        if self._pending or self._no_more_samples or self._deaf or not stream.ready:
            return None
        if stream.owed >= self._limits.max_in_flight:
            return None
        with self._clock.paused():
            sample = next(self._samples, None)
        if sample is None:
            self._no_more_samples = True
            self._wire.close_write()
            fault = self._handle_all(stream.end_of_samples())
            self._mark_progress()
            return fault
        if sample.loss_of and not self._offers_losses:
            return Fault(
                reason=FailureReason.NO_LOSSES,
                detail="it was asked for class losses, and its ready line offers none",
            )
        stream.owe(sample.id)
        header = sample_header(sample.id, len(sample.png), loss_of=sample.loss_of)
        self._pending, self._sending = memoryview(header + sample.png), sample.id
        if stream.owed == 1:
            self._deadlines.owe_since(self._clock.now())
        return None

    def _wait(self) -> Readiness:
        left = self._deadlines.due() - self._clock.now()
        seconds = min(max(left, 0.0), _LONGEST_WAIT_SECONDS)
        with self._clock.counting_at_most(seconds + _WAIT_SLACK_SECONDS):
            return self._wire.wait(seconds, to_write=bool(self._pending))

    def _send(self) -> None:
        try:
            self._pending = self._pending[self._wire.send(self._pending) :]
            if not self._pending:
                self._sending = None
        except ConnectionError:
            # It takes no more input; its outputs, its exit or a deadline say what that means.
            self._pending = memoryview(b"")
            self._deaf = True
            self._mark_progress()

    def _take(self, data: bytes) -> Fault | None:
        fault = None
        for piece in self._frames.split(data):  # to the end, fault or not: the log goes on
            if piece.output is Output.STDERR:
                self.log.write(piece.data)
            elif fault is None:
                fault = self._handle_all(self._stream.receive(piece.data))
        return fault

    def _handle_all(self, events: Iterable[StreamEvent]) -> Fault | None:
        for event in events:
            fault = self._handle(event)
            if fault is not None:
                return fault
        return None

    def _handle(self, event: StreamEvent) -> Fault | None:
        match event:
            case Fault():
                return event
            case Ready(name=name, losses=losses):
                self._model_name, self._offers_losses = name, losses
                self._startup_seconds = self._clock.wall()
                self._deadlines.owe_nothing()
                return None
            case Answer():
                fault = self._deliver(event)
                self._mark_progress()
                return fault

    def _deliver(self, answer: Answer) -> Fault | None:
        if answer.sample_id == self._sending:
            # Nothing would be owed then, and a container that takes no more would hang us.
            return Fault(
                reason=FailureReason.UNKNOWN_SAMPLE,
                detail=f"it answered {answer.sample_id} before it had taken the whole image",
                sample_id=answer.sample_id,
            )
        try:
            with self._clock.paused():
                self._on_prediction(answer.sample_id, answer.png)
        except PredictionRejectedError as rejection:
            return Fault(
                reason=FailureReason(rejection.reason),
                detail=rejection.detail,
                sample_id=answer.sample_id,
            )
        self._predictions += 1
        return None

    def _mark_progress(self) -> None:
        now = self._clock.now()
        if self._stream.complete:
            self._deadlines.exit_since(now)
        elif self._stream.owed or self._deaf:
            self._deadlines.owe_since(now)
        else:
            self._deadlines.owe_nothing()

    def _overdue(self) -> Fault | None:
        reason = self._deadlines.passed(self._clock.now())
        if reason is None:
            return None
        return Fault(
            reason=reason,
            detail=self._deadlines.explain(reason, owed=self._stream.owed),
            sample_id=self._stream.oldest_owed if reason is FailureReason.IMAGE_TIMEOUT else None,
        )
