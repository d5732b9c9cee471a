"""The container's side of the conversation as a state machine: bytes in, events out.

It knows the protocol and what is owed; nothing of sockets, engines, clocks or pixels. Its memory is
bounded by the largest line and the largest prediction allowed, whatever a container writes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

from harness.records.run import FailureReason
from harness.sandbox.fault import Fault
from harness.sandbox.protocol import (
    MAX_LINE_BYTES,
    AnswerHeader,
    LineError,
    parse_answer,
    parse_ready,
    shown,
)


@dataclass(frozen=True, kw_only=True)
class Ready:
    """The container has loaded its model."""

    name: str
    """The free-form name in its ready line."""
    losses: bool = False
    """Whether it can be asked for class losses."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One whole prediction."""

    sample_id: str
    """The sample it is for; it was owed until now."""
    png: bytes
    """What the container sent: hostile bytes."""


StreamEvent = Ready | Answer | Fault


class _State(Enum):
    READY_LINE = auto()
    HEADER = auto()
    BODY = auto()
    FAULTY = auto()


class PredictionStream:
    """Takes what a container writes to its stdout and says what it means.

    The caller says what it sends (`owe`) and when there is no more (`end_of_samples`). After the
    first fault everything is ignored.
    """

    def __init__(self, *, max_prediction_bytes: int) -> None:
        self._max_prediction_bytes = max_prediction_bytes
        self._state = _State.READY_LINE
        self._buffer = bytearray()
        self._header: AnswerHeader | None = None
        self._owed: dict[str, str] = {}
        self._answered: set[str] = set()
        self._ended = False

    @property
    def owed(self) -> int:
        """Number of samples sent and not yet answered."""
        return len(self._owed)

    @property
    def oldest_owed(self) -> str | None:
        """The id of the sample that has been owed for longest."""
        return next(iter(self._owed), None)

    @property
    def ready(self) -> bool:
        """Whether the ready line has come."""
        return self._state is not _State.READY_LINE

    @property
    def complete(self) -> bool:
        """Whether every sample has been sent and answered, and nothing more came."""
        return self._ended and not self._owed and self._state is _State.HEADER

    def owe(self, sample_id: str) -> None:
        """Say that `sample_id` is on its way to the container.

        Raises:
            ValueError: It was sent before; sample ids are unique.
        """
        if sample_id in self._owed or sample_id in self._answered:
            msg = f"the sample {sample_id} was sent before"
            raise ValueError(msg)
        self._owed[sample_id] = sample_id

    def end_of_samples(self) -> Iterator[StreamEvent]:
        """Say that no more samples follow; yields what that means for what came before."""
        self._ended = True
        yield from self._advance()

    def receive(self, data: bytes | memoryview) -> Iterator[StreamEvent]:
        """Take `data` from the container's stdout and yield the events it completes."""
        if self._state is not _State.FAULTY:
            self._buffer += data
        yield from self._advance()

    def _advance(self) -> Iterator[StreamEvent]:
        while (event := self._next_event()) is not None:
            if isinstance(event, Fault):
                self._state = _State.FAULTY
                self._buffer.clear()
            yield event

    def _next_event(self) -> StreamEvent | None:
        if self._state is _State.READY_LINE:
            return self._read_ready()
        if self._state is _State.HEADER:
            fault = self._read_header()
            if fault is not None:
                return fault
        if self._state is _State.BODY:
            return self._read_body()
        return None

    def _read_ready(self) -> Ready | Fault | None:
        line = self._take_line()
        if line is None:
            return self._overlong(FailureReason.BAD_READY_LINE, "ready line")
        try:
            ready = parse_ready(line)
        except LineError as error:
            return Fault(
                reason=FailureReason.BAD_READY_LINE,
                detail=f"the first line is no ready line of the protocol: {error}",
            )
        self._state = _State.HEADER
        return Ready(name=ready.name, losses=ready.losses)

    def _read_header(self) -> Fault | None:
        if self._buffer and self._ended and not self._owed:
            return Fault(
                reason=FailureReason.EXTRA_OUTPUT,
                detail=f"it wrote on after the last answer: {shown(bytes(self._buffer[:80]))}",
            )
        line = self._take_line()
        if line is None:
            return self._overlong(FailureReason.BAD_HEADER, "header line")
        try:
            header = parse_answer(line)
        except LineError as error:
            return Fault(
                reason=FailureReason.BAD_HEADER, detail=f"an answer's header is wrong: {error}"
            )
        self._header, self._state = header, _State.BODY
        return self._refusal(header)

    def _refusal(self, header: AnswerHeader) -> Fault | None:
        if header.sample_id not in self._owed:
            twice = header.sample_id in self._answered
            return Fault(
                reason=FailureReason.UNKNOWN_SAMPLE,
                detail=f"it answered {shown(header.sample_id)}"
                + (" a second time" if twice else ", which it was not asked"),
                sample_id=header.sample_id if twice else None,
            )
        if header.size > self._max_prediction_bytes:
            return Fault(
                reason=FailureReason.PREDICTION_TOO_LARGE,
                detail=f"it announced {shown(header.size)} bytes for a prediction; "
                f"{self._max_prediction_bytes} are allowed",
                sample_id=header.sample_id,
            )
        return None

    def _read_body(self) -> Answer | None:
        header = self._header
        if header is None or len(self._buffer) < header.size:
            return None
        png = bytes(memoryview(self._buffer)[: header.size])
        del self._buffer[: header.size]
        # Kept is the caller's string, not another one of the same id.
        self._answered.add(self._owed.pop(header.sample_id))
        self._header, self._state = None, _State.HEADER
        return Answer(sample_id=header.sample_id, png=png)

    def _take_line(self) -> bytes | None:
        end = self._buffer.find(b"\n", 0, MAX_LINE_BYTES)
        if end < 0:
            return None
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return line

    def _overlong(self, reason: FailureReason, what: str) -> Fault | None:
        if len(self._buffer) < MAX_LINE_BYTES:
            return None
        head = shown(bytes(self._buffer[:80]))
        return Fault(
            reason=reason, detail=f"its {what} is longer than {MAX_LINE_BYTES} bytes: {head}"
        )
