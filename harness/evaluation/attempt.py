"""What one process does of a run: takes it up where it stands, adds to it, and says how it ended.

The rules of taking up stand here. Nothing here knows containers, scores or the database.
"""

import logging
from dataclasses import dataclass
from datetime import datetime

from harness.errors import HarnessError
from harness.evaluation.archive import PredictionArchive
from harness.evaluation.archive_content import ArchiveContent
from harness.records.archive import ArchiveHeader, PartEnd
from harness.records.run import RunOutcome, RunPart

_ENDING_CHARACTERS = 200
"""How much of an error a part's ending says."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What is asked for."""

    header: ArchiveHeader
    """The run as it is started where there is none to go on with."""
    stateless: bool
    """Whether the submission's predictions depend on their images alone."""
    fresh: bool
    """Whether what an unfinished run has is thrown away."""
    samples: int
    """Number of samples of the whole run."""


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One process's part of a run, from the moment at which it took it up."""

    archive: PredictionArchive
    """What the run has, locked."""
    before: ArchiveContent
    """What it had when it was taken up."""
    started_at: datetime
    """When it was taken up, UTC."""
    samples: int
    """Number of samples of the whole run."""
    note: str
    """What to tell the user of it; empty where there is nothing to tell."""

    @property
    def header(self) -> ArchiveHeader:
        """What the run is."""
        return self.before.header

    @property
    def run_started_at(self) -> datetime:
        """When the run was started, UTC, in whatever part."""
        return self.before.parts[0].started_at if self.before.parts else self.started_at

    @property
    def kept(self) -> str:
        """How much of the run is kept by now, in a few words."""
        return f"{self.archive.predictions:,} of {self.samples:,} images"

    def keep(self, sample_id: str, png: bytes) -> None:
        """Keep a prediction that was counted, unless it was kept before.

        Raises:
            DiskFullError: The disk is full.
            OSError: It can't be written.
        """
        if sample_id not in self.before.predicted:
            self.archive.append(sample_id, png)

    def whole(self, outcome: RunOutcome) -> RunOutcome:
        """Return `outcome`, which tells of this part, as it tells of all parts."""
        if not self.before.parts:
            return outcome
        return outcome.model_copy(
            update={
                "predictions": outcome.predictions + len(self.before.predicted),
                "total_seconds": outcome.total_seconds + self.before.seconds,
            }
        )

    def parts(self, now: datetime, ending: str) -> tuple[RunPart, ...]:
        """Return the run's parts where this one ends `now`; none where it is the only one."""
        if not self.before.parts:
            return ()
        own = RunPart(
            started_at=self.started_at,
            ended_at=now,
            predictions=self.archive.predictions - len(self.before.predicted),
            ending=ending,
        )
        return (*self.before.parts, own)

    def cut(self, now: datetime, ending: str, *, unexplained_kill: bool) -> None:
        """Say in the archive that this part ended, but not the run; what fails is logged only.

        A part whose end can't be written counts as killed.
        """
        end = PartEnd(
            ended_at=now,
            seconds=max(0.0, (now - self.started_at).total_seconds()),
            ending=" ".join(ending.split())[:_ENDING_CHARACTERS],
            unexplained_kill=unexplained_kill,
        )
        try:
            self.archive.end_part(end)
        except (HarnessError, OSError) as error:
            _LOG.warning("how this part of the run ended can't be kept: %s", error)


def take_up(archive: PredictionArchive, wish: Wish, *, now: datetime) -> Attempt:
    """Return the attempt that goes on with the archive's run, or begins another in its place.

    A run is gone on with where its predictions can stand beside new ones: where the submission is
    stateless. One that was started without --again is not what --again asks for, so that begins
    another; one that was, or that followed a completed run, is. One that ended, and only could not
    be stored, is not run any more and never thrown away, whatever is asked for.
    Where nothing was predicted there is nothing to go on with. A run in another's place has its id.

    Raises:
        DiskFullError: The disk is full.
        OSError: The archive can't be written.
    """
    before = archive.content
    why_not = None if before is None else _why_not(before, wish)
    note = ""
    if before is None or before.header.key() != wish.header.key():
        archive.begin(wish.header)
    elif why_not is not None:
        note = (
            f"run {before.header.run_id} was cut off after {len(before.predicted):,} of"
            f" {wish.samples:,} images and is begun anew: {why_not}"
        )
        archive.begin(_anew(wish, before))
    elif not before.predicted and before.outcome is None:
        archive.begin(_anew(wish, before))
    else:
        note = _resuming(before, wish)
    archive.start_part(now)
    content = archive.content
    if content is None:  # it has just been given one
        msg = "an archive that was begun holds nothing"
        raise AssertionError(msg)
    return Attempt(archive=archive, before=content, started_at=now, samples=wish.samples, note=note)


def _why_not(before: ArchiveContent, wish: Wish) -> str | None:
    """Return why what was predicted before is thrown away; None where it isn't."""
    if before.outcome is not None:
        return None
    if wish.fresh:
        return "--fresh asks for it"
    if before.predicted and before.header.waived != wish.header.waived:
        walls = ", ".join(before.header.waived) or "none"
        return f"it was started with other walls left out ({walls})"
    if wish.header.again and not (before.header.again or before.header.forced):
        return "--again asks for another run; without it, that one would be gone on with"
    if before.predicted and not wish.stateless:
        return "the submission says `stateless = false`: its predictions depend on those before"
    return None


def _anew(wish: Wish, before: ArchiveContent) -> ArchiveHeader:
    """Return the header of a run in place of `before`: its id, as that has no scores to be kept.

    So what is stored of it makes way for how this one ends. What is known of kills goes on with it.
    """
    kills = 0 if wish.fresh else before.unexplained_kills
    return wish.header.model_copy(
        update={"run_id": before.header.run_id, "unexplained_kills": kills}
    )


def _resuming(before: ArchiveContent, wish: Wish) -> str:
    if before.outcome is not None:
        rest = "; give the command once more to begin another" if wish.header.again else ""
        ended = f"run {before.header.run_id} had ended and was not stored yet"
        return f"{ended}: nothing is run again{rest}"
    return (
        f"resuming run {before.header.run_id}: {len(before.predicted):,} of {wish.samples:,} images"
        " were predicted before it was cut off"
    )
