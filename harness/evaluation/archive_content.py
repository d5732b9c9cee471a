"""What the records of an archive say of a run, taken one after the other; nothing of its file."""

from dataclasses import dataclass
from datetime import datetime

from pydantic import ValidationError

from harness.evaluation.archive_format import FramedRecord, RecordKind
from harness.records.archive import ArchiveHeader, PartEnd, PartStart
from harness.records.run import RunOutcome, RunPart

KILLED = "killed, or the machine went down"
"""How a part ended that does not say so itself."""


@dataclass(frozen=True, kw_only=True)
class ArchiveContent:
    """What an archive holds, but for the predictions' bytes."""

    header: ArchiveHeader
    """What the predictions are."""
    parts: tuple[RunPart, ...] = ()
    """The parts that took the run up so far, in order; all of them have ended."""
    seconds: float = 0.0
    """How long the parts took together, as far as is known."""
    predicted: frozenset[str] = frozenset()
    """The samples whose predictions are kept."""
    outcome: RunOutcome | None = None
    """How the run ended, where it did and only remains to be stored."""
    unexplained_kills: int = 0
    """How often a container of the key was ended by a SIGKILL that nobody explains."""


class ArchiveReading:
    """Takes the whole records of a file and says what they mean together."""

    def __init__(self, *, modified_at: float) -> None:
        """Begin; `modified_at` is when the file was last written, in seconds since 1970."""
        self._modified_at = modified_at
        self._header: ArchiveHeader | None = None
        self._started: datetime | None = None
        self._predictions = 0
        self._parts: list[RunPart] = []
        self._seconds = 0.0
        self._predicted: set[str] = set()
        self._outcome: RunOutcome | None = None
        self._unexplained_kills = 0

    def take(self, record: FramedRecord) -> bool:
        """Take one record; returns whether it made sense, else it and all after it do not count."""
        try:
            match record.kind:
                case RecordKind.HEADER:
                    return self._take_header(ArchiveHeader.model_validate_json(record.body))
                case _ if self._header is None:
                    return False
                case RecordKind.PART_START:
                    self._take_start(PartStart.model_validate_json(record.body))
                case RecordKind.PREDICTION:
                    self._predicted.add(record.name)
                    self._predictions += 1
                case RecordKind.PART_END:
                    self._take_end(PartEnd.model_validate_json(record.body))
                case RecordKind.OUTCOME:
                    self._outcome = RunOutcome.model_validate_json(record.body)
        except ValidationError:  # of another version of the harness
            return False
        return True

    @property
    def unended(self) -> PartEnd | None:
        """The end of a part that did not say so itself; None where the last one did."""
        if self._started is None:
            return None
        seconds = max(0.0, self._modified_at - self._started.timestamp())
        return PartEnd(ended_at=None, seconds=seconds, ending=KILLED)

    def content(self) -> ArchiveContent | None:
        """Return what was said; None where nothing says what the predictions are."""
        if self._header is None:
            return None
        parts, seconds = self._parts, self._seconds
        if self._started is not None and self.unended is not None:
            parts = [*parts, self._part(self._started, self.unended)]
            seconds += self.unended.seconds
        return ArchiveContent(
            header=self._header,
            parts=tuple(parts),
            seconds=seconds,
            predicted=frozenset(self._predicted),
            outcome=self._outcome,
            unexplained_kills=self._header.unexplained_kills + self._unexplained_kills,
        )

    def _take_header(self, header: ArchiveHeader) -> bool:
        if self._header is not None:
            return False
        self._header = header
        return True

    def _take_start(self, start: PartStart) -> None:
        self._started, self._predictions = start.started_at, 0

    def _take_end(self, end: PartEnd) -> None:
        self._unexplained_kills += end.unexplained_kill
        self._seconds += end.seconds
        if self._started is not None:
            self._parts.append(self._part(self._started, end))
        self._started = None

    def _part(self, started_at: datetime, end: PartEnd) -> RunPart:
        return RunPart(
            started_at=started_at,
            ended_at=end.ended_at,
            predictions=self._predictions,
            ending=end.ending,
        )
